"""spaCy's rulers: they find the words of the shipped lists and of a project's glossary.

A pipeline is blank (nothing is downloaded) and ends with up to three entity rulers: the project's
glossary, technologies that count only as written ("Go", "Teams"), and all others.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING, Any

from apps.messages.entities.base import KINDS, Entity, Term
from apps.messages.entities.gazetteers import technologies
from apps.messages.entities.word_forms import WordForms
from tasktracker.lib.text import language_of

if TYPE_CHECKING:
    from spacy.language import Language

GLOSSARIES = 8  # whose pipelines are kept in memory, in both languages
_APOSTROPHES = str.maketrans("\u2019\u02bc", "''")
_PART_OF_WORD = re.compile(r"[\w@/]")
_COMPOUND = re.compile(r"[-.][\da-z_]")  # not "cypress-набір"
#: No name: spaCy takes them apart sign by sign, which takes minutes where a text has thousands of them.
_ENDLESS = re.compile(r"[^\w\s]{5,}|\S{100,}")
_INFIXES = [r"(?<=\w)[-/↔→|](?=\w)"]  # besides spaCy's own


@dataclass(frozen=True)
class Named:
    """An entity and its place in the text."""

    kind: str
    entity: Entity
    start: int
    end: int


def find_named(text: str, glossary: tuple[Term, ...] = ()) -> list[Named]:
    """What the lists and the glossary know, in order; the glossary wins, then the longer phrase."""
    return _ruler(language_of(text), glossary).find(text)


def load() -> None:
    """Seconds at the first time in a process: to be spent before anything is locked."""
    for language in ("uk", "en"):
        _ruler(language, ())


@lru_cache(maxsize=2 * GLOSSARIES)
def _ruler(language: str, glossary: tuple[Term, ...]) -> "_Ruler":
    return _Ruler(_pipeline(language, glossary))


class _Ruler:
    """A pipeline, one text at a time: what spaCy remembers of a text's words is forgotten after it."""

    def __init__(self, pipeline: "Language") -> None:
        self.pipeline = pipeline
        self.lock = Lock()

    def find(self, text: str) -> list[Named]:
        words = _ENDLESS.sub(lambda found: " " * len(found.group()), text)
        with self.lock, self.pipeline.memory_zone():
            doc = self.pipeline(words.translate(_APOSTROPHES))
            return list(_named(text, doc))


def _named(text: str, doc: Any) -> Iterator[Named]:
    for span in doc.ents:
        start, end = span.start_char, span.end_char
        surface = text[start:end]
        if "\n" in surface or _PART_OF_WORD.match(text[start - 1 : start]):
            continue
        if text[end : end + 1].isalnum():
            continue
        if span.label_ == "technologies" and _is_part_of_compound(text, start, end):
            continue
        yield Named(span.label_, Entity(surface, span.id_), start, end)


def _is_part_of_compound(text: str, start: int, end: int) -> bool:
    """ "VPN-клієнт" is about VPN, "stock-nginx" and "redis-proxy" are services."""
    if text[start - 1 : start] == "-" and text[start - 2 : start - 1].isalnum():
        return True
    return _COMPOUND.match(text, end) is not None and text[start:end].islower()


def _pipeline(language: str, glossary: tuple[Term, ...]) -> "Language":
    import spacy  # seconds and eighty megabytes: only for who extracts

    _register()
    pipeline = spacy.blank(language)
    tokenizer: Any = pipeline.tokenizer
    infixes = [*(pipeline.Defaults.infixes or ()), *_INFIXES]
    tokenizer.infix_finditer = spacy.util.compile_infix_regex(infixes).finditer
    lists = technologies()
    if glossary:
        forms: WordForms = pipeline.add_pipe("word_forms", name="forms_of_glossary")  # type: ignore[assignment]
        forms.learn_terms(glossary)
        _add_ruler(pipeline, "glossary", "NORM", list(_glossary_patterns(glossary)))
    _add_ruler(pipeline, "as_written", "ORTH", _patterns(lists.as_written))
    forms = pipeline.add_pipe("word_forms", name="forms_of_technologies")  # type: ignore[assignment]
    forms.learn_technologies(lists)
    # A stem after the full words: where both say the same, the last pattern names the entity.
    _add_ruler(pipeline, "technologies", "NORM", _patterns(lists.stems | lists.any_case))
    return pipeline


@lru_cache(maxsize=1)
def _register() -> None:
    from spacy.language import Language

    Language.factory("word_forms", func=lambda nlp, name: WordForms())


def _add_ruler(
    pipeline: "Language", name: str, attribute: str, patterns: list[dict[str, str]]
) -> None:
    ruler: Any = pipeline.add_pipe(
        "entity_ruler", name=name, config={"phrase_matcher_attr": attribute}
    )
    ruler.add_patterns(patterns)


def _patterns(aliases: dict[str, str]) -> list[dict[str, str]]:
    return [
        {"label": "technologies", "id": normal, "pattern": alias}
        for alias, normal in aliases.items()
    ]


def _glossary_patterns(glossary: tuple[Term, ...]) -> Iterator[dict[str, str]]:
    for term in glossary:
        kind = term.kind if term.kind in KINDS else "projects"
        for alias in (term.name, *term.aliases):
            phrase = alias.replace("*", "").translate(_APOSTROPHES).strip()
            if phrase:
                yield {"label": kind, "id": term.name, "pattern": phrase}
