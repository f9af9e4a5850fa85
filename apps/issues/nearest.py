"""The reports of a project that are nearest in meaning: exactly, or through an index when it is very large."""

from collections.abc import Collection
from datetime import timedelta

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Cast
from pgvector.django import CosineDistance, HalfVectorField

from apps.issues.dedup.base import Vector
from apps.issues.models import Evidence, ReportVector
from apps.issues.vector_index import EXACT_UP_TO, Index
from apps.messages.models import Message
from apps.sources.models import Project
from tasktracker.lib import embeddings

NEAREST = 20  # reports by meaning that are looked at
SEARCH_WIDTH = (
    1000  # of the graph, ef_search: the most that pgvector can; recall before milliseconds
)

Found = dict[int, float]  # cosine similarity by evidence id


def nearest(
    message: Message, project: Project, vector: Vector, *, apart: Collection[int] = ()
) -> Found:
    """Reports of open issues, and of those closed a short time ago, except the issues in `apart`."""
    rows = _permitted(message, project, apart)
    near = _nearest_open(rows.filter(is_open=True), message, project, vector)
    if project.closed_issue_days:
        since = message.sent_at - timedelta(days=project.closed_issue_days)
        near |= exact(rows.filter(closed_at__gte=since), vector)
    best = sorted(near.items(), key=lambda item: -item[1])
    return dict(best[:NEAREST])


def exact(rows: QuerySet[ReportVector], vector: Vector) -> Found:
    """Every row is compared."""
    near = rows.annotate(distance=CosineDistance("vector", vector)).order_by("distance")
    return _similarities(near)


def through_index(rows: QuerySet[ReportVector], index: Index, vector: Vector) -> Found:
    """As `exact`, but from node to node of the graph; goes on while the filters leave too few."""
    column = Cast("vector", HalfVectorField(dimensions=index.dimensions))
    near = rows.annotate(distance=CosineDistance(column, vector)).order_by("distance")
    with transaction.atomic(), connection.cursor() as cursor:
        # Without it the planner may sort tens of thousands of distances.
        cursor.execute(
            "SELECT set_config('hnsw.ef_search', %s, true), set_config('enable_sort', 'off', true),"
            " set_config('hnsw.iterative_scan', 'relaxed_order', true)",
            [str(SEARCH_WIDTH)],
        )
        found = _similarities(near)
        cursor.execute("SET LOCAL enable_sort = on")  # the transaction may go on
    return found


def _nearest_open(
    rows: QuerySet[ReportVector], message: Message, project: Project, vector: Vector
) -> Found:
    index = Index(project.pk, embeddings.model_name(), len(vector))
    if not index.is_ready() or _is_small(message, project):
        return exact(rows, vector)
    found = through_index(rows, index, vector)
    # Filters that leave hardly anything of a large index: then nothing may be missed.
    return found if len(found) == NEAREST else exact(rows, vector)


def _is_small(message: Message, project: Project) -> bool:
    """Whether few open reports are inside the window; counts no further than it must."""
    rows = _inside(message, project).filter(is_open=True)
    return not rows.values("pk")[EXACT_UP_TO : EXACT_UP_TO + 1].exists()


def _permitted(
    message: Message, project: Project, apart: Collection[int]
) -> QuerySet[ReportVector]:
    # "+1" is like every other "+1".
    rows = _inside(message, project).exclude(level__in=Evidence.FOLLOW_UPS)
    if apart:
        rows = rows.exclude(issue_id__in=apart)
    if message.alert_key:
        # Two alerts with other names are alike in every word but the one that matters.
        alike = Evidence.objects.filter(
            pk=OuterRef("evidence_id"), message__alert_key__in=["", message.alert_key]
        )
        rows = rows.filter(Exists(alike))
    return rows


def _inside(message: Message, project: Project) -> QuerySet[ReportVector]:
    """Inside the window of similar meaning; PostgreSQL counts these from an index alone."""
    age = timedelta(days=project.open_issue_days)
    return ReportVector.objects.filter(
        project_id=project.pk,
        model=embeddings.model_name(),
        sent_at__range=(message.sent_at - age, message.sent_at + age),
    )


def _similarities(near: QuerySet[ReportVector]) -> Found:
    found = near.values_list("evidence_id", F("distance"))[:NEAREST]
    return {evidence: 1.0 - distance for evidence, distance in found}
