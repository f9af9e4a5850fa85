"""Takes people out of a sentence: who is greeted, who is asked, who has said it.

"Ігор каже, що логін падає" -> "логін падає". What a name stands for in an issue is kept beside it, as
an entity; a title is read by many and for long.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from apps.messages.entities.gazetteers import CYRILLIC, technologies

#: Also words: only a greeting, a comma or "said" makes a person of them.
_WORDS = "Mark Max Jack Frank Roman Robin Christian Макс Дані Дану Марка Марки"
_ALSO_WORDS = frozenset(_WORDS.split())
_MOST_PEOPLE = 20
_HELLO = (
    r"привіт\w*|вітаю|вітання|добрий (?:день|ранок|вечір)|доброго (?:дня|ранку|вечора)|доброго|хай|йо|слухай\w*"
    r"|hi|hey|hello|yo|good (?:morning|afternoon|evening|day)|morning|dear|ok|okay|thanks|thank you|дякую"
)
_TITLE = r"(?:(?:пане?|пані|mr|mrs|ms|dr)\.?\s+)?"
_WHEN = r"(?:\s+(?:мені|нам|щойно|вчора|сьогодні|зранку|знову|тут|теж|ще раз|me|us|again|just|today|yesterday|also))*"
#: A capital letter alone is no surname: "Олено Прод лежить".
_SURNAME = (
    r"\s+[А-ЯІЇЄҐ][а-яіїєґ'’]+(?:енк|ук|юк|ськ|цьк|зьк|ич|ець|як|ак|ів|ин|ін)[а-яіїєґ]{0,3}(?!\w)"
)
_LATIN_SURNAME = r"\s+[A-Z][a-zà-ž'’]{2,}(?!\w)"
_ROLE = r"(?:\s+(?:з|зі|із|from)\s+(?:the\s+)?\w+(?:\s+(?!(?:що|that)\b)\w+)?)?"
_SAYS = (
    r"(?:каж(?:е|уть)|казала?|казав|сказа[вл]а?|пиш(?:е|уть)|писа[вл]а?|написа[вл]а?|повідомляє|повідоми[вл]а?|скаржиться|скаржи[вл]\w*"
    r"|жаліється|пита[євл]а?|запита[вл]а?|нагадує|нагада[вл]а?|переда[євл]а?|помі(?:чає|ти[вл]а?)|знай(?:шов|шла)"
    r"|побачи[вл]а?|бачить|вважає|підтверджує|підтверди[вл]а?|зауважи[вл]а?|скину[вл]а?"
    r"|says?|said|say|reports?|reported|tells?|told|writes|wrote|mention(?:s|ed)|notic(?:es|ed)|found(?: out)?|finds"
    r"|complain(?:s|ed)|point(?:s|ed) out|thinks|confirm(?:s|ed)|sees|saw|not(?:es|ed)|ask(?:s|ed))"
)
_WISHES = r"(?:просить|проси[вл]а?|хоче|хоті[вл]а?|wants?(?: us)?(?: to)?|wanted|ask(?:s|ed)(?: us)? (?:for|to)|would like(?: to)?)"
_THAT = r"(?:\s*(?:,\s*(?:що|шо|щоб|мовляв|ніби|наче|типу|як|коли)\s+|[:,—–]\s*|-\s+)|\s+(?:що|шо|щоб|that|about)\s+)"
_SOFTLY = r"(?:\s*,?\s*(?:будь ласка|плз|пліз|плиз|please|pls|plz))?"
_LOOK = (
    r"(?:глянь(?:те)?|гляньте|глянеш|поглянь(?:те)?|подив(?:ись|іться|ися)|чекни|чекніть|поможи|допоможи(?:ть)?"
    r"|можеш (?:глянути|подивитис[ья])|можете (?:глянути|подивитис[ья])"
    r"|(?:can|could) you (?:please )?(?:take a look|have a look|look|check)|(?:please )?(?:take|have) a look|please look|ping"
    r"|fyi)"
)


def without_people(sentence: str, people: Iterable[str]) -> str:
    """The sentence without these people; what is left may be short or nothing."""
    names = _names(people, sentence)
    before = None
    while sentence != before:
        before = sentence
        for pattern, instead in (*_asked(), *(_patterns(names) if names else ())):
            sentence = pattern.sub(instead, sentence, count=1).lstrip(" ,.!?:;—–-")
    sure = tuple(name for name in names if name not in _ALSO_WORDS)
    if not sure:
        return sentence
    shorter = re.sub(r"\s+(?=[,.;:!?])", "", " ".join(_anywhere(sure).sub(" ", sentence).split()))
    shorter = re.sub(r"(?:,\s*)+(?=[,.;:!?])", "", shorter)
    return re.sub(r"^(?:і|та|й|and|but|а)\s+", "", shorter.strip(" ,:;—–-"), flags=re.I)


def _names(people: Iterable[str], sentence: str) -> tuple[str, ...]:
    """Names as written, with a surname where one follows, the longest first."""
    names = {name.strip("@ ") for name in people}
    first = [name for name in names if len(name) > 1 and name[:1].isupper()][:_MOST_PEOPLE]
    full = [f"{name}{surname}" for name in first for surname in _surnames(name, sentence)]
    return tuple(sorted({*first, *full}, key=lambda name: (-len(name), name)))


def _surnames(name: str, sentence: str) -> list[str]:
    pattern = _SURNAME if CYRILLIC.search(name) else _LATIN_SURNAME
    found = re.findall(rf"(?<!\w){re.escape(name)}({pattern})", sentence)
    return [word for word in found if not technologies().find(word.strip())]


@lru_cache(maxsize=1)
def _asked() -> tuple[tuple[re.Pattern[str], str], ...]:
    """ "Глянь, …", "…, can you take a look?": asked of somebody whose name is gone by now."""
    return (
        (re.compile(rf"^{_LOOK}{_SOFTLY}\s*(?:[,:!?—–]\s*|-\s+)(?:(?:чому|чого|why)\s+)?(?=\w+\s)", re.I), ""),
        (re.compile(rf"^{_LOOK}{_SOFTLY}\s+(?:чому|чого|why)\s+(?=\w+\s)", re.I), ""),
        (re.compile(rf"\s*[,.]\s*{_LOOK}{_SOFTLY}[\s.!?]*$", re.I), ""),
    )  # fmt: skip


@lru_cache(maxsize=256)
def _patterns(names: tuple[str, ...]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Ways to speak to somebody or of what somebody has said."""
    one = rf"{_TITLE}(?-i:{'|'.join(map(re.escape, names))})(?![\w'’])"
    all_of = rf"{one}(?:\s*(?:,|і|та|й|and|&)\s*{one})*"
    full = rf"{all_of}{_ROLE}(?:\s+\([^()]*\))?"
    says = rf"(?:{_SAYS}{_WHEN}{_THAT}|{_WISHES}{_WHEN}\s+)"
    in_english = r"(?:says|said|reported|reports|noticed|mentioned|found|confirmed|wrote)\s+(?=(?:the|a|an|our|my|it|he|she|we)\s)"
    return tuple(
        (re.compile(pattern, re.I), "")
        for pattern in (
            rf"^(?:{_HELLO})[\s,]+{all_of}\s*[,!.:;—–-]*\s*",
            rf"^(?:(?:а|і|ще|and|so|but)\s+)?{full}\s+(?:щойно\s+|вчора\s+|сьогодні\s+|just\s+|also\s+|теж\s+)?(?:{says}|{in_english})",
            rf"^{_SAYS}\s+{full}{_THAT}",
            rf"^(?:за словами|зі слів|як|від|according to|as|from|via|per)\s+(?:{_SAYS}\s+)?{full}(?:\s+{_SAYS})?\s*[,:—–]\s*",
            rf"\s*,\s*(?:як\s+|as\s+)?{_SAYS}\s+{full}(?=\s*(?:[,.!?]|$))",
            rf"\s*,\s*(?:за словами|зі слів|according to)\s+{full}(?=\s*(?:[,.!?]|$))",
            rf"\s*,\s*(?:as\s+)?{full}\s+{_SAYS}(?=\s*(?:[,.!?]|$))",
            rf"^{all_of}\s*(?:[,!:—–]\s*|-\s+)",
            rf"\s*,\s*{all_of}[\s.!?,]*$",
        )
    )


@lru_cache(maxsize=256)
def _anywhere(names: tuple[str, ...]) -> re.Pattern[str]:
    one = rf"{_TITLE}(?-i:{'|'.join(map(re.escape, names))})(?![\w-])(?:['’]s\b)?"
    before = r"(?:\b(?:у|в|на|для|від|до|з|із|зі|за|про|for|from|by|with|to|at|via|of)\s+)?"
    return re.compile(rf"{before}(?<![\w@/.-]){one}(?:\s*(?:,|і|та|й|and|&)\s*{one})*", re.I)
