"""Facts of two reports that agree or contradict each other: versions, numbers, platforms, direction, negation.

The same words with another version, on another platform or in the other direction are another
problem. Everything here is codes and values, so that a page can show it in two languages.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from apps.issues.dedup.base import Candidate, Report
from apps.issues.dedup.cognates import MAX_CHARACTERS, words_of
from tasktracker.lib.text import clean

#: A version or an identifier with a dot: two different ones speak of two different builds.
_VERSION = re.compile(
    r"(?<![\w.,])v?(\d+(?:\.\d+){1,3}(?:-?(?:rc|beta|alpha)\.?\d*)?)(?![\w%]|[.,]\d)", re.I
)
_NUMBER = re.compile(r"(?<![\w.,])\d+(?![\w%]|[.,]\d)")
_ENDPOINT = re.compile(r"(?<![\w/])/(?:[\w-]+/)*[\w-]{2,}|\b[A-Z]{2,6}-\d{2,}\b")

#: family -> value -> beginnings of words in both languages. Values of a family exclude each other.
FAMILIES: Mapping[str, Mapping[str, str]] = {
    "platform": {
        "ios": r"ios|iphone|ipad|айфон\w*|айпад\w*|айос\w*",
        "android": r"android|андро[їi]д\w*|самсунг\w*|samsung|pixel|піксел\w*|xiaomi",
        "macos": r"macos|mac|macbook|мак(?:у|ах|бук\w*|ос\w*)?",
        "windows": r"windows|win\d*|вінд\w*|вінда",
        "linux": r"linux|ubuntu|лінукс\w*",
    },
    "browser": {
        "chrome": r"chrome|хром(?:[іуе]|ом)?",
        "firefox": r"firefox|фаєрфокс\w*|лис(?:иця|иці|і|а)",
        "safari": r"safari|сафар[іи]\w*",
        "edge": r"edge|едж\w*",
    },
    "environment": {
        # The normal form writes "пре-прод" as two words; the second one alone is not production.
        "preproduction": r"(?:pre|пре|прі) ?(?:prod|прод)\w*|передпрод(?:і|у|ом|акшн\w*)?|(?:на|з|до) перед прод",
        "production": r"(?<!pre )(?<!пре )(?<!прі )(?<!на перед )(?<!з перед )(?<!до перед )(?:prod|production|прод(?:і|у|ом|акшн\w*)?)|бойов\w*",
        "staging": r"staging|stage|стейдж\w*|стедж\w*",
        "sandbox": r"sandbox|пісочниц\w*",
    },
    "transfer": {
        "import": r"import\w*|імпорт\w*|upload\w*|завантаж(?:ую|или|ити) (?:на|у|в)",
        "export": r"export\w*|експорт\w*|вивантаж\w*|вигруз\w*|download\w*|скача\w*",
    },
    "session": {
        "login": r"log ?in|logging in|sign ?in|signing in|логін\w*|вхід|входу|вході|увійти|зайти|залогін\w*",
        "logout": r"log ?out|logged out|sign ?out|signed out|розлогін\w*|вилогін\w*|вийти|викидає",
        "registration": r"sign ?up|register\w*|registration|реєстрац\w*|зареєстр\w*",
    },
    "frequency": {
        "twice": r"twice|double\w*|duplicat\w*|двічі|два рази|подвій\w*|подвої\w*|дубл\w*|по два|задво\w*",
        "never": r"never|nothing|not at all|жодн\w*|ніколи|взагалі не|зовсім не|ніяк",
    },
    "change": {
        "create": r"creat\w*|add(?:ed|ing|s)?|створ\w*|дода(?:ти|ю|ли|в|є|но)",
        "delete": r"delet\w*|remov\w*|видал\w*|стерт\w*|прибра\w*|стира\w*",
    },
    "wallet": {
        "apple_pay": r"apple ?pay|епл ?пе\w*|епплпе\w*",
        "google_pay": r"google ?pay|гугл ?пе\w*",
        "paypal": r"paypal|пейпал\w*",
    },
    "channel": {
        "sms": r"sms|смс\w*",
        "email": r"e ?mails?|mail|пошт\w*|лист(?:а|и|ів|ах)?|імейл\w*|мейл\w*",
        "push": r"push\w*|пуш\w*",
    },
    "symptom": {
        "crash": r"crash\w*|краш\w*|вилітає|вилетіл\w*|вилет\w*|падає|впав|впала|впало|dies|died",
        "hang": r"hang\w*|hung|freez\w*|froze\w*|stuck|завис\w*|висить|застряг\w*|фриз\w*|spinner|спінер\w*|крутилк\w*",
        "slow": r"slow\w*|lag\w*|laggy|повільн\w*|гальм\w*|тормоз\w*|лаг\w*|takes (?:ages|forever)|тупить",
        "blank": r"blank|white|empty|пуст\w*|порожн\w*|біл(?:ий|а|е|ої|у)|чорн(?:ий|ому) екран\w*|black screen",
        "missing": r"missing|disappear\w*|gone|vanish\w*|зник\w*|пропа\w*|щез\w*|не видно|not visible|invisible",
        "lost": r"lost|loses|losing|lose|wipe\w*|втра\w*|губ\w*|загуб\w*|затер\w*|стира\w*",
        "unsaved": r"not saved?|isnt saved|arent saved|doesnt save|не зберіга\w*|не збере\w*",
        "undelivered": r"never (?:got|arriv\w*|reach\w*|came|come\w*)|not (?:arriv\w*|deliver\w*|receiv\w*|coming)|doesnt (?:arrive|come)|не (?:прихо\w*|прий\w*|дохо\w*|прилет\w*|отрим\w*|надісла\w*)",
        "late": r"late|delay\w*|затрим\w*|запізн\w*|із запізненням",
        "repeated": r"twice|double\w*|duplicat\w*|repeat\w*|again and again|двічі|дубл\w*|подвій\w*|подвою\w*|задво\w*|повторю\w*|по два",
        "wrong_value": r"wrong|incorrect\w*|mismatch\w*|неправильн\w*|невірн\w*|не той|не та|не те|чуж\w*|бреше\w*",
        "stale": r"stale|outdated|old (?:data|value|price|version)|cached|стар(?:ий|а|і|у|ого|ою)|застаріл\w*|кеш\w*",
        "cut": r"truncat\w*|cut|cuts|cropp\w*|clipp\w*|обріза\w*|обрізан\w*|урізан\w*",
        "garbled": r"garbled|gibberish|mojibake|question marks|кракозябр\w*|ієрогліф\w*|кодуван\w*|encoding",
        "overlap": r"overlap\w*|covers|covering|behind|налаз\w*|перекри\w*|наклад\w*|з'їха\w*|зїха\w*",
        "offset": r"offset|shift\w*|moved|misplac\w*|зсу\w*|зміщ\w*|зміст(?:ив|ил)\w*",
        "reset": r"reset\w*|forget\w*|forgot|revert\w*|скида\w*|злітає|злет\w*|збива\w*|не памята\w*",
        "expired": r"expir\w*|прострочен\w*|протух\w*|закінчи\w*|timeout|timed out|таймаут\w*",
        "denied": r"forbidden|denied|unauthorized|403|401|заборон\w*|не пуска\w*|немає прав|нема прав|доступ\w* закрит\w*",
        "rejected": r"reject\w*|declin\w*|refus\w*|invalid|відхил\w*|не прийма\w*|недійсн\w*|не приймає",
        "server_error": r"500|502|503|504|internal server error|bad gateway|п'ятисот\w*|пятсот\w*",
        "unclickable": r"cant click|not clickable|nothing happens|doesnt respond|unresponsive|не тисне\w*|не натиска\w*|не клік\w*|не реагу\w*",
        "unsorted": r"sort\w*|order of|сорту\w*|порядок|порядку|перемішан\w*|shuffl\w*",
        "unreadable": r"unreadable|cant read|contrast|не читається|не видно букв|контраст\w*|злива\w*",
        "sound": r"sound|audio|echo\w*|volume|звук\w*|ехо|гучн\w*|чут\w*|mute\w*",
        "drain": r"battery|drain\w*|батаре\w*|розряджа\w*|жере|memory|leak\w*|памят\w*",
        "unit": r"currency|rounding|rounded|валют\w*|округл\w*|копі\w*|cents",
        "timezone": r"time ?zone|utc|dst|hour off|часов\w* пояс\w*|годин\w* (?:раніше|пізніше|позже)",
    },
    "size": {
        "more": r"too (?:big|large|many|much|fast|early|high)|забагато|зарано|завелик\w*|раніше",
        "less": r"too (?:small|few|little|slow|late|low)|замало|запізн\w*|замал\w*|пізніше",
    },
}
#: With the space before the word: it is looked for five times as quickly as `\b`.
_FAMILIES = {
    family: {value: re.compile(rf" (?:{pattern})\b") for value, pattern in values.items()}
    for family, values in FAMILIES.items()
}

#: Of the duplicates in talks a tenth have other numbers, some another symptom, one in a hundred all else.
OFTEN_TOLD_OTHERWISE = frozenset({"numbers", "symptom"})

_NEGATION = re.compile(
    r"\b(?:не|нема|немає|ні|без|жодн\w*|ніхто|ніколи|нічого|нуль|пусто|тиша"
    r"|not|no|never|nothing|none|nobody|without|cannot|\w+nt|wont|cant|stopped|missing)\b"
)
#: "X itself is fine": a report that says so is about something else than X.
_FINE = re.compile(
    r"\b(?:ок|окей|норм\w*|нормально|правильн\w*|вірн\w*|справн\w*|працює|працюють|на місці|цілі|самі по собі"
    r"|ok|okay|fine|right|correct(?:ly)?|works|in place|intact|as expected|itself|does|do)\b"
)
_REQUEST = re.compile(
    r"\b(?:request|feature|suggestion|would love|would be|could we|can we|please add|let us|allow|proposal|wish"
    r"|дайте|додайте|зробіть|пропоную|пропозиція|хотілось|можна|хочу|треба|прохання|бажано)\b"
)


@dataclass(frozen=True)
class Facts:
    """What one text says that can contradict another."""

    versions: frozenset[str]
    numbers: frozenset[str]
    endpoints: frozenset[str]
    values: Mapping[str, frozenset[str]] = field(default_factory=dict)  # family -> values
    negations: int = 0
    fine: int = 0
    is_request: bool = False


@dataclass(frozen=True)
class Comparison:
    """Where two texts agree and where they contradict; both are kind -> sorted values."""

    shared: Mapping[str, list[str]]
    conflicting: Mapping[str, list[list[str]]]  # kind -> [values of the one, values of the other]


@lru_cache(maxsize=4096)
def facts_of(text: str) -> Facts:
    """Facts of `text`; cached, because the same candidates come again with every report."""
    cleaned = clean(text[:MAX_CHARACTERS])
    words = words_of(text)
    spaced = f" {words}"
    versions = frozenset(match.group(1).lower() for match in _VERSION.finditer(cleaned))
    values = {
        family: frozenset(value for value, pattern in patterns.items() if pattern.search(spaced))
        for family, patterns in _FAMILIES.items()
    }
    return Facts(
        versions=versions,
        numbers=frozenset(_NUMBER.findall(cleaned)),
        endpoints=frozenset(found.lower() for found in _ENDPOINT.findall(cleaned)),
        values={family: found for family, found in values.items() if found},
        negations=len(_NEGATION.findall(words)),
        fine=len(_FINE.findall(words)),
        is_request=bool(_REQUEST.search(words)),
    )


def compare(one: Facts, other: Facts) -> Comparison:
    """Kinds named by both texts: shared when they have a value in common, else conflicting."""
    pairs = {
        "versions": (one.versions, other.versions),
        "endpoints": (one.endpoints, other.endpoints),
        "numbers": (one.numbers, other.numbers),
    }
    for family in one.values.keys() & other.values.keys():
        pairs[family] = (one.values[family], other.values[family])
    shared: dict[str, list[str]] = {}
    conflicting: dict[str, list[list[str]]] = {}
    for kind, (ours, theirs) in sorted(pairs.items()):
        if ours & theirs:
            shared[kind] = sorted(ours & theirs)
        elif ours and theirs:
            conflicting[kind] = [sorted(ours), sorted(theirs)]
    return Comparison(shared, conflicting)


def contrary(report: Report, candidates: Iterable[Candidate]) -> set[int]:
    """Issues of which every report names another version, platform, direction and so on than this one."""
    ours = facts_of(report.text)
    agreeing: set[int] = set()
    differing: set[int] = set()
    for candidate in candidates:
        conflicting = compare(ours, facts_of(candidate.report.text)).conflicting
        differs = bool(conflicting.keys() - OFTEN_TOLD_OTHERWISE)
        (differing if differs else agreeing).add(candidate.issue_id)
    return differing - agreeing


def contradicts(ours: Facts, theirs: Facts) -> bool:
    """Stricter than a conflict: any other number, platform, direction or negation."""
    return bool(
        compare(ours, theirs).conflicting
        or ours.versions != theirs.versions
        or ours.numbers != theirs.numbers
        or ours.endpoints != theirs.endpoints
        or ours.values != theirs.values
        or ours.negations != theirs.negations
        or ours.is_request != theirs.is_request
    )


def explain(normal: str, other: str, ours: Facts, theirs: Facts) -> dict[str, Any]:
    """Codes and values that a page can show in any language."""
    comparison = compare(ours, theirs)
    theirs_words = set(other.split())
    words = [
        word for word in dict.fromkeys(normal.split()) if word in theirs_words and len(word) > 2
    ]
    return {
        "words": words[:12],
        "shared": dict(comparison.shared),
        "conflicts": dict(comparison.conflicting),
    }
