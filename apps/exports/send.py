"""A person sends an issue to a tracker, whatever the policy holds back."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.exports.holding import CLOSED_THERE, let_go, take_over, task_beside
from apps.exports.models import ExportPolicy, TaskExport, Tracker
from apps.exports.policy import export_of
from apps.issues.decisions import approve
from apps.issues.models import Issue, Person


class CannotSend(ValueError):
    """It cannot go there; the sentence says why."""


def send(issue: Issue, tracker: Tracker, *, by: Person) -> TaskExport:
    """One export there: opened, let go, or tried again; a new issue is approved by it.

    Raises CannotSend, and what approving raises.
    """
    with transaction.atomic():
        issue = Issue.objects.select_for_update(no_key=True).get(pk=issue.pk)
        if reason := why_not(issue, tracker):
            raise CannotSend(reason)
        export, is_new = export_of(issue, tracker)
        if is_new:
            TaskExport.announce([export.pk], export.status, is_new=True)
        elif export.status == TaskExport.Status.FAILED or export.is_gone:  # also one that was held
            export.retry()
        elif export.waits_for_leave:
            export.release()
        elif export.held:
            let_go(export)
        if ExportPolicy.of(issue.project).tracker_id is not None:  # an issue has one task
            take_over(export, issue.exports.exclude(pk=export.pk))
        if issue.status == Issue.Status.NEW:
            approve(issue, by=by)
    return export


def why_not(issue: Issue, tracker: Tracker) -> str:
    """Why it cannot go there; empty when it can."""
    if tracker.project_id != issue.project_id:
        return _("This tracker belongs to another project.")
    if not tracker.is_active:
        return _("This tracker is switched off.")
    if issue.status not in {Issue.Status.NEW, *Issue.WAITING}:
        return _("Nobody wants it: the issue was rejected or merged.")
    exports = issue.exports.select_related("tracker").defer(
        "tracker__config", "tracker__credentials"
    )
    here = exports.filter(tracker=tracker).first()
    if here is not None and (reason := _why_not_again(here)):
        return reason
    if ExportPolicy.of(issue.project).tracker_id is None:
        return ""  # a task in each
    for other in exports.exclude(tracker=tracker).exclude(status=TaskExport.Status.FAILED):
        if not other.held and other.is_live:
            if other.is_gone:
                words = _("It was deleted in %(tracker)s: move it from there with “Export to”.")
                return words % {"tracker": other.tracker}
            return _("It goes to %(tracker)s, and shall be one task.") % {"tracker": other.tracker}
    return ""


def _why_not_again(here: TaskExport) -> str:
    if not here.is_live:
        return str(CLOSED_THERE)
    if here.status == TaskExport.Status.CREATED and not here.is_gone:
        return _("It is there already.")
    if here.status == TaskExport.Status.PENDING and not here.held:
        return _("It is on its way there.")
    if here.held == TaskExport.Held.AWAY and task_beside(here) is not None:
        return _("Another tracker stands in for it.")
    return ""
