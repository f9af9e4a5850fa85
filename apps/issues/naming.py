"""What a report names, and the labels that its issue gets from that."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from apps.messages.entities.extract import extract
from apps.messages.entities.merging import merge
from apps.messages.entities.suggestions import suggest
from apps.messages.glossary import glossary_of
from apps.messages.models import Message
from tasktracker.lib.text import clean

MAX_LABELS = 10
MAX_LABEL = 50
LABELLED = ("projects", "technologies")

_NOT_PLAIN = re.compile(r"[^\w\s.+#&'’/:-]+")
_ENDS = re.compile(r"^[^\w.]+|[^\w+#]+$")  # ".NET" and "C++" stay


def entities_of(message: Message) -> dict[str, Any]:
    """By kind: as written and in the normal form; found locally, then what a language model added.

    Who is asked to do it, and how urgent it is called, are suggestions for people: nothing reads them.
    """
    place = {
        "sent_at": message.sent_at,
        "timezone": message.project.timezone,
        "glossary": glossary_of(message.project_id),
    }
    found = extract(message.text, **place)  # type: ignore[arg-type]
    said = _said_by_model(message)
    if said:
        found = merge(found, said, message.text, **place)  # type: ignore[arg-type]
    found |= suggest(message.text, found["people"])
    return {
        kind: [{"surface": entity.surface, "normal": entity.normal} for entity in entities]
        for kind, entities in found.items()
    }


def _said_by_model(message: Message) -> Mapping[str, Any]:
    answers = message.classifications.exclude(entities={}).order_by("-created_at", "-pk")
    said = answers.values_list("entities", flat=True).first()
    return said if isinstance(said, dict) else {}


def labels_of(entities: Mapping[str, Any], tags: Iterable[Any] = ()) -> list[str]:
    """Tags of rules first, then projects and technologies: short plain words, each once."""
    words = [str(tag) for tag in tags]
    words += [_normal(item) for kind in LABELLED for item in _items(entities.get(kind))]
    labels = {label.casefold(): label for label in map(_plain, reversed(words)) if label}
    return list(labels.values())[::-1][:MAX_LABELS]


def _items(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list | tuple) else ()


def _normal(entity: Any) -> str:
    if isinstance(entity, Mapping):
        return str(entity.get("normal") or entity.get("surface") or "")
    return str(entity)


def _plain(word: str) -> str:
    """One line without markup; a label is a field of a tracker, and the words come from a chat."""
    line = " ".join(_NOT_PLAIN.sub(" ", clean(word)).split())
    return _ENDS.sub("", _ENDS.sub("", line)[:MAX_LABEL])
