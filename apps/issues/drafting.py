"""Makes a title and a description out of a message, without a model: its first telling sentence, tidied."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.issues.imperative import imperative
from apps.issues.nameless import without_people
from apps.issues.plain import BLOCK, LINK, MARKUP, MENTION, TAGS, without_orders
from apps.issues.sentences import sentences
from tasktracker.lib.text import clean, language_of, shorten

TITLE_LIMIT = 80
MIN_TITLE_WORDS = 3  # "Привіт!" and "URGENT" are no titles while a longer sentence follows
TITLE_FROM = 4000  # characters that a title is looked for in
DESCRIPTION_LIMIT = 20_000  # characters of the quote; the message itself keeps the rest
#: A title of nothing: the language is the message's, for nobody has chosen another one yet.
NAMELESS = {"uk": "Повідомлення з чату", "en": "Message from the chat"}


@dataclass(frozen=True)
class Draft:
    """A title on one line without markup, and a description that quotes the message as it was written."""

    title: str
    description: str


_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.S)
_PICTURES = re.compile(
    "[\U0001f000-\U0001faff\u2190-\u21ff\u2300-\u23ff\u2460-\u27bf\u2900-\u297f\u2b00-\u2bff\ufe0f\u20e3\u203c\u2049]+"
)
_SMILES = re.compile(r"(?:(?<=\s)|^)[:;]-?[()DPp|/]+|\){2,}|\({2,}|(?<=\w)\)(?=\s|$)")
_BULLET = re.compile(r"^\s*(?:[-*•—–#>]+|\d{1,2}[.)])\s+")

_WHO = (
    r"хлопці|дівчата|народ|колеги|команда|друзі|панове|люди|ребят\w*|чуваки|девопси|шановні|пані та панове"
    r"|all|everyone|everybody|guys|folks|team|people|there|colleagues|friends|y'?all|dear colleagues|dear all"
)
_HELLO = (
    r"привіт\w*|вітаю|вітання|добрий (?:день|ранок|вечір)|доброго (?:дня|ранку|вечора)|доброго|хай|йо|здоров\w*|алло|салют|слухайте"
    r"|hi|hey|hello|yo|good (?:morning|afternoon|evening|day)|morning|greetings|heads up|fyi|ok so|so"
)
_GREETING = re.compile(
    rf"^(?:(?:ну\s+)?(?:{_HELLO})(?:[\s,]+(?:{_WHO}))?|{_WHO})\s*(?:[,!.:;—–-]+\s*|$)|^(?:{_HELLO})\s+(?:{_WHO})\s+",
    re.I,
)
#: "Notes from the call", "Переслане від клієнта:": the next sentence says what it is about.
_INTRODUCTION = re.compile(
    r"^(?:story|notes?|quot|forward|переслан|цитую|цитата|написа[вл]|протокол|дивна штука|(?:a|the) \w+ (?:wrote|writes))"
    r"(?!.*,.*\b(?:не|not|can't)\b)",
    re.I,
)
_LEAD_IN = re.compile(
    r"^(?:(?:ну|коротше|кароч\w*|слухай\w*|до речі|btw|by the way|guys|so|well|ok|oh|ugh|ще таке|і ще|also|питання|question"
    r"|feature req(?:uest)?|suggestion|proposal|idea|request|bug|пропозиція|ідея|прохання|терміново|urgent|увага|увага всім)"
    r"\s*[,:!—–-]+\s*)+",
    re.I,
)


def draft(
    text: str, category: str = "", entities: Mapping[str, Sequence[Any]] | None = None
) -> Draft:
    """Title and description of the issue that this message opens."""
    cleaned = clean(text)
    people = [_surface(person) for person in (entities or {}).get("people", ())]
    title = _title(cleaned[:TITLE_FROM], people, is_request=category == "feature")
    return Draft(title=title, description=quote(cleaned))


def quote(text: str) -> str:
    """The message as it was written; each page and tracker shows it as a quotation of untrusted text."""
    if len(text) <= DESCRIPTION_LIMIT:
        return text
    return f"{text[:DESCRIPTION_LIMIT]}…"


def _title(text: str, people: Sequence[str], *, is_request: bool) -> str:
    said = [_tidy(sentence, people) for sentence in sentences(_prose(text))]
    telling = [sentence for sentence in said if len(sentence.split()) >= MIN_TITLE_WORDS]
    telling = [sentence for sentence in telling if not _INTRODUCTION.match(sentence)] or telling
    best = telling[0] if telling else max(said, key=len, default="")
    if not best:
        # Nothing but a log, links, pictures or names: the words of all of it.
        rest = without_people(MENTION.sub(" ", TAGS.sub(" ", text)), people)
        best = " ".join(re.findall(r"\w[\w.:/-]*", rest)) or NAMELESS[language_of(text)]
    title = shorten(imperative(best) if is_request else best, TITLE_LIMIT)
    return title[:1].upper() + title[1:] if _may_capitalise(title) else title


def _prose(text: str) -> str:
    return LINK.sub(" ", TAGS.sub(" ", _CODE_BLOCK.sub("\n", text)))


def _tidy(sentence: str, people: Sequence[str]) -> str:
    """Without greeting, addressee, pictures, markup and orders to a tracker."""
    sentence = without_orders(sentence)
    for pattern in (MENTION, _PICTURES, MARKUP):
        sentence = pattern.sub(" ", sentence)
    sentence = _BULLET.sub("", BLOCK.sub("", sentence))
    sentence = " ".join(_SMILES.sub(" ", sentence).split())
    previous = ""
    while sentence != previous:
        previous = sentence
        sentence = _LEAD_IN.sub("", _GREETING.sub("", sentence)).lstrip(" ,.!?:;—–-")
        sentence = without_people(sentence, people)
    return _balanced(sentence).rstrip(" .,;:!—–-")


def _balanced(sentence: str) -> str:
    """Without the quotation mark whose partner stands in another sentence."""
    for opening, closing in (("«", "»"), ("“", "”"), ("(", ")")):
        if sentence.count(opening) != sentence.count(closing):
            sentence = sentence.replace(opening, "").replace(closing, "")
    return sentence.replace('"', "") if sentence.count('"') % 2 else sentence


def _may_capitalise(title: str) -> bool:
    """Not an identifier or a brand that begins small: `stock-bridge`, iOS."""
    first = title.split(" ", 1)[0]
    return re.sub("['’]|[:,]$", "", first).isalpha() and first.islower()


def _surface(entity: Any) -> str:
    if isinstance(entity, Mapping):
        return str(entity.get("surface", ""))
    return str(getattr(entity, "surface", entity))
