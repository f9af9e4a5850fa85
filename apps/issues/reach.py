"""What a new report is compared with, read by one statement: one message after another waits for it."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from apps.issues.models import Evidence, Issue
from apps.messages.models import Message, read_vector
from apps.sources.models import Project
from tasktracker.lib import embeddings

RECENT = 200  # reports inside the window of similar words that are looked at

_REPORTS = """
    SELECT m.id, m.project_id, m.text, m.text_hash, extract(epoch FROM m.sent_at)::float8 AS sent_at,
        m.category, m.chat_id, m.topic, m.author_id, m.reply_to_id, e.id AS evidence, e.issue_id,
        i.status
    FROM chat_messages_message m
    JOIN issues_evidence e ON e.message_id = m.id
    JOIN issues_issue i ON i.id = e.issue_id
"""
#: Evidence of open issues of the last `open_issue_days`, and of those closed in the last `closed_issue_days`.
_IN_REACH = f"""{_REPORTS}
    WHERE m.project_id = %(project)s AND i.project_id = %(project)s
        AND m.sent_at BETWEEN %(first)s AND %(last)s
        AND (i.status = ANY(%(open)s)
            OR i.status = ANY(%(closed)s) AND i.status_changed_at >= %(closed_since)s)
        AND e.level <> ALL(%(follow_ups)s) AND i.id <> ALL(%(apart)s)
        -- Two alerts with other names are alike in every word but the one that matters.
        AND (%(alert)s = '' OR m.alert_key IN ('', %(alert)s))
"""
#: The newest of similar words, those of the same text however many are newer, and the nearest.
_STATEMENT = f"""
WITH found AS (
    ({_IN_REACH} AND m.sent_at BETWEEN %(recent_first)s AND %(recent_last)s
        ORDER BY m.sent_at DESC LIMIT %(limit)s)
    UNION ALL
    ({_IN_REACH} AND %(hash)s <> '' AND m.text_hash = %(hash)s
        ORDER BY m.sent_at DESC LIMIT %(limit)s)
    UNION ALL
    ({_REPORTS} WHERE e.id = ANY(%(nearest)s))
)
SELECT found.*, vector_send(b.vector)
FROM found LEFT JOIN chat_messages_embedding b ON b.message_id = found.id AND b.model = %(model)s
"""  # noqa: S608 - only constants


class Reached(NamedTuple):
    """A report of an issue, with what of its message is compared."""

    pk: int
    project_id: int
    text: str
    text_hash: str
    sent_at: datetime
    category: str
    chat_id: int
    topic: str
    author_id: str
    reply_to_id: int | None
    evidence: int
    issue_id: int
    issue_status: str
    vector: Any


_EVIDENCE = Reached._fields.index("evidence")
_SENT_AT = Reached._fields.index("sent_at")


def read_a_little() -> None:
    """For this transaction: a few hundred rows by their indexes, not whole tables by many workers."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('random_page_cost', '1.1', true),"
            " set_config('max_parallel_workers_per_gather', '0', true)"
        )


def reached(
    message: Message, project: Project, *, apart: Collection[int], nearest: Iterable[int]
) -> list[Reached]:
    """Each once, in the order in which they became evidence; `nearest` was found by meaning."""
    age = timedelta(days=project.open_issue_days)
    window = timedelta(hours=project.duplicate_window_hours)
    closed_for = timedelta(days=project.closed_issue_days)
    values: dict[str, Any] = {
        "project": project.pk,
        "first": message.sent_at - age,
        "last": message.sent_at + age,
        "open": sorted(Issue.OPEN),
        "closed": sorted(Issue.CLOSED) if closed_for else [],
        "closed_since": message.sent_at - closed_for,
        "follow_ups": sorted(Evidence.FOLLOW_UPS),
        "apart": sorted(apart),
        "alert": message.alert_key,
        "recent_first": message.sent_at - window,
        "recent_last": message.sent_at + window,
        "hash": message.text_hash,
        "limit": RECENT,
        "nearest": list(nearest),
        "model": embeddings.model_name(),
    }
    with connection.cursor() as cursor:
        cursor.execute(_STATEMENT, values)
        rows = {row[_EVIDENCE]: row for row in cursor.fetchall()}
    return [_reached(rows[evidence]) for evidence in sorted(rows)]


def _reached(row: tuple[Any, ...]) -> Reached:
    # The time is read as a number, which is much quicker.
    sent_at = datetime.fromtimestamp(row[_SENT_AT], UTC)
    return Reached._make((*row[:_SENT_AT], sent_at, *row[_SENT_AT + 1 : -1], read_vector(row[-1])))
