"""What of a person who is forgotten is kept beside the messages: their name, and dead letters."""

import json
import re
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model

from apps.sources.models import Author, Chat, DeadLetter


def erase_names(author: Author) -> None:
    """A private chat is called like its person, and the admin's log calls rows as they were called."""
    private = Chat.objects.filter(source=author.source_id, kind="private")
    chats = private.filter(external_id=author.external_id)
    chats.update(title="")
    rows: tuple[tuple[type[Model], list[str]], ...] = (
        (Chat, [str(chat.pk) for chat in chats]),
        (Author, [str(author.pk)]),
    )
    for model, ids in rows:
        kind = ContentType.objects.get_for_model(model)
        entries = LogEntry.objects.filter(content_type=kind, object_id__in=ids)
        entries.update(object_repr=author.external_id)


def erase_dead_letters(author: Author) -> int:
    """Delete those that name the person; how many. What is no JSON is searched as text."""
    found = [
        letter.pk
        for letter in DeadLetter.objects.filter(source=author.source_id).iterator(chunk_size=100)
        if _names(letter, author.external_id)
    ]
    DeadLetter.objects.filter(pk__in=found).delete()
    return len(found)


def _names(letter: DeadLetter, external_id: str) -> bool:
    try:
        return _holds(json.loads(letter.text), external_id)
    except ValueError:
        return re.search(rf"(?<!\w){re.escape(external_id)}(?!\w)", letter.text) is not None


def _holds(value: Any, external_id: str) -> bool:
    if isinstance(value, dict):
        return any(_holds(item, external_id) for item in value.values())
    if isinstance(value, list):
        return any(_holds(item, external_id) for item in value)
    return not isinstance(value, bool) and str(value) == external_id
