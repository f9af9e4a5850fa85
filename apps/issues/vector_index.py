"""Indexes over the vectors of very large projects: each for one project and one embedding model.

An index of its own holds the open reports of the project and nothing else, so a large neighbour costs
nothing, and a project without many reports has none. They are built beside the running system
(`CREATE INDEX CONCURRENTLY`), hourly and by `manage.py index_vectors`.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from django.db import connection
from django.db.models import Count, Func, IntegerField
from psycopg import sql

from apps.issues.models import ReportVector

logger = logging.getLogger(__name__)

EXACT_UP_TO = 10_000  # open reports in the window; up to here the exact scan takes about 10 ms
#: Measured on 100,000 reports in tight clusters (docs/duplicates.md, Speed): with pgvector's own 16 and
#: 64 whole clusters cannot be reached.
LINKS, BUILD_WIDTH = 32, 256  # of the graph: m and ef_construction
MOST_DIMENSIONS = 4000  # that pgvector can index as halfvec
MEMORY = "512MB"  # for building
LOCK = 0x7665  # the advisory lock: one builder at a time

PREFIX = "report_vector_"


class Index(NamedTuple):
    """An index over the open reports of a project with vectors of one model."""

    project_id: int
    model: str
    dimensions: int

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.project_id}_{hashlib.sha256(self.model.encode()).hexdigest()[:12]}"

    def is_ready(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [self.name]
            )
            row = cursor.fetchone()
        return row is not None and bool(row[0])


def build_missing() -> list[Index]:
    """Bring the indexes up to what the projects need; returns those that were built."""
    with _alone() as is_ours:
        if not is_ours:
            return []
        large = list(_large())
        valid = _names(valid=True)
        for name in _names() - (valid & {index.name for index, _reports in large}):
            drop(name)
        missing = [
            index for index, reports in large if reports > _limit() and index.name not in valid
        ]
        for index in missing:
            build(index)
    return missing


def _large() -> Iterator[tuple[Index, int]]:
    """What has, or may keep, an index, with its open reports.

    Kept down to half of what one is built for: a project near the limit would get a new one every day.
    """
    large = (
        ReportVector.objects.filter(is_open=True)
        .values("project_id", "model")
        .annotate(reports=Count("pk"))
        .filter(reports__gt=_limit() // 2)
    )
    for project_id, model, reports in large.values_list("project_id", "model", "reports"):
        some = ReportVector.objects.filter(project_id=project_id, model=model, is_open=True)
        dimensions = some.values_list(_dimensions(), flat=True).first()
        if dimensions is not None and dimensions <= MOST_DIMENSIONS:
            yield Index(project_id, model, dimensions), reports


def _dimensions() -> Func:
    return Func("vector", function="vector_dims", output_field=IntegerField())


def _limit() -> int:
    """Built a little before it is used, so that it is there when it is."""
    return EXACT_UP_TO * 8 // 10


def build(index: Index) -> None:
    logger.info("building %s over %d dimensions", index.name, index.dimensions)
    statement = sql.SQL(
        "CREATE INDEX {concurrently} {name} ON issues_reportvector USING hnsw"
        " ((vector::halfvec({dimensions})) halfvec_cosine_ops)"
        " WITH (m = {links}, ef_construction = {width})"
        " WHERE project_id = {project} AND model = {model} AND is_open"
    ).format(
        concurrently=_concurrently(),
        name=sql.Identifier(index.name),
        dimensions=sql.Literal(index.dimensions),
        links=sql.Literal(LINKS),
        width=sql.Literal(BUILD_WIDTH),
        project=sql.Literal(index.project_id),
        model=sql.Literal(index.model),
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('maintenance_work_mem', %s, false)", [MEMORY])
        # Parallel builders need shared memory, of which a container has 64 MB.
        cursor.execute("SET max_parallel_maintenance_workers = 0")
        try:
            cursor.execute(statement.as_string())
        finally:
            if not connection.needs_rollback:
                cursor.execute("RESET maintenance_work_mem")
                cursor.execute("RESET max_parallel_maintenance_workers")


def drop(name: str) -> None:
    logger.info("dropping %s", name)
    statement = sql.SQL("DROP INDEX {concurrently} IF EXISTS {name}")
    with connection.cursor() as cursor:
        cursor.execute(
            statement.format(concurrently=_concurrently(), name=sql.Identifier(name)).as_string()
        )


def _concurrently() -> sql.SQL:
    """PostgreSQL refuses it inside a transaction, where nobody else would see the index anyway."""
    return sql.SQL("" if connection.in_atomic_block else "CONCURRENTLY")


def _names(*, valid: bool = False) -> set[str]:
    """Our indexes; an interrupted build leaves one that is not valid."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " JOIN pg_am a ON a.oid = c.relam"
            " WHERE i.indrelid = 'issues_reportvector'::regclass AND a.amname = 'hnsw'"
            " AND (i.indisvalid OR NOT %s)",
            [valid],
        )
        return {name for (name,) in cursor.fetchall()}


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether nobody else is building at this moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        (is_ours,) = cursor.fetchone() or (False,)
        try:
            yield is_ours
        finally:
            if is_ours and not connection.needs_rollback:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
