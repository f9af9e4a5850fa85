"""The search for what a new report may be a duplicate of: same text, recent words, near meaning."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q, QuerySet

from apps.issues.dedup.base import Candidate, Report, Vector
from apps.issues.models import Evidence, Issue
from apps.issues.nearest import NEAREST, nearest
from apps.issues.relations import apart_issues
from apps.messages.glossary import own_spellings
from apps.messages.models import Message, vectors_of
from apps.sources.models import Project
from tasktracker.lib import embeddings
from tasktracker.lib.spellings import Spellings
from tasktracker.lib.text import language_of

__all__ = ["NEAREST", "RECENT", "candidates", "permitted", "report_of"]

RECENT = 200  # reports inside the window of similar words that are looked at
#: Of a message, for a report.
READ = (
    "text", "text_hash", "sent_at", "category", "chat_id", "topic", "author_id", "reply_to_id",
)  # fmt: skip


def report_of(message: Message, vector: Vector | None, own: Spellings | None = None) -> Report:
    """The message as it is compared: the project's own words are spelled in one way."""
    own = own or own_spellings(message.project_id)
    return Report(
        text=own.rewrite(message.text),
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


@transaction.atomic(savepoint=False)
def candidates(message: Message, project: Project, vector: Vector | None) -> list[Candidate]:
    """Evidence of open issues, and of issues closed a short time ago; each message once."""
    _read_a_little()
    apart = apart_issues(message)
    similarities = {} if vector is None else nearest(message, project, vector, apart=apart)
    evidence = _in_reach(message, project).exclude(issue__in=apart)
    ids = {*_recent(evidence, message, project), *_same_text(evidence, message), *similarities}
    own = own_spellings(project.pk)
    return _candidates(ids, similarities, _latest_start(message, project), own)


def _read_a_little() -> None:
    """For this transaction: a few hundred rows by their indexes, not whole tables by many workers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('random_page_cost', '1.1', true),"
            " set_config('max_parallel_workers_per_gather', '0', true)"
        )


def permitted(message: Message) -> QuerySet[Evidence]:
    """Evidence of the issues of which nobody has said that this message is about something else."""
    return Evidence.objects.exclude(issue__in=apart_issues(message))


def _in_reach(message: Message, project: Project) -> QuerySet[Evidence]:
    """Reports of open issues of the last `open_issue_days`, and of those closed in the last
    `closed_issue_days`.
    """
    age = timedelta(days=project.open_issue_days)
    closed_since = message.sent_at - timedelta(days=project.closed_issue_days)
    is_open = Q(issue__status__in=Issue.OPEN)
    is_closed = Q(issue__status__in=Issue.CLOSED, issue__status_changed_at__gte=closed_since)
    evidence = Evidence.objects.filter(
        is_open | is_closed if project.closed_issue_days else is_open,
        issue__project=project,
        # The same project; PostgreSQL reads the newest messages of a project from an index.
        message__project=project,
        message__sent_at__range=(message.sent_at - age, message.sent_at + age),
    ).exclude(level__in=Evidence.FOLLOW_UPS)  # "+1" is like every other "+1"
    if message.alert_key:
        # Two alerts with other names are alike in every word but the one that matters.
        evidence = evidence.filter(message__alert_key__in=["", message.alert_key])
    return evidence


def _recent(evidence: QuerySet[Evidence], message: Message, project: Project) -> list[int]:
    """The newest inside the window of similar words."""
    window = timedelta(hours=project.duplicate_window_hours)
    inside = evidence.filter(
        message__sent_at__range=(message.sent_at - window, message.sent_at + window)
    )
    return _newest(inside)


def _same_text(evidence: QuerySet[Evidence], message: Message) -> list[int]:
    """Those with the same words, however many others are newer."""
    if not message.text_hash:
        return []
    return _newest(evidence.filter(message__text_hash=message.text_hash))


def _newest(evidence: QuerySet[Evidence]) -> list[int]:
    return list(evidence.order_by("-message__sent_at").values_list("pk", flat=True)[:RECENT])


def _latest_start(message: Message, project: Project) -> datetime:
    """An issue that began later is of another time: a report from before it came very late."""
    return message.sent_at + timedelta(hours=project.duplicate_window_hours)


def _candidates(
    ids: set[int], similarities: Mapping[int, float], latest_start: datetime, own: Spellings
) -> list[Candidate]:
    rows = _rows(ids)
    vectors = vectors_of([row.pk for row in rows], embeddings.model_name())
    younger = _younger(rows, latest_start)
    return [
        Candidate(
            issue_id=row.evidence__issue_id,
            report=report_of(row, vectors.get(row.pk), own),
            similarity=similarities.get(row.evidence__pk),
            is_open=row.evidence__issue__status in Issue.OPEN
            and row.evidence__issue_id not in younger,
        )
        for row in rows
    ]


def _rows(ids: set[int]) -> list[Any]:
    """Messages by their evidence, as plain rows: making 200 models takes longer than reading them."""
    messages = Message.objects.filter(evidence__in=ids)
    return list(
        messages.order_by("evidence__created_at", "evidence__pk").values_list(
            "pk", *READ, "evidence__pk", "evidence__issue_id", "evidence__issue__status", named=True
        )
    )


def _younger(rows: Iterable[Any], latest_start: datetime) -> set[int]:
    """Issues of which every report is later than that."""
    later = {row.evidence__issue_id for row in rows if row.sent_at > latest_start}
    if not later:
        return later
    old = Evidence.objects.filter(issue__in=later, message__sent_at__lte=latest_start)
    return later - set(old.values_list("issue", flat=True))
