"""What needs no model: a project's own rules, and the few texts that can only be one thing."""

import math
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import NamedTuple

import regex  # type: ignore[import-untyped]

from apps.messages.classifiers.base import CATEGORIES, Sample, Verdict
from tasktracker.lib.text import clean, language_of, normal_form

LONGEST = 10_000  # characters that a rule looks at
PATIENCE = 0.05  # seconds for one expression in one message: what takes longer does not fit
PATIENCE_FOR_ALL = 0.25  # seconds for all expressions in one message
MOST_REPETITIONS = 20_000

#: A text of these words alone asks for nothing and reports nothing. Normal forms: no apostrophes.
_PLEASANTRIES = (
    "привіт привітик вітаю вітання салют хай доброго доброе добрий доброї ранку ранок дня день"
    " вечора вечір утра ночі всім усім колеги друзі народ команда команді"
    " дякую дяка дякс дяки спасибі спасибо спс велике щиро будь ласка прошу"
    " ок окей окі ага угу супер клас круто чудово добре домовились зрозуміло зрозуміла зрозумів прийнято прийняв"
    " прийняла плюс"
    " hi hello hey morning good evening afternoon all everyone team folks guys"
    " thanks thank you thx ty cheers much so a lot very many"
    " ok okay great nice cool perfect awesome lovely super noted understood agreed"
)
#: Words that mean nothing alone: at least one other pleasantry must stand beside them.
_FILLERS = "so a lot very many much you all будь ласка дня день всім усім ранок good"
PLEASANTRIES = frozenset(_PLEASANTRIES.split())
FILLERS = frozenset(_FILLERS.split())
MAX_PLEASANTRY_WORDS = 6


@dataclass(frozen=True)
class Facts:
    """What rules ask about a message."""

    text: str
    author: str = ""
    author_id: str = ""
    chat_id: int | None = None
    names_of: Callable[[], Iterable[str]] = tuple  # what the text names: costly, so on demand
    timed_out: set[str] = field(default_factory=set)  # expressions that took too long in this text
    seconds: list[float] = field(
        default_factory=list
    )  # that each expression took, and nothing else

    @cached_property
    def readable(self) -> str:
        return clean(self.text)[:LONGEST]

    @cached_property
    def language(self) -> str:
        return language_of(self.readable)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(self.names_of())


@dataclass(frozen=True)
class Check:
    """One condition of a rule and whether it holds; `found` is the piece of text that made it."""

    condition: str  # chat, language, author, contains, pattern, entity
    wanted: str
    holds: bool
    found: str = ""
    is_timed_out: bool = False


@dataclass(frozen=True)
class Rule:
    """A project's own rule: when all its conditions hold, its actions are taken.

    `contains` are phrases, not regular expressions: case does not matter, words are whole words, and
    `*` stands for the rest of a word, so that `інцидент*` finds every ending. `pattern` is a regular
    expression, searched for anywhere.
    """

    id: int | None
    name: str
    contains: tuple[str, ...] = ()
    pattern: str = ""
    author: str = ""
    chat_id: int | None = None
    chat: str = ""  # its name, for people
    language: str = ""
    entity: str = ""
    is_ignored: bool = False
    category: str = ""
    priority: str = ""
    route_to_id: int | None = None
    tag: str = ""
    project_id: int | None = None

    def fits(self, facts: Facts) -> bool:
        """Whether all conditions hold; the cheap ones are asked first."""
        has_condition = False
        for check in self._checks(facts):
            has_condition = True
            if not check.holds:
                return False
        return has_condition

    def explain(self, facts: Facts) -> list[Check]:
        return list(self._checks(facts))

    def _checks(self, facts: Facts) -> Iterator[Check]:
        if self.chat_id is not None:
            yield Check("chat", self.chat, facts.chat_id == self.chat_id, self.chat)
        if self.language:
            holds = facts.language == self.language
            yield Check("language", self.language, holds, facts.language)
        if self.author:
            yield self._check_author(facts)
        if self.contains:
            found = next(
                filter(None, (find_phrase(one, facts.readable) for one in self.contains)), ""
            )
            yield Check("contains", ", ".join(self.contains), bool(found), found)
        if self.pattern:
            yield self._check_pattern(facts)
        if self.entity:
            holds = self.entity.strip().casefold() in facts.names
            yield Check("entity", self.entity, holds, self.entity if holds else "")

    def _check_author(self, facts: Facts) -> Check:
        wanted = _person(self.author)
        holds = wanted in {_person(facts.author), _person(facts.author_id)}
        return Check("author", self.author, holds, facts.author)

    def _check_pattern(self, facts: Facts) -> Check:
        text, started = facts.readable, time.perf_counter()
        try:
            if self.pattern in facts.timed_out or sum(facts.seconds) > PATIENCE_FOR_ALL:
                raise TimeoutError
            found = compiled(self.pattern).search(text, timeout=PATIENCE)
        except TimeoutError:
            facts.timed_out.add(self.pattern)
            return Check("pattern", self.pattern, holds=False, is_timed_out=True)
        except (regex.error, MemoryError, RecursionError):
            return Check("pattern", self.pattern, holds=False)
        finally:
            facts.seconds.append(time.perf_counter() - started)
        return Check(
            "pattern", self.pattern, found is not None, found.group()[:200] if found else ""
        )


