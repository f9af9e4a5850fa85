"""What a browser missed while it was away."""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Max, Q

from tasktracker.realtime.events import LiveEvent
from tasktracker.realtime.models import Event

LIMIT = 500  # events; who missed more loads the page anew
OVERLAP = timedelta(seconds=10)
OVERLAP_SEQ = 200


class TooMuchMissed(Exception):
    """More than LIMIT events, or some that are forgotten already."""


def newest_seq() -> int:
    return Event.objects.aggregate(newest=Max("pk"))["newest"] or 0


def missed_since(seq: int, project_ids: Sequence[int]) -> list[LiveEvent]:
    """Events after `seq` of these projects, oldest first; raises TooMuchMissed.

    Events of different processes can overtake each other, so those from just before `seq` come again:
    a browser knows by their number that it has them.
    """
    known = Event.objects.filter(pk=seq).values_list("created_at", flat=True).first()
    if known is None and seq and _is_forgotten(seq):
        raise TooMuchMissed
    wanted = Q(pk__gt=seq)
    if known is not None:
        wanted |= Q(pk__gt=seq - OVERLAP_SEQ, pk__lt=seq, created_at__gte=known - OVERLAP)
    rows = list(Event.objects.filter(wanted, project__in=project_ids).order_by("pk")[: LIMIT + 1])
    if len(rows) > LIMIT:
        raise TooMuchMissed
    return [LiveEvent.from_row(row) for row in rows]


def _is_forgotten(seq: int) -> bool:
    """Whether pruning has gone past this number."""
    oldest = Event.objects.order_by("pk").values_list("pk", flat=True).first()
    return oldest is None or seq < oldest - 1
