"""Trackers take turns: of one that rests, or is slow, no row keeps a worker from the rows of others."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from time import monotonic
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from apps.exports.models import Rests
from tasktracker.lib.workflow import REDISPATCH_AFTER, WorkItem, each, is_free

TURN = timedelta(seconds=10)  # of one tracker, in one chunk
PAUSE = timedelta(seconds=3)  # after it, in which others have theirs

Item = TypeVar("Item", bound=WorkItem)


def in_turns(
    verb: Callable[[Item], None],
    *,
    tracker_of: Callable[[Item], int],
    waiting: QuerySet[Item],
    path: str,
    spent: Mapping[int, timedelta] | None = None,
    is_begun: Callable[[Item], bool] = lambda _item: False,
) -> Callable[[list[Item]], None]:
    """As `each`, until the tracker of a row rests, or has had its turn: then all that wait for it wait on.

    `waiting` are the rows that nobody need look at before their tracker may be called; `path` is the lookup
    from one to its tracker. `spent` is what of a tracker's turn is over already. A turn has no end while nobody
    else waits, and what of it `is_begun` is finished.
    """

    def others_wait(number: int, later: Sequence[Item]) -> bool:
        soon = waiting.filter(is_free(), due_at__lt=Now() + REDISPATCH_AFTER)
        in_chunk = any(tracker_of(one) != number for one in later)
        return in_chunk or soon.exclude(**{path: number}).exists()

    def run(items: list[Item]) -> None:
        taken = defaultdict(timedelta, spent or {})
        left: set[int] = set()

        def take(item: Item) -> None:
            if item.pk in left:
                return
            number, began, delay, told = tracker_of(item), monotonic(), None, {}
            try:
                verb(item)
            except Rests as error:
                delay, told = error.delay, {"last_error": str(error)}
                raise
            finally:
                taken[number] += timedelta(seconds=monotonic() - began)
                later = [one for one in items[items.index(item) + 1 :] if one.pk not in left]
                if delay is None and taken[number] > TURN and others_wait(number, later):
                    delay = PAUSE
                    later = [one for one in later if not is_begun(one)]
                if delay is not None:
                    theirs = waiting.filter(**{path: number})
                    left.update(_put_off(theirs, later, delay=delay, **told))

        each(take)(items)

    return run


def _put_off(
    rows: QuerySet[Item], ours: Sequence[Item], *, delay: timedelta, **told: Any
) -> list[int]:
    """Leave these of our chunk, and what nobody works on, to whoever comes after `delay`; ours, by id."""
    until = Now() + delay
    wait = {"leased_until": until, "due_at": until, **told}
    leases = {item.leased_until for item in ours}
    with transaction.atomic():
        # Whoever has one of them at this moment is not waited for.
        still_ours = _locked(
            rows.filter(pk__in=[item.pk for item in ours], leased_until__in=leases)
        )
        left = list(still_ours.values_list("pk", flat=True))
        everything = rows.model._default_manager
        everything.filter(pk__in=left).update(attempts=F("attempts") - 1, **wait)
        free = rows.filter(is_free(), due_at__lt=until)
        everything.filter(pk__in=_locked(free).values("pk")).update(**wait)
    return left


def _locked(rows: QuerySet[Item]) -> QuerySet[Item]:
    return rows.order_by("pk").select_for_update(skip_locked=True, of=("self",))
