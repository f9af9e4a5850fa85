"""Words that are only words: nothing that a chat, a tracker or a page would act upon."""

import re

from tasktracker.lib.text import clean

LINK = re.compile(r"(?:https?://|www\.)\S+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.]{1,190}")
MENTION = re.compile(r"(?<![\w/])@\w[\w.]*[,:]?")
TAGS = re.compile(r"</?[A-Za-z!][^<>]*>")
MARKUP = re.compile(r"[*_~]{2,}|[`<>\[\]{}|\\]|(?<!\w)[*_~](?=\w)|(?<=\w)[*_~](?!\w)")

#: What a mask left in a model's answer ([EMAIL_1]): the value stands in the quotation.
_PLACEHOLDER = re.compile(r"\[[A-Z]{2,12}_\d{1,9}\]")
_MAGIC = (
    r"\b(?:fix(?:e[sd]|ing)?|clos(?:e[sd]?|ing)|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?|complet(?:e[sd]?|ing)"
    r"|refs?|references|related to|part of|contributes to|towards?|see)\s{0,3}:?\s{1,3}(?:issue\s)?"
)
#: "fixes #12", "Closes org/repo#12": trackers take these for orders.
_ORDER = re.compile(rf"{_MAGIC}(?:[\w.-]{{1,100}}/[\w.-]{{1,100}})?#\d+[,;:]?|{_MAGIC}GH-\d+", re.I)
#: "Fixes ENG-12": the word is the order; UTF-8 and the like are no issues.
_ORDER_BY_KEY = re.compile(
    rf"{_MAGIC}(?=(?-i:(?!UTF|ISO|SHA|RFC|IPV|AES|RSA|MD|CVE|TLS|HTTP|USB)[A-Z][A-Z0-9]{{1,9}}-\d))",
    re.I,
)
_REFERENCE = re.compile(r"(?<![\w&])#(?=\w)|\bGH-(?=\d)")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def plain(text: str) -> str:
    """One line without mentions, links, references, orders to trackers and markup."""
    text = _PLACEHOLDER.sub("…", clean(text))
    for pattern in (LINK, TAGS, MENTION):
        text = pattern.sub(" ", text)
    text = MARKUP.sub(" ", without_orders(text))
    return " ".join(re.sub(r"\(\s*(?:\)|$)", " ", text).split())


def without_orders(text: str) -> str:
    """Without what a tracker obeys: `closes #12`; a bare `#12` stays as its number."""
    return _REFERENCE.sub("", _ORDER_BY_KEY.sub("", _ORDER.sub(" ", text)))


def invents_numbers(text: str, source: str) -> bool:
    """Whether it tells a number that its source does not hold."""
    known = set(_NUMBER.findall(source))
    known |= {part for number in known for part in re.split(r"[.,:]", number)}
    return any(number not in known for number in _NUMBER.findall(text))
