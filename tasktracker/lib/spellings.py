"""Several ways to write one word, and the one that they are compared by.

A list has lines `canonical: variant, variant`. In a variant `*` stands for any ending of a word, `~` for
a Ukrainian ending, and a hyphen or a space between words for either or nothing. A canonical form that ends
with `*` keeps the ending of what it replaces.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import NamedTuple

from tasktracker.lib.letters import CYRILLIC, is_cyrillic, without_apostrophes

LIST = "words/spellings.txt"
SERVICES, OUTAGES = "services", "outages"
_REMEMBERED = 20_000  # words
_KEPT_LETTERS = 4  # a word that begins like the canonical form differs by its ending alone

_WORD = re.compile(r"[^\W_]+(?:['\u2019\u02bc][^\W_]+)*")
_PLACE_WORDS = "в у на з із до по під за через при від"
_PLACES = frozenset(_PLACE_WORDS.split())
_BETWEEN_WORDS = "знову вже досі зараз теж також весь вся все всі повністю взагалі таки просто щойно і й наш наша нас мене"
_BETWEEN = frozenset(_BETWEEN_WORDS.split())
_SOFTENED = re.compile("(?<=..)[зцс]і$")
_JOINT = re.compile(r"[\s-]*")
_CODE = re.compile(r"`[^`\n]*`|\b[a-z]{2,10}://\S+|[\w.+-]+@[\w-]+\.[\w.-]+", re.IGNORECASE)
_ENDING_LIST = (
    "а у ом і и ів ам ами ах ові еві ем ою ею єю ої ій ий ого ому им ими их е ї ю я ям ями ях ь й є"
)
_ENDINGS = frozenset(_ENDING_LIST.split()) | {""}


class Token(NamedTuple):
    """A word of a text and its place."""

    word: str  # lower case, no apostrophes
    start: int
    end: int
    is_latin: bool


@dataclass(frozen=True)
class Variant:
    """One way to write: a pattern per word, and what it is replaced by."""

    stems: tuple[str, ...]
    marks: tuple[str, ...]  # "", "*" or "~" per word
    canonical: str
    section: str = ""

    def length_at(self, tokens: list[Token], at: int, text: str) -> int:
        """How many tokens from `at` on are this variant; 0 when they are not."""
        if at + len(self.stems) > len(tokens):
            return 0
        for offset in range(1, len(self.stems)):  # the first word has been looked up
            token = tokens[at + offset]
            if not _fits(token.word, self.stems[offset], self.marks[offset]):
                return 0
            if not _JOINT.fullmatch(text, tokens[at + offset - 1].end, token.start):
                return 0
        return len(self.stems)

    def replacement(self, tokens: list[Token]) -> str:
        if not self.canonical.endswith("*"):
            return self.canonical
        return self.canonical[:-1] + tokens[-1].word[len(self.stems[-1]) :]


@dataclass
class Spellings:
    """Variants by the beginning of their first word."""

    is_own: bool = False  # a project's own words count in English sentences as well
    exact: dict[str, list[Variant]] = field(default_factory=dict)
    begun: dict[str, list[Variant]] = field(default_factory=dict)
    longest: int = 0
    met: dict[str, tuple[Variant, ...]] = field(default_factory=dict)  # by first words seen

    def add(self, canonical: str, written: str, section: str = "") -> None:
        for variant in _variants(canonical, written, section):
            first, mark = variant.stems[0], variant.marks[0]
            (self.begun if mark else self.exact).setdefault(first, []).append(variant)
            self.longest = max(self.longest, len(first))

    def words(self) -> set[str]:
        """The Cyrillic words of the list, whole or as they begin."""
        variants = [
            one for table in (self.exact, self.begun) for some in table.values() for one in some
        ]
        stems = {stem for one in variants for stem in one.stems}
        return {stem for stem in stems if CYRILLIC.search(stem)}

    def rewrite(self, text: str, *, is_for_model: bool = False) -> str:
        """The text with canonical forms; what is code, an address or part of an identifier stays.

        A model knows endings and English: for it only the words change that it may not know.
        """
        found = list(self._found(text)) if self.longest else []
        if not found:
            return text
        pieces, done = [], 0
        for start, end, canonical in found:
            written = text[start:end]
            if is_for_model and _is_known(written, canonical):
                continue
            pieces += [text[done:start], _cased(canonical, written)]
            done = end
        return "".join([*pieces, text[done:]])

    def _found(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and canonical form, in order, without overlaps."""
        tokens = tokens_of(text)
        named: list[tuple[int, int, Variant]] = []
        at = 0
        met = self.met
        while at < len(tokens):
            if met.get(tokens[at].word) == ():
                at += 1  # most words: in no list
                continue
            variant, length = self._longest_at(tokens, at, text)
            if variant is not None:
                named.append((at, length, variant))
            at += length or 1
        services = {
            at + offset: at
            for at, length, variant in named
            if variant.section == SERVICES
            for offset in range(length)
        }
        for at, length, variant in named:
            if variant.section == OUTAGES and not _is_outage(tokens, at, length, services):
                continue
            first, last = tokens[at], tokens[at + length - 1]
            yield first.start, last.end, variant.replacement(tokens[at : at + length])

    def _longest_at(self, tokens: list[Token], at: int, text: str) -> tuple[Variant | None, int]:
        best: Variant | None = None
        length = 0
        for variant in self._begun_with(tokens[at].word):
            words = variant.length_at(tokens, at, text)
            if words > length and self._may_change(tokens, at, words, text):
                best, length = variant, words
        return best, length

    def _may_change(self, tokens: list[Token], at: int, length: int, text: str) -> bool:
        """Not a part of an identifier ("backend-svc"), nor an English word among English words."""
        first, last = tokens[at], tokens[at + length - 1]
        if not first.is_latin and not last.is_latin:
            return True
        if _is_joined(text, first.start - 1, -1) or _is_joined(text, last.end, 1):
            return False
        around = [tokens[near] for near in (at - 1, at + length) if 0 <= near < len(tokens)]
        return self.is_own or not around or any(not token.is_latin for token in around)

    def _begun_with(self, word: str) -> tuple[Variant, ...]:
        known = self.met.get(word)
        if known is None:
            if len(self.met) >= _REMEMBERED:
                self.met.clear()
            known = self.met[word] = tuple(self._look_up(word))
        return known

    def _look_up(self, word: str) -> Iterator[Variant]:
        """The whole word first, then ever shorter beginnings: the first that fits is the nearest."""
        yield from self.exact.get(word, ())
        for cut in range(min(len(word), self.longest), 1, -1):
            for variant in self.begun.get(word[:cut], ()):
                if _fits(word, variant.stems[0], variant.marks[0]):
                    yield variant


