"""What people decide about issues: approve, reject, merge, split, undo. All of it in the history."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.issues.conversation import follow_ups_of
from apps.issues.leaving import let_go
from apps.issues.merging import (
    IT_IS_BACK,
    carry_over,
    check_merge,
    exports_of,
    what_search_thought,
)
from apps.issues.models import Change, Evidence, Issue, Person, Relation
from apps.issues.relations import between, forget, forms_of, is_told_apart, keep_apart, relate
from apps.issues.triage import hold, open_issue
from apps.issues.undoing import AS_BEFORE, date_anew, state_of, still_of, take_away
from apps.messages.models import ACTIONABLE_CATEGORIES, Message
from apps.sources.models import Project
from tasktracker.lib.workflow import LostRace, WrongTransition


class CannotSplit(ValueError):
    """This message cannot leave its issue; the sentence says why."""


class CannotRelate(ValueError):
    """Nothing can be said of these two; the sentence says why."""


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


def merge(
    issue: Issue,
    *,
    into: Issue,
    by: Person,
    reason: str = "",
    is_back: bool = False,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Make `issue` a duplicate of `into`, which takes its evidence; raises CannotMerge.

    The one that is named by `into` stays, also when it is the newer one: a person asked for it.
    With `is_back` it is opened again should it be closed.
    """
    with transaction.atomic():
        hold(issue, into)
        check_merge(issue, into)
        thought, before = what_search_thought(issue, into), state_of(into)
        if is_back and into.status in Issue.CLOSED:
            reopen(into, by=by, reason=reason or IT_IS_BACK)
        was = issue.status
        moved = {
            "messages": list(issue.evidence.values_list("message_id", flat=True)),
            # Whoever undoes theirs finds the evidence there.
            "duplicates": list(issue.duplicates.values_list("pk", flat=True)),
        }
        issue.evidence.update(issue=into)
        issue.duplicates.update(duplicate_of=into)
        issue.change_status(Issue.Status.DUPLICATE, by=by, reason=reason, duplicate_of=into)
        told = {**thought, **moved, "exports": exports_of(issue), **(details or {})}
        told["reported_before"] = into.reported_at.isoformat()
        carry_over(issue, into, was, by=by)
        told |= {"into_before": before, "into_after": state_of(into)}
        issue.record(Change.Kind.MERGED, by=by, reason=reason, into=into.pk, was=was, **told)
        into.record(Change.Kind.MERGED, by=by, reason=reason, taken=issue.pk, was=was, **told)
        Issue.announce([into.pk], into.status)


def undo_merge(issue: Issue, *, by: Person, reason: str = "") -> None:
    """Give the issue back what the merge took, as far as it still lies there, and keep them apart."""
    with transaction.atomic():
        hold(issue)
        into = issue.duplicate_of
        merged = issue.changes.filter(kind=Change.Kind.MERGED, details__has_key="into").last()
        issue.change_status(Issue.Status.NEW, by=by, reason=reason, duplicate_of=None)
        if into is None or merged is None:
            return
        messages, duplicates = still_of(issue, merged)
        taken = Evidence.objects.filter(issue=into, message__in=messages)
        reports = list(taken.select_related("message"))
        given = {row.pk: row.message_id for row in (*reports, *follow_ups_of(reports))}
        moved = list(given.values())
        Evidence.objects.filter(pk__in=given).update(issue=issue)
        if "opened" in merged.details:
            _let_it_open_again(issue, merged.details["opened"])
        taken_along = into.duplicates.filter(pk__in=duplicates)
        told: dict[str, Any] = {
            "messages": moved,
            "duplicates": list(taken_along.values_list("pk", flat=True)),
        }
        taken_along.update(duplicate_of=issue)
        told["stays"] = take_away(issue, into, by=by)
        for one in (issue, into):
            date_anew(one)
        into.record(Change.Kind.SPLIT, by=by, reason=reason, given=issue.pk, **told)
        for between_them in Issue.objects.filter(pk=merged.details["into"]).exclude(pk=into.pk):
            between_them.record(Change.Kind.SPLIT, by=by, reason=reason, left=issue.pk)
        keep_apart(issue, into, by=by, reason=reason, details={"undone": True})
        _stand_where_it_stood(issue, merged.details.get("was", ""), by=by)
        Issue.announce([into.pk], into.status)


def not_duplicate(issue: Issue, other: Issue, *, by: Person, reason: str = "") -> None:
    """Never the same problem, for good; two that were merged come apart. Raises CannotRelate."""
    with transaction.atomic():
        hold(issue, other)
        for one, two in ((issue, other), (other, issue)):
            if one.duplicate_of_id == two.pk:
                undo_merge(one, by=by, reason=reason)
                return
        _check_pair(issue, other)
        if not is_told_apart(issue, other):
            details = what_search_thought(issue, other)
            keep_apart(issue, other, by=by, reason=reason, details=details)


