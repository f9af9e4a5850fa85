"""One form for a word in whatever Ukrainian case: what the rulers compare instead of the word itself.

No dictionary and no model: a word is a stem of the lists with an ending that may follow it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from apps.messages.entities.base import Term
from apps.messages.entities.gazetteers import CYRILLIC, ENDINGS, Technologies

MIN_STEM = 3  # of a name; a shorter one is found only as it is
#: A project's names are nouns or adjectives: "Нова Пошта", "Новою Поштою".
_ADJECTIVES = "ий ій ої ого ому им их ими ею єю єї ї йому"
NAME_ENDINGS = ENDINGS | frozenset(_ADJECTIVES.split())
ANY_ENDING: frozenset[str] = frozenset()  # no list of endings: any will do
_LAST_LETTERS = re.compile("(?:ий|ій|[аяоеєіїийьую])$")
_SOFTENED = {"к": "ц", "г": "з", "х": "с"}  # лавка -> лавці, книга -> книзі


def plain(word: str) -> str:
    """Lower case, one apostrophe."""
    return word.casefold().replace("\u2019", "'").replace("\u02bc", "'")


@dataclass
class WordForms:
    """A component of a spaCy pipeline: sets each token's norm to the form that its list knows."""

    exact: set[str] = field(default_factory=set)  # never taken for a case of another word
    stems: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    longest: int = 0

    def __call__(self, doc: Any) -> Any:
        for token in doc:
            token.norm_ = self.form_of(token.text)
        return doc

    def form_of(self, word: str) -> str:
        lower = plain(word)
        if lower in self.exact:
            return lower
        for cut in range(min(len(lower), self.longest), 0, -1):
            known = self.stems.get(lower[:cut])
            if known is not None and (not known[1] or lower[cut:] in known[1]):
                return known[0]
        return lower

    def add_stem(self, stem: str, endings: frozenset[str], form: str = "") -> None:
        self.stems.setdefault(stem, (form or stem, endings))
        self.longest = max(self.longest, len(stem))

    def learn_technologies(self, lists: Technologies) -> None:
        self.exact.update(word for alias in lists.any_case for word in alias.split())
        for stem in lists.stems:
            self.add_stem(stem, ENDINGS)

    def learn_terms(self, terms: tuple[Term, ...]) -> None:
        """Starred words take any ending, words of a name the Ukrainian ones, others stay as they are."""
        for word in _words(alias for term in terms for alias in term.aliases):
            if word.endswith("*"):
                self.add_stem(word[:-1], ANY_ENDING)
            else:
                self.exact.add(word)
        for word in _words(term.name for term in terms):
            self._learn_name(word)

    def _learn_name(self, word: str) -> None:
        stem = _LAST_LETTERS.sub("", word)
        if not CYRILLIC.search(word) or len(stem) < MIN_STEM:
            self.exact.add(word)
            return
        self.add_stem(stem, NAME_ENDINGS)
        if stem[-1] in _SOFTENED:
            self.add_stem(stem[:-1] + _SOFTENED[stem[-1]], frozenset({"і"}), stem)


def spellings_of(term: Term) -> tuple[str, ...]:
    """The term's name and aliases as variants of `tasktracker.lib.spellings`: `~` a Ukrainian ending."""
    return (" ".join(_with_endings(word) for word in term.name.split()), *term.aliases)


def _with_endings(word: str) -> str:
    stem = _LAST_LETTERS.sub("", word)
    is_name = CYRILLIC.search(word) is not None and word.isalpha() and len(stem) >= MIN_STEM
    return f"{stem}~" if is_name else word


def _words(phrases: Iterable[str]) -> list[str]:
    return [word for phrase in phrases for word in re.findall(r"[\w']+\*?", plain(phrase))]
