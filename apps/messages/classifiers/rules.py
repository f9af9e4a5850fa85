"""What needs no model: a project's own phrases, and the few texts that can only be one thing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from apps.messages.classifiers.base import CATEGORIES, PRIORITIES, Sample, Verdict
from tasktracker.lib.text import clean, normal_form

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
class Rule:
    """A project's own rule: a phrase that settles what a message is.

    `pattern` is a phrase, not a regular expression: case does not matter, words are whole words, and
    `*` stands for the rest of a word, so that `інцидент*` finds every ending.
    """

    pattern: str
    category: str
    priority: str = "medium"

    def __post_init__(self) -> None:
        if self.category not in CATEGORIES or self.priority not in PRIORITIES:
            raise ValueError(f"{self.category}/{self.priority} is no category and priority")
        if not re.search(r"\w", self.pattern):
            raise ValueError("a rule needs a word")

    def matches(self, text: str) -> bool:
        return self._expression.search(clean(text)) is not None

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        words = [re.escape(word).replace(r"\*", r"\w*") for word in clean(self.pattern).split()]
        phrase = r"\s+".join(words)
        return re.compile(rf"(?<!\w){phrase}(?!\w)", re.IGNORECASE)


class RulesClassifier:
    """The first of the cascade; None means that the next one should look."""

    name = "rules"
    version = "1"

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self._rules = tuple(rules)

    def classify(self, samples: Sequence[Sample]) -> list[Verdict | None]:
        return [self._classify(sample.text) for sample in samples]

    def _classify(self, text: str) -> Verdict | None:
        for rule in self._rules:
            if rule.matches(text):
                return _certain(rule.category, rule.priority, f"project rule: {rule.pattern}")
        reason = _says_nothing(text)
        return _certain("info", "low", reason) if reason else None


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


def _certain(category: str, priority: str, reason: str) -> Verdict:
    scores = {name: float(name == category) for name in CATEGORIES}
    return Verdict(category, priority, confidence=1.0, scores=scores, raw={"reason": reason})