def related(issue: Issue, other: Issue, *, by: Person, reason: str = "") -> None:
    """Two issues that belong together without being the same; raises CannotRelate."""
    with transaction.atomic():
        hold(issue, other)
        _check_pair(issue, other)
        if not between(issue, other, Relation.Kind.RELATED).exists():
            details = what_search_thought(issue, other)
            relate(issue, other, by=by, reason=reason, details=details)
            _announce(issue, other)


def take_back(
    issue: Issue, other: Issue, *, by: Person, kind: str = Relation.Kind.APART, reason: str = ""
) -> int:
    """Forget that these two were told apart, or related; how many such words there were."""
    with transaction.atomic():
        hold(issue, other)
        said = list(between(issue, other, kind))
        forget(said, issue, other, by=by, reason=reason)
        _announce(issue, other)
    return len(said)


def split(message: Message, *, by: Person, reason: str = "") -> Issue:
    """Take a message out of its issue into one of its own; raises CannotSplit."""
    evidence = Evidence.objects.filter(message=message).select_related("issue").first()
    if evidence is None:
        raise CannotSplit(_("The message belongs to no issue."))
    return split_together([message], out_of=evidence.issue, by=by, reason=reason)


def split_together(
    messages: Collection[Message], *, out_of: Issue, by: Person, reason: str = ""
) -> Issue:
    """Take these messages out of an issue into a new one, all into the same.

    Raises CannotSplit, or LostRace when they are in another issue by now.
    """
    with transaction.atomic():
        hold(out_of)
        reports, following = _leaving(messages, out_of)
        levels = Evidence.Level
        old, (opening, *others) = out_of, [row.message for row in reports]
        Evidence.objects.filter(pk__in=[row.pk for row in reports]).delete()
        # A follow-up was never asked what it reports by itself.
        if not opening.is_actionable:
            opening.category, opening.priority = old.category, old.priority
        issue = open_issue(opening, opened_because=reason)
        for message in others:
            Evidence.objects.create(issue=issue, message=message, level=levels.PERSON)
        Evidence.objects.filter(pk__in=[row.pk for row in following]).update(issue=issue)
        numbers = [row.message_id for row in (*reports, *following)]
        keep_apart(issue, old, by=by, reason=reason, messages=numbers)
        told = {"message": numbers[0], "messages": numbers}
        old.record(Change.Kind.SPLIT, by=by, reason=reason, given=issue.pk, **told)
        issue.record(Change.Kind.SPLIT, by=by, reason=reason, taken_from=old.pk, **told)
        let_go(old, [row.message for row in (*reports, *following)], by=by)
        Issue.announce([old.pk], old.status)
    return issue


def _leaving(messages: Collection[Message], old: Issue) -> tuple[list[Evidence], list[Evidence]]:
    """What leaves: reports, the one that is most like an opening first, and what was said of them."""
    rows = Evidence.objects.filter(message__in=messages).select_related("message")
    found = list(rows.order_by("message__sent_at", "message__pk"))
    if len(found) < len(set(messages)):
        raise CannotSplit(_("The message belongs to no issue."))
    issues = {row.issue_id for row in found}
    if len(issues) > 1:
        raise CannotSplit(_("The messages belong to different issues."))
    if issues != {old.pk}:
        raise LostRace(f"the messages are no longer in issue {old.pk}")
    following = follow_ups_of(found)
    reports = [row for row in found if row not in following]
    if old.evidence.count() == len(reports) + len(following):
        raise CannotSplit(
            _("It is the only report of this issue.")
            if len(found) == 1
            else _("These are all the reports of this issue: at least one must stay.")
        )
    for row in reports:
        row.message.project = old.project
    reports.sort(key=lambda row: row.message.category not in ACTIONABLE_CATEGORIES)
    return reports, following


def _stand_where_it_stood(issue: Issue, was: str, *, by: Person) -> None:
    """What was approved before the merge is approved again, and goes to the trackers as before."""
    if was in {Issue.Status.APPROVED, Issue.Status.IN_PROGRESS}:
        issue.change_status(Issue.Status.APPROVED, by=by, details=AS_BEFORE)
    if was == Issue.Status.IN_PROGRESS:
        issue.change_status(Issue.Status.IN_PROGRESS, by=by, details=AS_BEFORE)


def _let_it_open_again(issue: Issue, message: int) -> None:
    """What opened the issue became one more report of the other one by a model's word."""
    rows = Evidence.objects.filter(issue=issue, message__in=forms_of([message]))
    rows.update(level=Evidence.Level.OPENED, score=None, threshold=None, like=None, explanation={})


def _announce(*issues: Issue) -> None:
    """Their statuses stay, and still there is something new about them."""
    for issue in issues:
        Issue.announce([issue.pk], issue.status)


def _check_pair(issue: Issue, other: Issue) -> None:
    if issue.pk == other.pk:
        raise CannotRelate(_("These are one and the same issue."))
    if issue.project_id != other.project_id:
        raise CannotRelate(_("Issues of different projects have nothing to do with each other."))
    for row in (issue, other):
        if row.status == Issue.Status.DUPLICATE:
            raise CannotRelate(
                _("Issue %(id)s is itself a duplicate of %(other)s.")
                % {"id": row.pk, "other": row.duplicate_of_id}
            )