_COUNT = re.compile(r"\{\s*(\d{1,10})")


def first_that_fits(rules: Iterable[Rule], facts: Facts) -> Rule | None:
    """Rules are tried in their order, and the first wins."""
    return next((rule for rule in rules if rule.fits(facts)), None)


@lru_cache(maxsize=500)
def compiled(pattern: str) -> "regex.Pattern[str]":
    """Raises regex.error, which says what is wrong and where."""
    # The library unrolls what must repeat: nested counts could take all memory.
    if math.prod(max(1, int(count)) for count in _COUNT.findall(pattern)) > MOST_REPETITIONS:
        raise regex.error("too many repetitions")
    return regex.compile(pattern, regex.IGNORECASE | regex.MULTILINE | regex.VERSION0)


class Problem(NamedTuple):
    """What is wrong with an expression, and where."""

    reason: str
    position: int | None


def problem_of(pattern: str) -> Problem | None:
    try:
        compiled(pattern)
    except regex.error as error:
        return Problem(error.msg, None if error.pos is None else error.pos + 1)
    except (MemoryError, RecursionError):
        return Problem("too many repetitions", None)
    return None


def find_phrase(phrase: str, text: str) -> str:
    """The piece of a cleaned text that the phrase stands for; empty when there is none."""
    found = _phrase(phrase).search(text)
    return found.group() if found else ""


def has_word(phrase: str) -> bool:
    """Whether there is anything to look for besides stars and signs."""
    return re.search(r"\w", phrase) is not None


@lru_cache(maxsize=2000)
def _phrase(phrase: str) -> re.Pattern[str]:
    # A star inside a word stays a star, and nothing is tried twice: a text could take for ever.
    words = [_word(word) for word in clean(phrase).split()]
    together = r"\s++".join(words)
    return re.compile(rf"(?<!\w){together}(?!\w)", re.IGNORECASE)


def _word(word: str) -> str:
    """A pattern of it; a star alone is some word."""
    start = word.rstrip("*")
    if not start:
        return r"\w++"
    return re.escape(start) + (r"\w*+" if start != word else "")


def _person(name: str) -> str:
    return clean(name).removeprefix("@").casefold()


class RulesClassifier:
    """What can only be one thing, in whatever project; None means that the next one should look."""

    name = "rules"
    version = "1"

    def classify(self, samples: Sequence[Sample]) -> list[Verdict | None]:
        return [self._classify(sample.text) for sample in samples]

    def _classify(self, text: str) -> Verdict | None:
        reason = _says_nothing(text)
        return certain("info", "low", reason=reason) if reason else None


def _says_nothing(text: str) -> str:
    """Why a text can only be chatter, or empty when it may be more."""
    if "?" in text:
        return ""
    words = normal_form(text).split()
    if not words:
        return "no words"
    if len(words) > MAX_PLEASANTRY_WORDS or not PLEASANTRIES.issuperset(words):
        return ""
    return "" if FILLERS.issuperset(words) else "greeting, thanks or agreement"


def certain(category: str, priority: str, **raw: object) -> Verdict:
    scores = {name: float(name == category) for name in CATEGORIES}
    return Verdict(category, priority, confidence=1.0, scores=scores, raw=raw)
