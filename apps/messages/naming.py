"""What a message names: for the page of it, and for the issue that it becomes."""

import re
from collections.abc import Mapping
from typing import Any

from apps.messages.classifiers.alerts import read_alert
from apps.messages.entities.base import Entity
from apps.messages.entities.extract import extract
from apps.messages.entities.merging import merge
from apps.messages.entities.suggestions import suggest
from apps.messages.glossary import glossary_of
from apps.messages.models import Message

#: The first words of these alerts are a service and not a name of the alert.
_NAMES_WHAT_IT_WATCHES = frozenset(
    {"uptime", "uptimerobot", "uptimekuma", "betterstack", "healthchecks", "argocd", "pingdom"}
)
_ALERT_NAME = re.compile(r"\balertname\s?[=:]\s?[\"']?(\w+)")
_JOINED = re.compile(r"[A-Z][A-Za-z0-9]+")


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
    found["projects"] = _without_alert(found["projects"], message)
    author = "" if message.is_from_bot else message.author
    found |= suggest(message.text, found["people"], author=author)
    return {
        kind: [{"surface": entity.surface, "normal": entity.normal} for entity in entities]
        for kind, entities in found.items()
    }


def _without_alert(projects: list[Entity], message: Message) -> list[Entity]:
    """Projects without the name of the alert that the message is, unless the glossary knows it."""
    alert = read_alert(message.text, is_from_bot=message.is_from_bot)
    if alert is None or alert.kind != "monitoring" or alert.tool in _NAMES_WHAT_IT_WATCHES:
        return projects
    words = {word.strip(" :()[],") for word in alert.title.split(maxsplit=1)[:1]}
    words |= set(_ALERT_NAME.findall(message.text))
    words -= {term.name for term in glossary_of(message.project_id)}
    return [
        project
        for project in projects
        if project.surface not in words or not _JOINED.fullmatch(project.surface)
    ]


def _said_by_model(message: Message) -> Mapping[str, Any]:
    answers = message.classifications.exclude(entities={}).order_by("-created_at", "-pk")
    said = answers.values_list("entities", flat=True).first()
    return said if isinstance(said, dict) else {}
