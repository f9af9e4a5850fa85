"""Asks trackers what changed there: those that call nobody each minute, the others each hour as a net.

A change tells nothing of what was deleted, so each issue is also looked at by itself from time to time.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from apps.exports.calling import admitted
from apps.exports.models import Mirroring, TaskExport, Tracker
from apps.exports.models.mirroring import NET_EVERY, OVERLAP, TRUSTED
from apps.exports.sync import known_there, take
from apps.exports.trackers import able_to
from apps.exports.trackers.base import Changes, ExternalIssue, Limited
from apps.issues.models import Issue
from apps.sources.adapters.base import reason_of
from tasktracker.lib.workflow import GiveUp, NotNow, TryLater, words_of

logger = logging.getLogger(__name__)

AT_ONCE = 50  # issues that are looked at by themselves
OPEN_EVERY = timedelta(hours=1)
CLOSED_EVERY = timedelta(days=1)  # also those that are deleted there: some come back
FORGOTTEN_AFTER = timedelta(days=30)  # whether an old closed task is still there interests nobody
SETTLED = timedelta(minutes=1)  # after which a tracker knows what it has made, wherever it reads
USUAL_WAIT = timedelta(minutes=1)
STEP = timedelta(
    seconds=1
)  # over a moment that has more than an answer; its rest is looked at alone

_CREATED = TaskExport.Status.CREATED


def poll_due() -> None:
    """Ask every tracker whose time has come; another process that tries finds nothing to do."""
    made = TaskExport.objects.filter(tracker=OuterRef("pk"), status=_CREATED)
    trackers = Tracker.objects.filter(
        Exists(made), is_active=True, project__is_active=True, kind__in=able_to("changed")
    )
    for tracker in trackers:
        mirroring = Mirroring.of(tracker)
        if mirroring.take_turn():
            _poll(mirroring)


def _poll(mirroring: Mirroring) -> None:
    """One question for changes, and one for issues that nobody has spoken of for long."""
    mirroring.refresh_from_db()
    exports = _to_look_at(mirroring.tracker)
    asks = _asks_for_changes(mirroring)
    until, trouble = mirroring.synced_until, ""
    try:
        if asks or exports:
            plugin = mirroring.tracker.plugin()
            with admitted(mirroring.tracker), _told_to(mirroring.tracker):
                until = _take_changes(mirroring, plugin) if asks else until
                _look_at(exports, mirroring.tracker.plugin())  # with time of its own
    except NotNow as error:
        logger.info("tracker %s is not asked: %s", mirroring.tracker_id, error)
        asks = False
    except (TryLater, GiveUp) as error:
        trouble = str(error)
    except ValueError as error:
        trouble = reason_of(error)
    except Exception as error:
        logger.exception("tracker %s was asked in vain", mirroring.tracker_id)
        trouble = words_of(error)
    mirroring.end_turn(until=until, asked=asks and not trouble, trouble=trouble)


def _asks_for_changes(mirroring: Mirroring) -> bool:
    now = timezone.now()
    if mirroring.heard_at is None or mirroring.heard_at < now - TRUSTED:
        return True
    return mirroring.asked_at is None or mirroring.asked_at < now - NET_EVERY


def _take_changes(mirroring: Mirroring, plugin: Any) -> datetime:
    """Apply what changed since the last time; up to when the tracker was heard now."""
    tracker, now = mirroring.tracker, timezone.now()
    since = (mirroring.synced_until or now) - OVERLAP
    changes: Changes = plugin.changed(since)
    found = known_there(tracker, list(changes.states))
    news = [state for export, state in found if take(export, state)]
    if mirroring.heard_at and any(state.updated_at < now - OVERLAP for state in news):
        mirroring.note_silence()
    if changes.until is not None:  # the next answer begins where this one was cut off
        return max(changes.until, since + STEP) + OVERLAP
    newest = max((state.updated_at for state in changes.states), default=since)
    # A clock that is ahead must not make us miss what comes meanwhile.
    return max(min(newest, now), mirroring.synced_until or since)


def _to_look_at(tracker: Tracker) -> list[TaskExport]:
    """Issues that the tracker has said nothing of for long, the longest first."""
    rows = TaskExport.objects.filter(tracker=tracker, status=_CREATED, is_live=True)
    is_open = Q(issue__status__in=Issue.OPEN, is_gone=False)
    is_news = Q(remote_updated_at__gt=Now() - CLOSED_EVERY)  # it may be back soon
    is_fresh = Q(issue__status_changed_at__gt=Now() - FORGOTTEN_AFTER)
    due = (
        Q(looked_at=None, status_changed_at__lt=Now() - SETTLED)
        | Q(is_open | is_news, looked_at__lt=Now() - OPEN_EVERY)
        | Q(is_fresh, looked_at__lt=Now() - CLOSED_EVERY)
    )
    return list(rows.filter(due).order_by(F("looked_at").asc(nulls_first=True), "pk")[:AT_ONCE])


def _look_at(exports: Sequence[TaskExport], plugin: Any) -> None:
    if not exports:
        return
    made = {row.uuid: ExternalIssue(row.external_id, row.external_url) for row in exports}
    states = plugin.states(made)
    for export in exports:
        state = states.get(export.uuid)
        if state is not None:
            take(export, state, is_answer=True)
    asked = [row.pk for row in exports if row.uuid in states]
    TaskExport.objects.filter(pk__in=asked).update(looked_at=Now())


@contextmanager
def _told_to(tracker: Tracker) -> Iterator[None]:
    """The tracker's row hears whether it is there; what it refuses is no news for exports."""
    try:
        yield
    except Limited as error:
        tracker.wait(error.delay or USUAL_WAIT)
        raise
    except TryLater as error:
        tracker.note_failure(str(error))
        raise
    if Tracker.objects.filter(pk=tracker.pk, failures_in_a_row__gt=0).exists():
        tracker.note_answer()
