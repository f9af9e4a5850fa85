"""What people decide about issues: approve, reject, merge, split, undo. All of it in the history."""

from collections.abc import Callable

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.issues.models import Change, Evidence, Issue, Person
from apps.issues.relations import keep_apart
from apps.issues.triage import lock_project, open_issue
from apps.messages.models import Message
from apps.sources.models import Project
from tasktracker.lib.workflow import WrongTransition


class CannotMerge(ValueError):
    """These two cannot become one; the sentence says why."""


class CannotSplit(ValueError):
    """This message cannot leave its issue; the sentence says why."""


def open_by_hand(
    *,
    project: Project,
    title: str,
    description: str,
    category: str,
    priority: str,
    origin: str,
    by: Person,
) -> Issue:
    """An issue that a person or another system wrote, without a message behind it."""
    with transaction.atomic():
        issue = Issue.objects.create(
            project=project,
            title=title,
            description=description,
            category=category,
            priority=priority,
            origin=origin,
            reported_at=timezone.now(),
        )
        issue.record(Change.Kind.OPENED, by=by)
        Issue.announce([issue.pk], issue.status, is_new=True)
    return issue


def approve(issue: Issue, *, by: Person, reason: str = "") -> None:
    issue.change_status(Issue.Status.APPROVED, by=by, reason=reason)


def reject(issue: Issue, *, by: Person, reason: str = "") -> None:
    issue.change_status(Issue.Status.REJECTED, by=by, reason=reason)


def start(issue: Issue, *, by: Person, reason: str = "") -> None:
    issue.change_status(Issue.Status.IN_PROGRESS, by=by, reason=reason)


def finish(issue: Issue, *, by: Person, reason: str = "") -> None:
    issue.change_status(Issue.Status.DONE, by=by, reason=reason)


def reopen(issue: Issue, *, by: Person, reason: str = "") -> None:
    """Done goes back to approved, rejected back to new, a duplicate stands on its own again."""
    if issue.status == Issue.Status.DUPLICATE:
        undo_merge(issue, by=by, reason=reason)
    elif issue.status == Issue.Status.REJECTED:
        issue.change_status(Issue.Status.NEW, by=by, reason=reason)
    else:
        issue.change_status(Issue.Status.APPROVED, by=by, reason=reason)


def change_status(issue: Issue, status: str, *, by: Person, reason: str = "") -> None:
    """Any status that a person may set; raises WrongTransition or LostRace."""
    verbs: dict[str, Callable[..., None]] = {
        Issue.Status.APPROVED: approve,
        Issue.Status.REJECTED: reject,
        Issue.Status.IN_PROGRESS: start,
        Issue.Status.DONE: finish,
        Issue.Status.NEW: reopen,
    }
    if status not in verbs:
        raise WrongTransition(f"{issue.status} -> {status}")
    if status == Issue.Status.NEW:
        Issue.check_transition(issue.status, status)
    verbs[status](issue, by=by, reason=reason)


def merge(issue: Issue, *, into: Issue, by: Person, reason: str = "") -> None:
    """Make `issue` a duplicate of `into`, which takes its evidence; raises CannotMerge."""
    with transaction.atomic():
        lock_project(issue.project_id)
        issue.refresh_from_db()
        into.refresh_from_db()
        _check_merge(issue, into)
        moved = list(issue.evidence.values_list("message_id", flat=True))
        issue.evidence.update(issue=into)
        issue.duplicates.update(duplicate_of=into)  # whoever undoes theirs finds the evidence there
        issue.change_status(Issue.Status.DUPLICATE, by=by, reason=reason, duplicate_of=into)
        issue.record(Change.Kind.MERGED, by=by, reason=reason, into=into.pk, messages=moved)
        into.record(Change.Kind.MERGED, by=by, reason=reason, taken=issue.pk, messages=moved)
        Issue.announce([into.pk], into.status)


def undo_merge(issue: Issue, *, by: Person, reason: str = "") -> None:
    """Give the issue its evidence back, as far as it still lies where the merge put it."""
    with transaction.atomic():
        lock_project(issue.project_id)
        issue.refresh_from_db()
        into = issue.duplicate_of
        merged = issue.changes.filter(kind=Change.Kind.MERGED, details__has_key="into").last()
        issue.change_status(Issue.Status.NEW, by=by, reason=reason, duplicate_of=None)
        if into is None or merged is None:
            return
        messages = merged.details["messages"]
        Evidence.objects.filter(issue=into, message__in=messages).update(issue=issue)
        into.record(Change.Kind.SPLIT, by=by, reason=reason, given=issue.pk, messages=messages)
        Issue.announce([into.pk], into.status)


def split(message: Message, *, by: Person, reason: str = "") -> Issue:
    """Take a message out of its issue into one of its own; raises CannotSplit."""
    with transaction.atomic():
        project = lock_project(message.project_id)
        evidence = Evidence.objects.filter(message=message).select_related("issue").first()
        if evidence is None:
            raise CannotSplit(_("The message belongs to no issue."))
        old = evidence.issue
        if old.evidence.count() == 1:
            raise CannotSplit(_("It is the only report of this issue."))
        evidence.delete()
        message.project = project
        issue = open_issue(message, opened_because=reason)
        keep_apart(issue, old, by=by, reason=reason)
        old.record(Change.Kind.SPLIT, by=by, reason=reason, message=message.pk, given=issue.pk)
        issue.record(Change.Kind.SPLIT, by=by, reason=reason, message=message.pk, taken_from=old.pk)
        Issue.announce([old.pk], old.status)
    return issue


def _check_merge(issue: Issue, into: Issue) -> None:
    if issue.pk == into.pk:
        raise CannotMerge(_("An issue cannot be merged into itself."))
    if issue.project_id != into.project_id:
        raise CannotMerge(_("Issues of different projects cannot be merged."))
    if into.status == Issue.Status.DUPLICATE:
        raise CannotMerge(
            _("Issue %(id)s is itself a duplicate of %(other)s.")
            % {"id": into.pk, "other": into.duplicate_of_id}
        )
    if Issue.Status.DUPLICATE not in Issue.TRANSITIONS.get(issue.status, frozenset()):
        raise CannotMerge(
            _("An issue that is %(status)s cannot be merged.")
            % {"status": issue.get_status_display().lower()}
        )