@lru_cache(maxsize=1)
def shipped() -> Spellings:
    """The list that comes with the code: words of developers' chats."""
    spellings, section = Spellings(), ""
    text = (resources.files("tasktracker.lib") / LIST).read_text(encoding="utf-8")
    for line in text.splitlines():
        line = line.partition("#")[0].strip()
        if line.startswith("["):
            section = line.strip("[]")
        elif line:
            canonical, _colon, written = line.partition(":")
            for one in (canonical, *written.split(",")):
                spellings.add(canonical.strip(), one.strip(), section)
    return spellings


@lru_cache(maxsize=16)
def spellings_of(entries: tuple[tuple[str, tuple[str, ...]], ...]) -> Spellings:
    """Of a project's own words: (canonical, variants). Kept by content: a changed list is another one."""
    spellings = Spellings(is_own=True)
    for canonical, variants in entries:
        for one in variants:
            spellings.add(canonical, one)
    return spellings


def canonical(text: str, *, is_for_model: bool = False) -> str:
    """A Ukrainian text with the shipped list's canonical forms; English stays as it is."""
    return shipped().rewrite(text, is_for_model=is_for_model) if is_cyrillic(text) else text


def tokens_of(text: str) -> list[Token]:
    """Words outside of code and addresses."""
    has_code = "`" in text or "://" in text or "@" in text
    spans = [found.span() for found in _CODE.finditer(text)] if has_code else []
    tokens = []
    for found in _WORD.finditer(text):
        start, end = found.span()
        while spans and spans[0][1] <= start:
            spans.pop(0)
        if spans and spans[0][0] <= start:
            continue
        word = found.group().casefold()
        is_plain = word.isalnum()
        tokens.append(
            Token(
                word if is_plain else without_apostrophes(word),
                start,
                end,
                word.isascii() or not CYRILLIC.search(word),
            )
        )
    return tokens


def _variants(canonical: str, written: str, section: str) -> Iterator[Variant]:
    words = re.findall(r"[^\W_]+[*~]?", without_apostrophes(written.casefold()))
    if not words:
        return
    stems = tuple(word.rstrip("*~") for word in words)
    marks = tuple(word[len(stem) :] for word, stem in zip(words, stems, strict=True))
    if canonical.endswith("*") and not marks[-1]:
        marks = (*marks[:-1], "*")
    yield Variant(stems, marks, canonical, section)
    if len(words) > 1 and "-" in written:
        yield Variant(("".join(stems),), (marks[-1],), canonical, section)


def _fits(word: str, stem: str, mark: str) -> bool:
    if not mark:
        return word == stem
    return word.startswith(stem) and (mark == "*" or word[len(stem) :] in _ENDINGS)


def _is_joined(text: str, at: int, step: int) -> bool:
    """Whether a sign at this place ties the word to another Latin word or a number."""
    if not 0 <= at < len(text) or text[at] not in "-_./\\@#:=":
        return False
    beyond = text[at + step : at + step + 1] if at + step >= 0 else ""
    return text[at] in "_@#" or (beyond.isalnum() and beyond.isascii())


def _is_outage(tokens: list[Token], at: int, length: int, services: dict[int, int]) -> bool:
    """ "Прод знову лежить" is an outage; "файл лежить на проді", "лист лежить" and "не лежить" are none."""
    if at and tokens[at - 1].word == "не":
        return False
    return _is_down(tokens, at, -1, services) or _is_down(tokens, at + length - 1, 1, services)


def _is_down(tokens: list[Token], at: int, step: int, services: dict[int, int]) -> bool:
    """Whether the next thing in this direction is a service; a place ("на проді") is passed over."""
    at += step
    while 0 <= at < len(tokens):
        start = services.get(at, at)
        is_place = at in services and start > 0 and tokens[start - 1].word in _PLACES
        if at in services and not is_place:
            return True
        if at not in services and tokens[at].word not in (_PLACES | _BETWEEN):
            return False
        at = start - 2 if is_place and step < 0 else at + step
    return False


def _is_known(written: str, canonical: str) -> bool:
    """English, or a word that differs from its canonical form by the ending alone."""
    words, others = written.casefold().split(), canonical.casefold().rstrip("*").split()
    if not CYRILLIC.search(written):
        return True
    return len(words) == len(others) and all(
        _SOFTENED.sub(_hard, word).startswith(other[: min(len(other) - 1, _KEPT_LETTERS)])
        for word, other in zip(words, others, strict=True)
    )


def _hard(found: re.Match[str]) -> str:
    """черзі -> черг, гілці -> гілк"""
    return {"з": "г", "ц": "к", "с": "х"}[found.group()[0]]


def _cased(canonical: str, written: str) -> str:
    if written[:1].isupper() and canonical[:1].islower():
        return canonical[:1].upper() + canonical[1:]
    return canonical
