"""What an undone merge gives back: what it brought, as far as nothing came of it since."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Min, Q, QuerySet

from apps.issues.models import Change, Evidence, Issue, Person
from apps.issues.relations import forms_of
from apps.issues.urgency import AS_IT_WAS, most_urgent
from apps.messages.models import ACTIONABLE_CATEGORIES, Message

AS_BEFORE = {"as_before_merge": True}
_S = Issue.Status


def state_of(issue: Issue) -> dict[str, str]:
    """What a merge may change of the issue that stays, for the history of both."""
    return {"status": issue.status, "priority": issue.priority}


def still_of(issue: Issue, merged: Change) -> tuple[set[int], set[int]]:
    """The messages and duplicates that came by this merge and nobody has moved without it since."""
    messages = forms_of(merged.details["messages"])
    duplicates = set(merged.details.get("duplicates", ()))
    since = Change.objects.filter(issue__project=issue.project_id, pk__gt=merged.pk)
    moved = Q(kind=Change.Kind.MERGED, details__has_key="into")
    given = Q(kind=Change.Kind.SPLIT, details__has_key="given")
    for change in since.filter(moved | given).exclude(details__duplicates__contains=[issue.pk]):
        if change.kind == Change.Kind.MERGED:
            duplicates -= {change.issue_id, *change.details.get("duplicates", ())}
        messages -= forms_of(change.details.get("messages", ()))
    return messages, duplicates


def take_away(issue: Issue, into: Issue, *, by: Person) -> dict[str, str]:
    """Set status and priority back to what they were before this merge; answer what has to stay.

    What people, later reports, other merges and trackers made of them since is theirs.
    """
    taken = Q(details__taken=issue.pk)
    carried = Q(details__duplicates__contains=[issue.pk])  # within another one that was merged
    rows = into.changes.filter(taken | carried, kind=Change.Kind.MERGED, details__has_key="taken")
    merged = rows.last()
    if merged is None or "into_before" not in merged.details:
        return {}
    before, after = merged.details["into_before"], merged.details["into_after"]
    since = into.changes.filter(pk__gt=merged.pk)
    is_direct = merged.details["taken"] == issue.pk
    stays = {}
    if after["status"] != before["status"] and into.status != before["status"]:
        if is_direct and into.status == after["status"] and not _is_used(into, since):
            _return_to(into, before["status"], by=by)
        else:
            stays["status"] = into.status
    if after["priority"] != before["priority"] and into.priority != before["priority"]:
        edits = since.filter(kind=Change.Kind.EDIT, details__field="priority")
        if is_direct and into.priority == after["priority"] and not edits.exists():
            urgent = [before["priority"], *_priorities(into, since)]
            into.edit({"priority": most_urgent(urgent)}, by=by, reason=AS_IT_WAS)
        else:
            stays["priority"] = into.priority
    return stays


def date_anew(issue: Issue) -> None:
    """It counts from the first of what it has: its own date, its reports, what was merged into it."""
    reports = issue.evidence.aggregate(first=Min("message__sent_at"))["first"]
    dates = [_own_date(one) for one in (issue, *issue.duplicates.all())]
    first = min([*dates, reports] if reports else dates)
    if first != issue.reported_at:
        issue.be_reported_at(first)


def _own_date(issue: Issue) -> datetime:
    """From when it counted before anything was merged into it."""
    rows = issue.changes.filter(kind=Change.Kind.MERGED, details__has_key="taken")
    merged = rows.filter(details__has_key="reported_before").first()
    if merged is None:
        return issue.reported_at
    return datetime.fromisoformat(merged.details["reported_before"])


def _is_used(into: Issue, since: QuerySet[Change]) -> bool:
    """Whether anybody went on with the status, a tracker has it, or another merge brings it too."""
    if since.filter(Q(kind=Change.Kind.STATUS) | Change.EXPORTED).exists():
        return True
    approved = since.filter(kind=Change.Kind.MERGED, details__was__in=[_S.APPROVED, _S.IN_PROGRESS])
    return into.duplicates.filter(pk__in=_taken(approved)).exists()


def _priorities(into: Issue, since: QuerySet[Change]) -> Iterable[str]:
    """How urgent what came since is, as far as it is still there."""
    merged = into.duplicates.filter(pk__in=_taken(since.filter(kind=Change.Kind.MERGED)))
    came = since.filter(kind=Change.Kind.EVIDENCE).exclude(details__level=Evidence.Level.EDIT)
    numbers = forms_of(came.values_list("details__message", flat=True))
    reports = Message.objects.filter(pk__in=numbers, evidence__issue=into)
    reports = reports.filter(category__in=ACTIONABLE_CATEGORIES)
    return [
        *merged.values_list("priority", flat=True),
        *reports.values_list("priority", flat=True),
    ]


def _taken(merges: QuerySet[Change]) -> list[int]:
    rows = merges.filter(details__has_key="taken")
    return list(rows.values_list("details__taken", flat=True))


def _return_to(into: Issue, status: str, *, by: Person) -> None:
    """Step by step, as the statuses allow."""
    if into.status == _S.IN_PROGRESS and status != _S.DONE:
        into.change_status(_S.APPROVED, by=by, details=AS_BEFORE)
    if into.status != status:
        into.change_status(status, by=by, details=AS_BEFORE)
