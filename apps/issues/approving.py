"""The project's policy of approval: what goes on to the trackers without a person."""

from collections.abc import Iterable

from django.db.models import Max

from apps.issues.models import Evidence, Issue, Match, Opinion
from apps.messages.models import Message
from apps.sources.models import Project

HOLD = 0.4  # a suggestion with this score keeps an issue from being approved by policy
_OPEN_QUESTIONS = (Opinion.Status.WAITING, Opinion.Status.SAME)


def approve_by_policy(issue: Issue, project: Project, *, doubt: float) -> None:
    """A project may let confident issues through.

    A likely duplicate waits for a person, and so does what only an archive reports.
    """
    limit = project.auto_approve_above
    if limit is None or doubt >= HOLD or issue.is_provisional:
        return
    if not project.approves_history and is_archived(issue):
        return
    if issue.confidence is not None and issue.confidence >= limit:
        issue.change_status(
            Issue.Status.APPROVED,
            reason=f"confidence {issue.confidence:.2f} is at least {limit:.2f}",
        )


def look_again(issue: Issue, project: Project) -> None:
    """What only an archive has reported got a live report: the policy decides as about a new one."""
    is_asked_about = issue.opinions.filter(status__in=_OPEN_QUESTIONS).exists()
    if is_asked_about or is_decided(issue):
        return
    opening = Message.objects.filter(evidence__issue=issue, evidence__level=Evidence.Level.OPENED)
    approve_by_policy(issue, project, doubt=doubt_about(opening))


def doubt_about(messages: Iterable[Message]) -> float:
    """How much speaks for the issue that they opened being a duplicate of another one."""
    found = Match.objects.filter(message__in=messages, outcome=Match.Outcome.SUGGESTED)
    return float(found.aggregate(most=Max("score"))["most"] or 0.0)


def is_archived(issue: Issue) -> bool:
    """Whether only an archive reports it."""
    return issue.pk in Evidence.only_archived([issue.pk])


def is_decided(issue: Issue) -> bool:
    """Whether it is more than what the search made of it: people, or an export, have got hold of it."""
    is_touched = bool(issue.locked_fields) or issue.changes.filter(user__isnull=False).exists()
    return issue.status != Issue.Status.NEW or is_touched or issue.exports.exists()
