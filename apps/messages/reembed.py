"""Vectors of the present embedding model for messages that have none, while everything else goes on.

The rows are the progress: a stopped run goes on where it was, and two runs only share the work.
"""

from collections.abc import Iterator

from django.db.models import Exists, OuterRef, QuerySet

from apps.messages.context import embed_missing
from apps.messages.models import ACTIONABLE_CATEGORIES, Embedding, Message
from tasktracker.lib import embeddings

AT_ONCE = 32


def missing() -> QuerySet[Message]:
    """Messages with text and without a vector of the present model."""
    present = Embedding.objects.filter(message=OuterRef("pk"), model=embeddings.model_name())
    return Message.shown().filter(~Exists(present), is_superseded=False).exclude(text="")


def embed_all() -> Iterator[int]:
    """Embed what is missing, reports first and newest first; yields how many each step did.

    Raises embeddings.Unavailable when the backend gives no vectors.
    """
    reports = missing().filter(category__in=ACTIONABLE_CATEGORIES)
    for messages in (reports, missing()):
        yield from _newest_first(messages)


def prune() -> int:
    """Delete the vectors of other models; returns how many."""
    deleted, _per_model = Embedding.objects.exclude(model=embeddings.model_name()).delete()
    return deleted


def _newest_first(messages: QuerySet[Message]) -> Iterator[int]:
    rows = messages.order_by("-pk")
    below: int | None = None
    while chunk := list((rows if below is None else rows.filter(pk__lt=below))[:AT_ONCE]):
        below = chunk[-1].pk
        embed_missing(chunk)
        yield len(chunk)
