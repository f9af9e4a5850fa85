"""A message leaves its issue: the date and the urgency that only it gave go with it."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db.models import Exists, Min, OuterRef, Q

from apps.issues.models import Change, Evidence, Issue, Person
from apps.issues.urgency import MANY, MORE_URGENT, TAKEN_BACK, WITHOUT_IT, how_urgent, most_urgent
from apps.messages.models import ACTIONABLE_CATEGORIES, Message


def take_out(evidence: Evidence, *, by: Person = None, reason: str = "", **details: Any) -> None:
    """The issue goes on without this message, and its history says why."""
    issue = evidence.issue
    evidence.delete()
    issue.record(Change.Kind.SPLIT, by=by, reason=reason, message=evidence.message_id, **details)
    let_go(issue, [evidence.message], by=by)
    Issue.announce([issue.pk], issue.status)


def let_go(issue: Issue, left: Collection[Message], *, by: Person) -> None:
    """Count the issue from the first of what stays, and hold it for as urgent as that.

    A priority that a person has set since it was opened stays.
    """
    by_itself = _opened_by_itself(issue)
    if issue.reported_at in {message.sent_at for message in left}:
        issue.be_reported_at(_first_date(issue, by_itself))
    edits = issue.changes.filter(kind=Change.Kind.EDIT, details__field="priority").order_by("pk")
    ours = Q(reason__in=[MORE_URGENT, *TAKEN_BACK]) | Q(user=None, reason__endswith=MANY)
    if edits.exclude(ours).exists():
        return
    reports = Message.objects.filter(evidence__issue=issue, category__in=ACTIONABLE_CATEGORIES)
    given = set(reports.exclude(priority="").values_list("priority", flat=True))
    for one in by_itself:
        first = edits.first() if one == issue else None
        given.add(first.details["before"] if first else one.priority)
    if given:
        priority = how_urgent(issue, most_urgent(given))
        if most_urgent([priority, issue.priority]) != priority:
            issue.edit({"priority": priority}, by=by, reason=WITHOUT_IT)


def _opened_by_itself(issue: Issue) -> list[Issue]:
    """It and its duplicates, except those that a message has opened which is gone."""
    family = [issue, *issue.duplicates.all()]
    opened = Change.objects.filter(
        issue__in=family, kind=Change.Kind.OPENED, details__has_key="message"
    )
    opening = dict(opened.values_list("issue", "details__message"))
    here = Evidence.objects.filter(
        issue=issue,
        message__source=OuterRef("source"),
        message__external_id=OuterRef("external_id"),
    )
    stayed = Message.objects.filter(Exists(here), pk__in=opening.values())
    numbers = set(stayed.values_list("pk", flat=True))
    return [one for one in family if one.pk not in opening or opening[one.pk] in numbers]


def _first_date(issue: Issue, by_itself: Collection[Issue]) -> datetime:
    """When the first of its reports was sent; without any message an issue counts from its opening."""
    by_hand = Change.objects.filter(issue__in=by_itself, kind=Change.Kind.OPENED)
    opened = by_hand.exclude(details__has_key="message").aggregate(first=Min("created_at"))
    sent = issue.evidence.aggregate(first=Min("message__sent_at"))
    dates = [found["first"] for found in (opened, sent) if found["first"]]
    return min(dates, default=issue.reported_at)
