"""Open the exports of an approved issue as its project wants them, and deliver each exactly once."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.exports.calling import OwnMistake, admitted, plugin_of, told_to
from apps.exports.holding import take_over
from apps.exports.models import (
    LEASE,
    NOT_WANTED,
    QUIET,
    WAITS_FOR_ANSWER,
    ExportPolicy,
    TaskExport,
)
from apps.exports.payload import build_payload
from apps.exports.policy import export_of, goes_now, hold, targets, wanted_again
from apps.exports.trackers.base import Doubtful, ExternalIssue, IssuePayload, Limited
from apps.issues.models import Change, Issue
from apps.issues.triage import lock_project
from tasktracker.lib.advisory import HeldElsewhere, held
from tasktracker.lib.failpoints import reach
from tasktracker.lib.workflow import GiveUp, LostRace, NotNow, TryLater, words_of

logger = logging.getLogger(__name__)

COMPLETE_ATTEMPTS = 5
LOCK_KIND = 1_750_001  # of advisory locks: one export is made at a time
SOON = timedelta(seconds=2)
#: After which a tracker that takes a key twice is called again, by how often that was in vain.
DOUBTS = (QUIET, timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))


def open_exports(issues: Sequence[Issue]) -> None:
    """One pending export per tracker that the policy names; then the issues have nothing to wait for."""
    for issue in issues:
        with transaction.atomic():
            policy = ExportPolicy.of(issue.project)
            if policy.most_per_hour is not None:
                lock_project(issue.project_id)  # to be counted there: before the issue, as all do
            # Nobody sends it somewhere else by hand meanwhile.
            Issue.objects.select_for_update(no_key=True).filter(pk=issue.pk).first()
            opened = [
                export
                for tracker in targets(issue, policy)
                for export, is_new in [export_of(issue, tracker)]
                if is_new
            ]
            again = wanted_again(issue, policy)
            for given_up in again:
                given_up.retry()  # it is wanted again: a merge was undone, or a rejection
                if policy.tracker_id is not None:
                    take_over(given_up, issue.exports.exclude(pk=given_up.pk))
            hold([*opened, *again], issue, policy)
            ids = [export.pk for export in opened]
            TaskExport.announce(ids, TaskExport.Status.PENDING, is_new=True)
            Issue.settle([issue.pk])


def deliver(export: TaskExport) -> None:
    """Create the issue in the tracker once, whatever breaks in between."""
    tracker = export.tracker
    if export.made is None and (not goes_now(export) or _is_given_up(export)):
        return
    if not tracker.is_active:
        raise GiveUp(_("The tracker is switched off: switch it on, then export again."))
    export.renew(lease=LEASE)
    plugin = plugin_of(tracker)
    if export.made is None:
        _wait_after_doubt(export, plugin)
    with admitted(tracker):
        export.note_messages()
        payload = build_payload(export.issue, tracker)
        with _alone(export, plugin), told_to(tracker, attempts=export.attempts):
            created = export.made or _made(export, plugin, payload)
            _complete(export, plugin, created, payload)
    with transaction.atomic():
        export.renew(lease=LEASE)  # who has taken the row meanwhile decides what becomes of it
        export.mark_created(created.id, created.url, remark=created.remark)
        export.issue.record(
            Change.Kind.EXPORT, tracker=tracker.name, id=created.id, url=created.url
        )


def _wait_after_doubt(export: TaskExport, plugin: Any) -> None:
    """A call that nobody saw the end of may still be at work there; until it is over, none can look."""
    if export.called_at is None:
        return
    quiet = QUIET
    if getattr(plugin, "looks_first", False):
        # What waits there for a lock is made all at once when the lock goes.
        quiet = DOUBTS[min(max(export.attempts - 2, 0), len(DOUBTS) - 1)]
    recent = TaskExport.objects.filter(pk=export.pk, called_at__gt=Now() - quiet)
    if recent.exists():
        raise NotNow(WAITS_FOR_ANSWER, delay=QUIET)


@contextmanager
def _alone(export: TaskExport, plugin: Any) -> Iterator[None]:
    """While a tracker that takes a key twice is looked at and called, nobody else does both with this key."""
    if not getattr(plugin, "looks_first", False):
        yield
        return
    try:
        with held(LOCK_KIND, export.pk):
            yield
    except HeldElsewhere:
        raise NotNow(_("Another worker makes it at this moment."), delay=SOON) from None


def _made(export: TaskExport, plugin: Any, payload: IssuePayload) -> ExternalIssue:
    """Kept at once: until it is complete nobody shall make it elsewhere."""
    created = _made_before(export, plugin) or _make(export, plugin, payload)
    export.keep_made(created)
    return created


def _made_before(export: TaskExport, plugin: Any) -> ExternalIssue | None:
    """What an earlier call made that nobody saw the end of."""
    found: ExternalIssue | None = plugin.find(export.uuid) if export.called_at else None
    return found


def _make(export: TaskExport, plugin: Any, payload: IssuePayload) -> ExternalIssue:
    export.note_call()
    reach("before_call")
    try:
        created: ExternalIssue = plugin.create(payload, key=export.uuid)
    except Doubtful:
        raise
    except (TryLater, GiveUp):
        export.forget_call()
        raise
    reach("after_answer")
    return created


def _complete(
    export: TaskExport, plugin: Any, created: ExternalIssue, payload: IssuePayload
) -> None:
    """What belongs to the issue besides. It is tried again a few times, and never keeps the issue from us."""
    if not hasattr(plugin, "complete"):
        return
    trouble: Exception
    try:
        plugin.complete(created, payload, key=export.uuid)
        return
    except (Limited, LostRace, DatabaseError):
        raise
    except (GiveUp, TryLater) as error:
        trouble = error
    except Exception as error:
        logger.exception("export %s is not completed", export.pk)
        trouble = OwnMistake(words_of(error))
    if isinstance(trouble, TryLater) and export.attempts < COMPLETE_ATTEMPTS:
        raise trouble
    logger.warning("export %s is made but not complete: %s", export.pk, trouble)


def _is_given_up(export: TaskExport) -> bool:
    """Nobody wants it now; whoever does from here on waits for the lock, and finds it given up."""
    with transaction.atomic():
        export.issue = Issue.objects.select_for_update(no_key=True).get(pk=export.issue_id)
        is_wanted = export.issue.status in Issue.WAITING
        if not is_wanted:
            export.give_up(NOT_WANTED)
    return not is_wanted
