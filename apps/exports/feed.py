"""Tasks as JSON, made from our own rows: files and addresses of a tracker are never opened for it."""

from collections.abc import Iterator

from django.db.models import QuerySet

from apps.exports.models import TaskExport
from apps.exports.payload import build_payload
from apps.exports.trackers.json_file import document, in_words

AT_ONCE = 100  # rows


def lines(exports: QuerySet[TaskExport]) -> Iterator[bytes]:
    """JSON lines of what is there, oldest first, some rows at a time; each fits `issue.schema.json`."""
    created = exports.filter(status=TaskExport.Status.CREATED, is_live=True).order_by("pk")
    created = created.select_related("issue__project", "tracker").defer(
        "tracker__config", "tracker__credentials"
    )
    last = 0
    while rows := list(created.filter(pk__gt=last)[:AT_ONCE]):
        last = rows[-1].pk
        yield "".join(f"{document_of(row, indent=None)}\n" for row in rows).encode()


def document_of(export: TaskExport, *, indent: int | None = 2) -> str:
    """What the issue says now, under the name that the export has."""
    payload = build_payload(export.issue, export.tracker)
    return in_words(document(payload, export.uuid), indent=indent)
