"""What could not be read may be somebody's words, too: dead letters of a person who is forgotten."""

import json
import re
from typing import Any

from apps.sources.models import Author, DeadLetter


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
