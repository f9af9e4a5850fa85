"""The search for what a new report may be a duplicate of: same text, recent words, near meaning."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from apps.issues.dedup.base import Candidate, Report, Vector
from apps.issues.models import Evidence, Issue
from apps.issues.nearest import NEAREST, nearest
from apps.issues.reach import RECENT, Reached, reached, read_a_little
from apps.issues.relations import apart_issues
from apps.messages.glossary import own_spellings
from apps.messages.models import Message
from apps.sources.models import Project
from tasktracker.lib.spellings import Spellings
from tasktracker.lib.text import language_of

__all__ = ["NEAREST", "RECENT", "candidates", "permitted", "report_of"]


def report_of(
    message: Message | Reached, vector: Vector | None, own: Spellings | None = None
) -> Report:
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
def candidates(
    message: Message, project: Project, vector: Vector | None, own: Spellings | None = None
) -> list[Candidate]:
    """Evidence of open issues, and of issues closed a short time ago; each message once."""
    read_a_little()
    apart = apart_issues(message)
    similarities = {} if vector is None else nearest(message, project, vector, apart=apart)
    rows = reached(message, project, apart=apart, nearest=similarities)
    own = own or own_spellings(project.pk)
    younger = _younger(rows, _latest_start(message, project))
    return [
        Candidate(
            issue_id=row.issue_id,
            report=report_of(row, row.vector, own),
            similarity=similarities.get(row.evidence),
            is_open=row.issue_status in Issue.OPEN and row.issue_id not in younger,
        )
        for row in rows
    ]


def permitted(message: Message) -> QuerySet[Evidence]:
    """Evidence of the issues of which nobody has said that this message is about something else."""
    return Evidence.objects.exclude(issue__in=apart_issues(message))


def _latest_start(message: Message, project: Project) -> datetime:
    """An issue that began later is of another time: a report from before it came very late."""
    return message.sent_at + timedelta(hours=project.duplicate_window_hours)


def _younger(rows: Iterable[Reached], latest_start: datetime) -> set[int]:
    """Issues of which every report is later than that."""
    later = {row.issue_id for row in rows if row.sent_at > latest_start}
    if not later:
        return later
    old = Evidence.objects.filter(issue__in=later, message__sent_at__lte=latest_start)
    return later - set(old.values_list("issue", flat=True))
