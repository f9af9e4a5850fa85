"""Open an export per tracker of an approved issue, and deliver each exactly once."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models.functions import Now

from apps.exports.models import NOT_WANTED, TaskExport, Tracker
from apps.exports.payload import build_payload
from apps.issues.models import Change, Issue
from apps.sources.adapters.base import reason_of
from tasktracker.lib.workflow import GiveUp, TryLater


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
    """Create the issue in the tracker; the export's UUID makes a repeat harmless."""
    tracker = export.tracker
    if _is_given_up(export):
        return
    if not tracker.is_active:
        raise GiveUp("the tracker is switched off")
    if Tracker.objects.filter(pk=tracker.pk, closed_until__gt=Now()).exists():
        raise TryLater(f"the tracker pauses after {tracker.failures_in_a_row} failures")
    try:
        plugin = tracker.plugin()
    except ValueError as error:
        # Only the words: the values may be secrets.
        raise GiveUp(f"the tracker's settings do not fit: {reason_of(error)}") from error
    try:
        created = plugin.create(build_payload(export.issue), idempotency_key=export.uuid)
    except TryLater as error:
        tracker.note_failure(str(error))
        raise
    tracker.note_success()
    with transaction.atomic():
        export.mark_created(created.id, created.url)
        export.issue.record(
            Change.Kind.EXPORT, tracker=tracker.name, id=created.id, url=created.url
        )


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
