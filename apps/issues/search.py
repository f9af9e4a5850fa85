"""The search for what a new report may be a duplicate of: same text, recent words, near meaning."""

from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Q, QuerySet
from pgvector.django import CosineDistance

from apps.issues.dedup.base import Candidate, Report, Vector
from apps.issues.models import Evidence, Issue
from apps.issues.relations import apart_issues
from apps.messages.models import Message, vectors_of
from apps.sources.models import Project
from tasktracker.lib import embeddings
from tasktracker.lib.text import language_of

NEAREST = 20  # reports by meaning that are looked at
RECENT = 200  # reports inside the window of similar words that are looked at


def report_of(message: Message, vector: Vector | None) -> Report:
    return Report(
        text=message.text,
        fingerprint=message.text_hash,
        language=language_of(message.text),
        sent_at=message.sent_at,
        vector=vector,
        category=message.category,
        number=message.pk,
        chat=f"{message.chat_id}/{message.topic}",
        author=message.author_id,
        answers=message.reply_to_id,
    )


def candidates(message: Message, project: Project, vector: Vector | None) -> list[Candidate]:
    """Evidence of open issues, and of issues closed a short time ago; each message once."""
    evidence = permitted(message).filter(_in_reach(message, project), issue__project=project)
    evidence = evidence.exclude(level__in=Evidence.FOLLOW_UPS)  # "+1" is like every other "+1"
    if message.alert_key:
        # Two alerts with other names are alike in every word but the one that matters.
        evidence = evidence.filter(message__alert_key__in=["", message.alert_key])
    window = timedelta(hours=project.duplicate_window_hours)
    alike = Q(
        message__sent_at__gte=message.sent_at - window,
        message__sent_at__lte=message.sent_at + window,
    )
    if message.text_hash:
        alike |= Q(message__text_hash=message.text_hash)
    similarities = _nearest(evidence, vector)
    recent = evidence.filter(alike).order_by("-message__sent_at")
    ids = {*recent.values_list("pk", flat=True)[:RECENT], *similarities}
    return _candidates(ids, similarities)


def permitted(message: Message) -> QuerySet[Evidence]:
    """Evidence of the issues of which nobody has said that this message is about something else."""
    return Evidence.objects.exclude(issue__in=apart_issues(message))


def _in_reach(message: Message, project: Project) -> Q:
    """Open issues of the last `open_issue_days`, and those closed in the last `closed_issue_days`."""
    age = timedelta(days=project.open_issue_days)
    closed_since = message.sent_at - timedelta(days=project.closed_issue_days)
    near = Q(
        message__sent_at__gte=message.sent_at - age, message__sent_at__lte=message.sent_at + age
    )
    is_open = Q(issue__status__in=Issue.OPEN)
    is_closed = Q(issue__status__in=Issue.CLOSED, issue__status_changed_at__gte=closed_since)
    return near & (is_open | is_closed if project.closed_issue_days else is_open)


def _nearest(evidence: QuerySet[Evidence], vector: Vector | None) -> dict[int, float]:
    """Cosine similarity by evidence id of the nearest reports: an exact scan inside the project."""
    if vector is None:
        return {}
    near = (
        evidence.filter(message__embeddings__model=embeddings.model_name())
        .annotate(distance=CosineDistance("message__embeddings__vector", vector))
        .order_by("distance")
        .values_list("pk", "distance")[:NEAREST]
    )
    return {pk: 1.0 - distance for pk, distance in near}


def _candidates(ids: set[int], similarities: Mapping[int, float]) -> list[Candidate]:
    rows = list(Evidence.objects.filter(pk__in=ids).select_related("message", "issue"))
    vectors = vectors_of([row.message_id for row in rows], embeddings.model_name())
    return [
        Candidate(
            issue_id=row.issue_id,
            report=report_of(row.message, vectors.get(row.message_id)),
            similarity=similarities.get(row.pk),
            is_open=row.issue.is_open,
        )
        for row in rows
    ]
