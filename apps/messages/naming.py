"""What a message names: for the page of it, and for the issue that it becomes."""

from collections.abc import Mapping
from typing import Any

from apps.messages.entities.extract import extract
from apps.messages.entities.merging import merge
from apps.messages.entities.suggestions import suggest
from apps.messages.glossary import glossary_of
from apps.messages.models import Message


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
    author = "" if message.is_from_bot else message.author
    found |= suggest(message.text, found["people"], author=author)
    return {
        kind: [{"surface": entity.surface, "normal": entity.normal} for entity in entities]
        for kind, entities in found.items()
    }


def _said_by_model(message: Message) -> Mapping[str, Any]:
    answers = message.classifications.exclude(entities={}).order_by("-created_at", "-pk")
    said = answers.values_list("entities", flat=True).first()
    return said if isinstance(said, dict) else {}
