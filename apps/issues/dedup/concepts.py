"""The things, actions and symptoms that a report names, in either language: "чек" and "receipt" are one.

The lexicon `concepts.json` is written by hand: concept -> word forms, in which a star is any ending.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

from apps.issues.dedup.cognates import words_of

LEXICON_FILE = "concepts.json"
_SHORTEST = 3  # letters before a star


@lru_cache(maxsize=8192)
def concepts(text: str) -> frozenset[str]:
    found: set[str] = set()
    for word in words_of(text).split():
        found.update(_named_by(word))
    return frozenset(found)


@lru_cache(maxsize=16384)
def _named_by(word: str) -> frozenset[str]:
    exact, stems = _lexicon()
    found = set(exact.get(word, ()))
    for length in range(_SHORTEST, len(word) + 1):
        found.update(stems.get(word[:length], ()))
    return frozenset(found)


@lru_cache(maxsize=1)
def _lexicon() -> tuple[Mapping[str, set[str]], Mapping[str, set[str]]]:
    """Concepts by whole word, and by the letters before a star."""
    path = resources.files("apps.issues.dedup") / LEXICON_FILE
    exact: dict[str, set[str]] = {}
    stems: dict[str, set[str]] = {}
    for concept, forms in json.loads(path.read_text(encoding="utf-8")).items():
        for form in forms:
            kept = stems if form.endswith("*") else exact
            kept.setdefault(form.rstrip("*"), set()).add(concept)
    return exact, stems
