"""People move a task from one tracker to another, send one again, or let one go that is held."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.exports.holding import CLOSED_THERE, hold, let_go, stand, take_over, task_beside
from apps.exports.models import ELSEWHERE, ExportPolicy, StandIn, TaskExport, Tracker
from apps.exports.policy import export_of
from apps.issues.models import Issue
from tasktracker.lib.workflow import LostRace

Held, Status = TaskExport.Held, TaskExport.Status
MOVE = ExportPolicy.OnRecovery.MOVE


class CannotMove(Exception):
    """Why the issue's task cannot go to that tracker, as a sentence for people."""


def move(issue: Issue, tracker: Tracker, *, leaving: TaskExport | None = None) -> TaskExport:
    """Make this tracker's task the issue's, and close the one that it has; raises CannotMove.

    Of several tasks, which only an issue without a policy has, `leaving` is closed.
    """
    with transaction.atomic():
        issue = Issue.objects.select_for_update(no_key=True).get(pk=issue.pk)
        if issue.status not in Issue.WAITING:
            raise CannotMove(_("Only an approved issue has a task."))
        if tracker.project_id != issue.project_id or not tracker.is_active:
            raise CannotMove(_("The project has no such active tracker."))
        exports = list(issue.exports.select_related("tracker"))
        there = next((one for one in exports if one.tracker_id == tracker.pk), None)
        others = [one for one in exports if one is not there]
        _check_move(there, others)
        made = _to_close(others, leaving)
        export, is_new = export_of(issue, tracker)
        if export.status == Status.FAILED:
            export.retry()
        elif export.waits_for_leave:
            export.release()
        if made is None:
            let_go(export)
            TaskExport.announce([export.pk], Status.PENDING, is_new=is_new)
        elif not hold(export) and export.held != Held.AWAY:
            raise CannotMove(_("It is being called at this moment; try again in a minute."))
        else:
            stand(export, made, how=MOVE)
        left = others if _is_one_task(issue) else [one for one in others if one == leaving]
        take_over(export, left)
    return export


def export_again(export: TaskExport) -> None:
    """Send it again, unless nobody wants it or the issue's task is another tracker's.

    Raises CannotMove, WrongTransition.
    """
    with _as_the_only_one(export):
        if export.issue.status not in Issue.WAITING:
            raise CannotMove(
                _("Nobody wants it: the issue was rejected or merged, or is new again.")
            )
        export.retry()


def release(export: TaskExport) -> None:
    """Let go what is held for a person or an hour, unless the issue's task is another tracker's.

    Raises CannotMove, or LostRace when it is not held any more.
    """
    with _as_the_only_one(export):
        if not export.waits_for_leave:
            raise LostRace(f"export {export.pk} is not held")
        export.release()


@contextmanager
def _as_the_only_one(export: TaskExport) -> Iterator[None]:
    """It becomes the issue's task, where an issue has one; raises CannotMove where another one is."""
    with transaction.atomic():
        issue = Issue.objects.select_for_update(no_key=True).get(pk=export.issue_id)
        export.refresh_from_db()
        if reason := why_not_again(export):
            raise CannotMove(reason)
        yield
        if _is_one_task(issue):
            take_over(export, issue.exports.exclude(pk=export.pk))


def why_not_again(export: TaskExport) -> str:
    """Why it is not to be sent again there, whatever its status; empty when nothing speaks against it."""
    if not export.is_live:
        return str(CLOSED_THERE)
    is_one = export.last_error == ELSEWHERE or _is_one_task(export.issue)
    if is_one and (other := task_beside(export)) is not None:
        words = _("The issue's task is in %(tracker)s: move it from there with “Export to”.")
        if other.is_gone:
            words = _("It was deleted in %(tracker)s: move it from there with “Export to”.")
        return words % {"tracker": other.tracker.name}
    return ""


def places_for(export: TaskExport) -> QuerySet[Tracker]:
    """Where the issue's task could be moved to from there."""
    if export.issue.status not in Issue.WAITING:
        return Tracker.objects.none()
    there = Q(status=Status.CREATED) | Q(is_live=False)
    taken = TaskExport.objects.filter(there, issue=export.issue_id).values("tracker")
    trackers = Tracker.objects.filter(project=export.tracker.project_id, is_active=True)
    return trackers.exclude(pk=export.tracker_id).exclude(pk__in=taken)


def _is_one_task(issue: Issue) -> bool:
    return ExportPolicy.of(issue.project).tracker_id is not None


def _check_move(there: TaskExport | None, others: Sequence[TaskExport]) -> None:
    if there is not None and not there.is_live:
        raise CannotMove(CLOSED_THERE)
    if there is not None and there.status == Status.CREATED:
        raise CannotMove(_("The task is there already."))
    for one in others:
        if one.status == Status.PENDING and not one.held:
            words = _("It is on its way to %(tracker)s; wait until it is there.")
            raise CannotMove(words % {"tracker": one.tracker.name})


def _to_close(others: Sequence[TaskExport], leaving: TaskExport | None) -> TaskExport | None:
    """The task that goes; also one that is just being closed for another one."""
    closing = set(
        StandIn.objects.filter(by__in=others, status=StandIn.Status.STANDING).values_list(
            "by", flat=True
        )
    )
    made = [
        one for one in others if one.status == Status.CREATED and (one.is_live or one.pk in closing)
    ]
    named = [one for one in made if leaving is not None and one.pk == leaving.pk]
    return next(iter([*named, *made]), None)
