"""What a tracker says of an issue, by minutes after noon."""

from datetime import UTC, datetime, timedelta
from typing import Any

from apps.exports.models import TaskExport
from apps.exports.trackers.base import RemoteState
from apps.issues.models import Issue

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def state(
    export: TaskExport, status: str = "approved", *, after: float = 0.0, **said: Any
) -> RemoteState:
    values: dict[str, Any] = {"title": "Прод лежить", "status_name": status.title(), **said}
    return RemoteState("T-1", at(after), key=export.uuid, status=status, **values)


def issue_of(export: TaskExport) -> Issue:
    return Issue.objects.get(pk=export.issue_id)
