"""A person sends an issue to a tracker, whatever the policy holds back."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.exports.models import ELSEWHERE, ExportPolicy, TaskExport, Tracker
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
        _give_up_others(issue, tracker)
        export, is_new = export_of(issue, tracker)
        if is_new:
            TaskExport.announce([export.pk], export.status, is_new=True)
        elif export.held:
            export.release()
        elif export.status == TaskExport.Status.FAILED:
            export.retry()
        if issue.status == Issue.Status.NEW:
            approve(issue, by=by)
    return export


def _give_up_others(issue: Issue, tracker: Tracker) -> None:
    """What is held for another tracker does not go there any more, where an issue has one task."""
    if ExportPolicy.of(issue.project).tracker_id is not None:
        pending = issue.exports.filter(status=TaskExport.Status.PENDING).exclude(tracker=tracker)
        for other in pending.exclude(held__in=["", TaskExport.Held.AWAY]):
            other.give_up(ELSEWHERE)


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
    if here is not None and here.status == TaskExport.Status.CREATED:
        return _("It is there already.")
    if here is not None and here.status == TaskExport.Status.PENDING and not here.held:
        return _("It is on its way there.")
    if here is not None and here.held == TaskExport.Held.AWAY:
        return _("Another tracker stands in for it.")
    if ExportPolicy.of(issue.project).tracker_id is None:
        return ""  # a task in each
    for other in exports.exclude(tracker=tracker).exclude(status=TaskExport.Status.FAILED):
        if not other.held and other.is_live:
            return _("It goes to %(tracker)s, and shall be one task.") % {"tracker": other.tracker}
    return ""
