"""Open an export per tracker of an approved issue, and deliver each exactly once."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from apps.exports.models import LEASE, NOT_WANTED, QUIET, TaskExport, Tracker
from apps.exports.payload import build_payload
from apps.exports.trackers.base import Doubtful, ExternalIssue, IssuePayload, Limited
from apps.issues.models import Change, Issue
from apps.sources.adapters.base import reason_of
from tasktracker.lib.failpoints import reach
from tasktracker.lib.workflow import GiveUp, LostRace, NotNow, TryLater, backoff, words_of

logger = logging.getLogger(__name__)

LONGEST_PAUSE = timedelta(seconds=30)  # of a row whose tracker fails
COMPLETE_ATTEMPTS = 5


def open_exports(issues: Sequence[Issue]) -> None:
    """One pending export per active tracker; then the issues have nothing to wait for."""
    for issue in issues:
        with transaction.atomic():
            opened = [
                export.pk
                for tracker in Tracker.objects.filter(project_id=issue.project_id, is_active=True)
                for export, is_new in [_export_of(issue, tracker)]
                if is_new
            ]
            for given_up in issue.exports.filter(
                status=TaskExport.Status.FAILED, last_error=NOT_WANTED
            ):
                given_up.retry()  # it is wanted again: a merge was undone, or a rejection
            TaskExport.announce(opened, TaskExport.Status.PENDING, is_new=True)
            Issue.settle([issue.pk])


def deliver(export: TaskExport) -> None:
    """Create the issue in the tracker once, whatever breaks in between."""
    tracker = export.tracker
    if _is_given_up(export):
        return
    if not tracker.is_active:
        raise GiveUp("the tracker is switched off")
    export.renew(lease=LEASE)
    plugin = _plugin_of(tracker)
    _wait_after_doubt(export)
    tracker.admit()
    payload = build_payload(export.issue)
    with _told_to(tracker, export):
        created = _made_before(export, plugin) or _make(export, plugin, payload)
        _complete(export, plugin, created, payload)
    with transaction.atomic():
        export.mark_created(created.id, created.url)
        export.issue.record(
            Change.Kind.EXPORT, tracker=tracker.name, id=created.id, url=created.url
        )


def _plugin_of(tracker: Tracker) -> Any:
    try:
        return tracker.plugin()
    except ValueError as error:
        # Only the words: the values may be secrets.
        raise GiveUp(f"the tracker's settings do not fit: {reason_of(error)}") from error


def _wait_after_doubt(export: TaskExport) -> None:
    """A call that nobody saw the end of may still be at work there; until it is over, none can look."""
    if export.called_at is None:
        return
    recent = TaskExport.objects.filter(pk=export.pk, called_at__gt=Now() - QUIET)
    if recent.exists():
        raise NotNow("waiting for what became of the last call", delay=QUIET)


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
    try:
        plugin.complete(created, payload, key=export.uuid)
    except Limited:
        raise
    except (GiveUp, TryLater) as error:
        if isinstance(error, TryLater) and export.attempts < COMPLETE_ATTEMPTS:
            raise
        logger.warning("export %s is made but not complete: %s", export.pk, error)


@contextmanager
def _told_to(tracker: Tracker, export: TaskExport) -> Iterator[None]:
    """The tracker's row hears how it went: limits are no failures, and a refusal is an answer."""
    try:
        yield
    except Limited as error:
        tracker.note_answer()
        tracker.wait(error.delay or LONGEST_PAUSE)
        raise
    except TryLater as error:
        tracker.note_failure(str(error))
        delay = QUIET if isinstance(error, Doubtful) else error.delay
        # The circuit spares the tracker; a row that waited for longer would be late when it is back.
        error.delay = delay or min(backoff(export.attempts), LONGEST_PAUSE)
        raise
    except GiveUp as error:
        tracker.note_answer(refusal=str(error))
        raise
    except LostRace:
        raise
    except Exception as error:
        tracker.note_failure(words_of(error))
        raise
    tracker.note_answer()


def _is_given_up(export: TaskExport) -> bool:
    """Nobody wants it now; whoever does from here on waits for the lock, and finds it given up."""
    with transaction.atomic():
        export.issue = Issue.objects.select_for_update(no_key=True).get(pk=export.issue_id)
        is_wanted = export.issue.status in Issue.WAITING
        if not is_wanted:
            export.give_up(NOT_WANTED)
    return not is_wanted


def _export_of(issue: Issue, tracker: Tracker) -> tuple[TaskExport, bool]:
    return TaskExport.objects.get_or_create(
        issue=issue,
        tracker=tracker,
        defaults={"due_at": TaskExport.due_now(TaskExport.Status.PENDING)},
    )
