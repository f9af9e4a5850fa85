"""An issue as a tracker sees it."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from apps.exports.trackers.base import IssuePayload, Quote
from apps.issues.models import Issue


def build_payload(issue: Issue) -> IssuePayload:
    """Everything a tracker may need; the quotes are the chat's words, untouched."""
    evidence = issue.evidence.select_related("message__chat").order_by("message__sent_at")
    return IssuePayload(
        id=issue.pk,
        project=issue.project.slug,
        title=issue.title,
        description=issue.description,
        category=issue.category,
        priority=issue.priority,
        confidence=issue.confidence,
        status=issue.status,
        language=issue.project.language,
        reported_at=issue.reported_at,
        entities=issue.entities,
        labels=tuple(issue.labels),
        quotes=tuple(
            Quote(
                text=item.message.text,
                author=item.message.author,
                chat=item.message.chat.title,
                sent_at=item.message.sent_at,
                external_id=item.message.external_id,
                url=item.message.url,
            )
            for item in evidence
            if item.message.text  # a screenshot is no quote
        ),
        due_on=_due_on(issue.entities),
    )


def _due_on(entities: Mapping[str, Any]) -> date | None:
    """The last day that the messages name, as the project's calendar has it."""
    days = []
    for entity in entities.get("deadlines") or ():
        try:
            days.append(date.fromisoformat(str(entity["normal"])[:10]))
        except (ValueError, KeyError, TypeError):
            continue  # words that tell no day
    return max(days, default=None)
