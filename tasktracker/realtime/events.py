"""What goes out to browsers: typed payloads, and the builders that make them from rows.

`MessageData` and `TaskData` are the public contract's MessageResponse and TaskResponse with our fields
beside them. The API says "task" where the model says issue: the contract came first.
"""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self, TypedDict

from tasktracker.lib.text import shorten

if TYPE_CHECKING:
    from apps.exports.models import TaskExport
    from apps.issues.models import Issue
    from apps.messages.models import Message
    from apps.sources.envelope import Envelope
    from apps.sources.models import Source
    from tasktracker.realtime.models import Event

MAX_CONTENT = 2000  # characters of a text in a live frame; the API has all of it


class EventType(StrEnum):
    """Events that are stored, replayed, and can be named in a filter."""

    MESSAGE_NEW = "message.new"
    MESSAGE_UPDATED = "message.updated"
    TASK_CREATED = "task_created"
    TASK_UPDATED = "task_updated"
    EXPORT_UPDATED = "export_updated"
    SETTINGS_UPDATED = "settings_updated"
    STATS = "stats"


class MessageData(TypedDict):
    id: int  # 0 as long as the row does not exist
    external_message_id: str
    content: str
    author: str
    sent_at: str
    source_name: str
    analyzed: bool
    avatar_url: str | None
    persisted: bool
    # Ours
    project: str
    source_id: int
    chat: str
    chat_title: str
    edit: int
    kind: str
    status: str
    category: str
    priority: str
    confidence: float | None
    is_provisional: bool


class TaskData(TypedDict):
    id: int
    title: str
    description: str
    category: str
    priority: str
    source: str
    created_at: str
    status: str
    # Ours
    project: str
    confidence: float | None
    is_provisional: bool
    reports: int
    updated_at: str


class ExportData(TypedDict):
    id: int
    task_id: int
    project: str
    tracker: str
    kind: str
    status: str
    external_id: str
    external_url: str
    status_there: str
    assignee_there: str
    is_live: bool
    is_gone: bool


class SettingsData(TypedDict):
    """A source's settings were saved; the settings themselves never travel."""

    project: str
    source_id: int
    source_name: str
    kind: str
    is_active: bool


class StatsData(TypedDict):
    """A hint: the numbers have changed, ask for them again."""

    project: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One event on its way to the browsers; `text` is the finished frame."""

    seq: int
    project_id: int
    kind: str
    author: str
    source: str
    text: str

    @classmethod
    def from_row(cls, row: "Event") -> Self:
        return cls(
            seq=row.pk,
            project_id=row.project_id,
            kind=row.type,
            author=str(row.data.get("author", "")),
            source=str(row.data.get("source_name", row.data.get("source", ""))),
            text=frame(row.type, row.data, seq=row.pk),
        )

    @classmethod
    def from_layer(cls, message: dict[str, Any]) -> Self:
        return cls(**{name: message[name] for name in cls.__slots__})

    def to_layer(self) -> dict[str, Any]:
        return {"type": "live.event", **asdict(self)}


def frame(kind: str, data: Any, *, seq: int | None = None) -> str:
    """One websocket frame; only stored events have a number."""
    content = {"type": kind, "data": data}
    if seq is not None:
        content["seq"] = seq
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def message_from_envelope(
    envelope: "Envelope", *, project: str, source_name: str, chat_title: str
) -> MessageData:
    """The message as JetStream has it; its row does not exist yet."""
    return MessageData(
        id=0,
        external_message_id=own_number(envelope.external_id, envelope.chat.external_id),
        content=_cut(envelope.text),
        author=envelope.author_name,
        sent_at=envelope.sent_at.isoformat(),
        source_name=source_name,
        analyzed=False,
        avatar_url=envelope.avatar_url or None,
        persisted=False,
        project=project,
        source_id=envelope.source_id,
        chat=envelope.chat.external_id,
        chat_title=envelope.chat.title or chat_title,
        edit=envelope.edit,
        kind=envelope.kind,
        status="pending",
        category="",
        priority="",
        confidence=None,
        is_provisional=False,
    )


def message_from_row(message: "Message") -> MessageData:
    """Needs project, source and chat of the row, selected with it."""
    return MessageData(
        id=message.pk,
        external_message_id=own_number(message.external_id, message.chat.external_id),
        content=_cut(message.text),
        author=message.author,
        sent_at=message.sent_at.isoformat(),
        source_name=message.source.name,
        analyzed=message.status != message.Status.RECEIVED,
        avatar_url=message.avatar_url or None,
        persisted=True,
        project=message.project.slug,
        source_id=message.source_id,
        chat=message.chat.external_id,
        chat_title=message.chat.title,
        edit=message.edit,
        kind=message.kind,
        status=message.status,
        category=message.category,
        priority=message.priority,
        confidence=message.confidence,
        is_provisional=message.is_provisional,
    )


def task_from_row(issue: "Issue", *, source: str, reports: int) -> TaskData:
    """Needs the project of the row, selected with it."""
    return TaskData(
        id=issue.pk,
        title=issue.title,
        description=_cut(issue.description),
        category=issue.category,
        priority=issue.priority,
        source=source,
        created_at=issue.created_at.isoformat(),
        status=issue.status,
        project=issue.project.slug,
        confidence=issue.confidence,
        is_provisional=issue.is_provisional,
        reports=reports,
        updated_at=issue.updated_at.isoformat(),
    )


def export_from_row(export: "TaskExport") -> ExportData:
    """Needs the tracker with its project, selected with the row."""
    return ExportData(
        id=export.pk,
        task_id=export.issue_id,
        project=export.tracker.project.slug,
        tracker=export.tracker.name,
        kind=export.tracker.kind,
        status=export.status,
        external_id=export.external_id,
        external_url=export.external_url,
        status_there=export.status_there,
        assignee_there=export.assignee_there,
        is_live=export.is_live,
        is_gone=export.is_gone,
    )


def settings_from_row(source: "Source") -> SettingsData:
    return SettingsData(
        project=source.project.slug,
        source_id=source.pk,
        source_name=source.name,
        kind=source.kind,
        is_active=source.is_active,
    )


def own_number(external_id: str, chat_external_id: str) -> str:
    """The platform's number of a message, unique together with its chat."""
    return external_id.removeprefix(f"{chat_external_id}:")


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CONTENT else shorten(text, MAX_CONTENT)
