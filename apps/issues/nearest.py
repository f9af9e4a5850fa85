"""The reports of a project that are nearest in meaning: exactly, or through an index when it is very large."""

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from pgvector import HalfVector

from apps.issues.dedup.base import Vector
from apps.issues.models import Evidence
from apps.issues.vector_index import EXACT_UP_TO, Index
from apps.messages.models import Message
from apps.sources.models import Project
from tasktracker.lib import embeddings

NEAREST = 30  # reports by meaning that are looked at
SEARCH_WIDTH = (
    1000  # of the graph, ef_search: the most that pgvector can; recall before milliseconds
)

Found = dict[int, float]  # cosine similarity by evidence id
Values = Mapping[str, Any]

#: PostgreSQL counts these from an index alone.
_INSIDE = """
    FROM issues_reportvector v
    WHERE project_id = %(project)s AND model = %(model)s AND sent_at BETWEEN %(first)s AND %(last)s
"""
_PERMITTED = f"""{_INSIDE}
    AND level <> ALL(%(follow_ups)s) -- "+1" is like every other "+1"
    AND issue_id <> ALL(%(apart)s)
"""
# Two alerts with other names are alike in every word but the one that matters.
_ALIKE_ALERTS = """
    AND EXISTS (
        SELECT FROM issues_evidence e JOIN chat_messages_message m ON m.id = e.message_id
        WHERE e.id = v.evidence_id AND m.alert_key IN ('', %(alert)s)
    )
"""


def nearest(
    message: Message, project: Project, vector: Vector, *, apart: Collection[int] = ()
) -> Found:
    """Reports of open issues, and of those closed a short time ago, except the issues in `apart`."""
    age = timedelta(days=project.open_issue_days)
    closed_for = timedelta(days=project.closed_issue_days)
    values = {
        "project": project.pk,
        "model": embeddings.model_name(),
        "vector": HalfVector(vector).to_text(),
        "first": message.sent_at - age,
        "last": message.sent_at + age,
        "follow_ups": sorted(Evidence.FOLLOW_UPS),
        "apart": sorted(apart),
        "alert": message.alert_key,
        "closed_since": message.sent_at - closed_for if closed_for else None,
        "limit": NEAREST,
    }
    index = Index(project.pk, embeddings.model_name(), len(vector))
    with transaction.atomic(savepoint=False):
        if not index.is_ready() or _are_few(values):
            return exact(values)
        found = through_index(values, index)
        # Filters that leave hardly anything of a large index: then nothing may be missed.
        return exact(values) if found is None else found


def exact(values: Values) -> Found:
    """Every report inside the window is compared."""
    return _best(_read(values, "vector <=> %(vector)s::halfvec"))


def through_index(values: Values, index: Index) -> Found | None:
    """From node to node of the graph, on and on while the filters leave too few; None for too few."""
    kind = f"halfvec({index.dimensions})"
    with connection.cursor() as cursor:
        # Without the last one the planner may sort tens of thousands of distances.
        cursor.execute(
            "SELECT set_config('hnsw.ef_search', %s, true),"
            " set_config('hnsw.iterative_scan', 'relaxed_order', true),"
            " set_config('enable_sort', 'off', true)",
            [str(SEARCH_WIDTH)],
        )
        rows = _read(values, f"vector::{kind} <=> %(vector)s::{kind}")
        cursor.execute("SET LOCAL enable_sort = on")  # the transaction may go on
    is_enough = sum(is_open for _evidence, _distance, is_open in rows) == NEAREST
    return _best(rows) if is_enough else None


def _are_few(values: Values) -> bool:
    """Whether the exact scan is quick enough; counts open reports no further than it must."""
    beyond = f"SELECT 1 {_INSIDE} AND is_open OFFSET {EXACT_UP_TO} LIMIT 1"
    with connection.cursor() as cursor:
        cursor.execute(beyond, values)
        return cursor.fetchone() is None


def _read(values: Values, distance: str) -> list[tuple[int, float, bool]]:
    permitted = _PERMITTED + (_ALIKE_ALERTS if values["alert"] else "")
    near = f"SELECT evidence_id, {distance} AS distance, is_open {permitted}"
    nearest_first = "ORDER BY distance LIMIT %(limit)s"
    statement = f"({near} AND is_open {nearest_first})"
    if values["closed_since"] is not None:
        statement += f" UNION ALL ({near} AND closed_at >= %(closed_since)s {nearest_first})"
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows: list[tuple[int, float, bool]] = cursor.fetchall()
    return rows


def _best(rows: Collection[tuple[int, float, bool]]) -> Found:
    nearest_first = sorted(rows, key=lambda row: row[1])[:NEAREST]
    return {evidence: 1.0 - distance for evidence, distance, _is_open in nearest_first}
