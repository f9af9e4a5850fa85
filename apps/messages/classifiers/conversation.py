"""A message in its conversation: the same samples for training and for a live chat."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from apps.messages.classifiers.base import Neighbour, Sample

RECENT = 20  # messages of the chat that a sample knows about
PREVIOUS_WITHIN = 30 * 60  # seconds
REPORTS = frozenset({"bug", "feature"})


@dataclass(frozen=True)
class Turn:
    """One message of a conversation, as far as its neighbours need it."""

    text: str
    author_id: str
    sent_at: datetime
    category: str | None = None
    number: int = 0


def in_conversation(
    sample: Sample, turn: Turn, *, replied_to: Turn | None, recent: Sequence[Turn]
) -> Sample:
    """The sample with its neighbours. `recent` are the chat's last messages, newest first."""
    neighbours = tuple(_neighbour(turn, other) for other in recent[:RECENT])
    is_near = bool(neighbours) and neighbours[0].seconds_before <= PREVIOUS_WITHIN
    return replace(
        sample,
        replied_to=None if replied_to is None else _neighbour(turn, replied_to),
        previous=neighbours[0] if is_near else None,
        recent=neighbours,
    )


def reported_in(sample: Sample) -> Neighbour | None:
    """The newest report among the last messages: what is perhaps being talked about."""
    return next((other for other in sample.recent if other.category in REPORTS), None)


def change_neighbours(sample: Sample, change: Callable[[Neighbour], Neighbour]) -> Sample:
    """The sample with `change` applied to each neighbour; one that is there twice changes once."""
    changed: dict[tuple[int, str, float], Neighbour] = {}

    def once(neighbour: Neighbour) -> Neighbour:
        key = neighbour.number, neighbour.text, neighbour.seconds_before
        if key not in changed:
            changed[key] = change(neighbour)
        return changed[key]

    return replace(
        sample,
        replied_to=sample.replied_to and once(sample.replied_to),
        previous=sample.previous and once(sample.previous),
        recent=tuple(once(neighbour) for neighbour in sample.recent),
    )


def _neighbour(turn: Turn, other: Turn) -> Neighbour:
    return Neighbour(
        text=other.text,
        vector=None,
        category=other.category,
        is_same_author=bool(turn.author_id) and turn.author_id == other.author_id,
        seconds_before=max(0.0, (turn.sent_at - other.sent_at).total_seconds()),
        number=other.number,
    )
