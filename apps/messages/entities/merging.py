"""What a language model says that a text names, beside what the lists and rules find."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from apps.messages.entities.base import KINDS, Entity, Term
from apps.messages.entities.due_dates import due_at
from apps.messages.entities.ruler import find_named
from tasktracker.lib.text import clean

MAX_SAID = 20  # surfaces of one kind that are looked at
MAX_SURFACE = 100


def merge(
    found: Mapping[str, list[Entity]],
    said: Mapping[str, Any],
    text: str,
    *,
    sent_at: datetime | None = None,
    timezone: str = "Europe/Kyiv",
    glossary: Iterable[Term] = (),
) -> dict[str, list[Entity]]:
    """The found ones, and after them what else was said and really stands in the text."""
    text = clean(text)
    terms = tuple(glossary)
    merged = {kind: list(found.get(kind, ())) for kind in KINDS}
    known = [entity.surface.casefold() for entities in merged.values() for entity in entities]
    for kind in KINDS:
        for surface in _surfaces(said.get(kind), text):
            if any(_overlap(surface.casefold(), other) for other in known):
                continue
            known.append(surface.casefold())
            if kind == "deadlines":
                normal = due_at(surface, sent_at, timezone) if sent_at else ""
                merged[kind].append(Entity(surface, normal))
            else:
                merged[kind].append(Entity(surface, _normal_of(surface, kind, terms)))
    return merged


def _surfaces(said: Any, text: str) -> list[str]:
    """Only words of the text itself: an answer is not trusted to bring its own."""
    if not isinstance(said, list | tuple):
        return []
    surfaces = [item.strip() for item in said[:MAX_SAID] if isinstance(item, str)]
    return [surface for surface in surfaces if 0 < len(surface) <= MAX_SURFACE and surface in text]


def _overlap(one: str, other: str) -> bool:
    """ "Postgres 16" says nothing new where "Postgres" is known."""
    return one in other or other in one


def _normal_of(surface: str, kind: str, glossary: tuple[Term, ...]) -> str:
    for named in find_named(surface, glossary):
        if named.kind == kind and named.entity.surface == surface:
            return named.entity.normal
    return surface.casefold() if surface.startswith("@") else surface
