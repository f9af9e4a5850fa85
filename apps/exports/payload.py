"""An issue as a tracker sees it."""

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
            )
            for item in evidence
            if item.message.text  # a screenshot is no quote
        ),
    )
