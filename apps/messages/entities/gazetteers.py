"""The shipped lists of technologies and first names, and how a word of a text is looked up in them."""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

#: Case endings of Ukrainian nouns; what is left after them is the stem of the lists.
_ENDINGS = (
    "а у і о е и я ю ї є й ь ом ем єм ою ею єю ові еві єві ами ями ах ях ам ям ів їв ій ка ки ку ці"
)
ENDINGS = frozenset(_ENDINGS.split()) | {""}
_PLAIN_WORDS = "Вас Над Але Або Ось Одна Один Мало Мала Малі Роми Слава Славу Ліси Люба Люби Любо Віра Віри Вірі Віру Уля Марі Яно"
_NOT_NAMES = frozenset(_PLAIN_WORDS.split())
CYRILLIC = re.compile("[\u0400-\u04ff]")


@dataclass(frozen=True)
class Technologies:
    any_case: dict[str, str]  # alias in lower case -> normal form
    as_written: dict[str, str]  # alias as written -> normal form
    stems: dict[str, str]  # Ukrainian stem -> normal form
    longest: int  # words of the longest alias

    def find(self, surface: str) -> str | None:
        """Normal form of a word or phrase, None when it is not a technology."""
        if surface in self.as_written:
            return self.as_written[surface]
        lower = surface.casefold().replace("\u2019", "'").replace("\u02bc", "'")
        return self.any_case.get(lower) or self._by_stem(lower)

    def _by_stem(self, lower: str) -> str | None:
        if not CYRILLIC.search(lower):
            return None
        for cut in range(len(lower), max(2, len(lower) - 5), -1):
            normal = self.stems.get(lower[:cut])
            if normal is not None and lower[cut:] in ENDINGS:
                return normal
        return None


@dataclass(frozen=True)
class Names:
    latin: frozenset[str]
    stems: frozenset[str]

    def has(self, word: str) -> bool:
        """Whether a capitalised word is a first name, in whatever Ukrainian case."""
        if word in _NOT_NAMES:
            return False
        if not CYRILLIC.search(word):
            return word in self.latin
        return any(
            word[:cut] in self.stems and word[cut:] in ENDINGS
            for cut in range(len(word), max(1, len(word) - 4), -1)
        )


@lru_cache(maxsize=1)
def technologies() -> Technologies:
    any_case: dict[str, str] = {}
    as_written: dict[str, str] = {}
    stems: dict[str, str] = {}
    for line in _lines("technologies.txt"):
        normal, _, rest = line.partition(":")
        normal, aliases = (
            normal.strip(),
            [alias.strip() for alias in rest.split(",") if alias.strip()],
        )
        # An exact alias equal to the name means that the name is an everyday word in other cases.
        if f"={normal}" not in aliases:
            any_case[normal.casefold()] = normal
        for alias in aliases:
            if alias.startswith("="):
                as_written[alias[1:]] = normal
            elif alias.endswith("*"):
                stems[alias[:-1].casefold()] = normal
            else:
                any_case[alias.casefold()] = normal
    longest = max(len(alias.split()) for alias in (*any_case, *as_written))
    return Technologies(any_case, as_written, stems, longest)


@lru_cache(maxsize=1)
def names() -> Names:
    words = [word for line in _lines("names.txt") for word in line.split()]
    return Names(
        latin=frozenset(word for word in words if not CYRILLIC.search(word)),
        stems=frozenset(word for word in words if CYRILLIC.search(word)),
    )


def _lines(name: str) -> list[str]:
    text = (resources.files("apps.messages.entities") / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
