"""Words that are only words: nothing that a chat, a tracker or a page would act upon."""

import re
from collections.abc import Iterable

from tasktracker.lib.text import clean

LINK = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]{0,20}://|www\.|(?:javascript|vbscript|data|mailto|tel):(?=\S))\S+"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.]{1,190}",
    re.I,
)
MENTION = re.compile(r"(?<![\w/])@\w[\w.]*[,:]?")
TAGS = re.compile(r"</?[A-Za-z!][^<>]*>")
MARKUP = re.compile(r"[*_~]{2,}|[`<>\[\]{}|\\]|(?<!\w)[*_~](?=\w)|(?<=\w)[*_~](?!\w)")
#: What makes a heading, a list, a rule or a quotation of a line: not "-5", "#12" and ".NET".
BLOCK = re.compile(r"^(?:\s|#+(?=[\s#]|$)|[>=|]+|[-+*](?=[-+*\s]|$)|(?:h[1-6]|bq)\.(?=\s))+")

#: What a mask left in a model's answer ([EMAIL_1]): the value stands in the quotation.
_PLACEHOLDER = re.compile(r"\[[A-Z]{2,12}_\d{1,9}\]")
#: Up to fifty of them at once, for a round each would take long.
_MAGIC = (
    r"(?:(?>\b(?:fix(?:e[sd]|ing)?|clos(?:e[sd]?|ing)|resolv(?:e[sd]?|ing)|implement(?:s|ed|ing)?|complet(?:e[sd]?|ing)"
    r"|refs?|references|related to|part of|contributes to|towards?|see)\s{0,3}:?\s{1,3}(?:issue\s)?)){1,50}"
)
#: "fixes #12", "Closes org/repo#12": trackers take these for orders.
_ORDER = re.compile(rf"{_MAGIC}(?:[\w.-]{{1,100}}/[\w.-]{{1,100}})?#\d+[,;:]?|{_MAGIC}GH-\d+", re.I)
#: "Fixes ENG-12": the word is the order; UTF-8 and the like are no issues.
_ORDER_BY_KEY = re.compile(
    rf"{_MAGIC}(?=(?-i:(?!UTF|ISO|SHA|RFC|IPV|AES|RSA|MD|CVE|TLS|HTTP|USB)[A-Z][A-Z0-9]{{1,9}}-\d))",
    re.I,
)
_REFERENCE = re.compile(r"(?<![\w&])#(?=\w)|\bGH-(?=\d)|(?<!\w)!(?=\d)")
#: "org/repo#12" is told to the other repository.
_FOREIGN = re.compile(r"(\b[\w.-]{1,100}/[\w.-]{1,100})#(?=\d)")
_COMMAND = re.compile(r"^/(?=[a-z_]+(?:\s|$))")  # "/close" at the start of a line
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


def plain(text: str) -> str:
    """One line without mentions, links, references, orders to trackers and markup."""
    text = _PLACEHOLDER.sub("…", clean(text))
    for pattern in (LINK, TAGS, MENTION):
        text = pattern.sub(" ", text)
    text = without_orders(MARKUP.sub(" ", text))
    text = " ".join(re.sub(r"\(\s*(?:\)|$|(?=\())", " ", text).split())
    return _COMMAND.sub("", BLOCK.sub("", text))


def without_orders(text: str) -> str:
    """Without what a tracker obeys: `closes #12`; a bare `#12` stays as its number."""
    previous = ""
    while text != previous:  # "Fixes closes ENG-1" and "Fixes #ENG-1" take two rounds
        previous = text
        text = _FOREIGN.sub(r"\1 ", _ORDER_BY_KEY.sub("", _ORDER.sub(" ", text)))
        text = _REFERENCE.sub("", text)
    return text


def invents_numbers(text: str, source: str) -> bool:
    """Whether it tells a number that its source does not hold."""
    known = set(_NUMBER.findall(source))
    known |= {part for number in known for part in re.split(r"[.,:]", number)}
    return any(number not in known for number in _NUMBER.findall(text))


def tells_of(names: Iterable[str], text: str, source: str) -> bool:
    """Whether it speaks of something with one of these names that its source does not speak of."""
    return any(_holds(text, name) and not _holds(source, name) for name in names)


def _holds(text: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.I) is not None
