"""Fingerprints of the present normal form for messages that have an older one.

The rows are the progress: a stopped run goes on where it was, and doing it again changes nothing. Two
versions are never equal, so in the meantime a repeat is only found by its words instead of its fingerprint.
"""

from collections.abc import Iterator

from django.db.models import QuerySet

from apps.messages.models import Message
from tasktracker.lib.text import FINGERPRINT_VERSION, fingerprint

AT_ONCE = 500


def outdated() -> QuerySet[Message]:
    """Messages whose fingerprint is of another version; a text without words has none in any."""
    current = f"{FINGERPRINT_VERSION}:"
    return Message.objects.exclude(text_hash="").exclude(text_hash__startswith=current)


def refresh_all() -> Iterator[int]:
    """Newest first, because the windows of duplicates reach back from now; yields how many each step did."""
    below: int | None = None
    while True:
        rows = outdated() if below is None else outdated().filter(pk__lt=below)
        chunk = list(rows.only("text", "text_hash").order_by("-pk")[:AT_ONCE])
        if not chunk:
            return
        below = chunk[-1].pk
        for message in chunk:
            message.text_hash = fingerprint(message.text)
        Message.objects.bulk_update(chunk, ["text_hash"])
        yield len(chunk)
