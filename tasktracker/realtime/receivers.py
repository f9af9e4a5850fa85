"""Listens to the flow and tells browsers: one query per announcement, never one per row."""

import logging
import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.signals import post_save

from apps.exports.models import TaskExport
from apps.issues.models import Evidence, Issue
from apps.messages.models import ChatCommand, Message
from apps.sources.envelope import Envelope
from apps.sources.intake import envelopes_accepted
from apps.sources.models import Author, Chat, Project, Source, Webhook, chat_settled
from tasktracker.lib.workflow import status_changed
from tasktracker.realtime.broadcast import Announcement, publish, publish_many
from tasktracker.realtime.events import (
    EventType,
    StatsData,
    export_from_row,
    message_from_envelope,
    message_from_row,
    settings_from_row,
    task_from_row,
)

logger = logging.getLogger(__name__)

SETTINGS = frozenset({"config", "name", "kind", "is_active", "webhook_secret"})
WEBHOOK_SETTINGS = frozenset({"base_url", "url", "is_active"})
API_KIND = "api"  # sources that store directly
#: Seconds after which live updates of another process follow what was decided about a chat.
ROUTE_LASTS = 5.0


def connect() -> None:
    """Called once, when the apps are loaded."""
    envelopes_accepted.connect(tell_accepted, dispatch_uid="realtime")
    # Settings are saved by the admin, the API and commands alike, and nothing but this listens.
    post_save.connect(tell_settings, sender=Source, dispatch_uid="realtime")
    post_save.connect(tell_webhook, sender=Webhook, dispatch_uid="realtime")
    chat_settled.connect(forget_routes, sender=Chat, dispatch_uid="realtime")
    status_changed.connect(tell_messages, sender=Message, dispatch_uid="realtime")
    status_changed.connect(tell_issues, sender=Issue, dispatch_uid="realtime")
    status_changed.connect(tell_exports, sender=TaskExport, dispatch_uid="realtime")


def tell_accepted(envelopes: Sequence[Envelope], **_: Any) -> None:
    """Messages are safe in JetStream: show them at once, before they are stored."""
    publish_many(
        announcement
        for envelope in Author.admitted(envelopes)
        if not envelope.is_history and (announcement := _announcement_of(envelope))
    )


def _announcement_of(envelope: Envelope) -> Announcement | None:
    """None for what is not told, and for what cannot be: the others of the burst are told all the same."""
    try:
        return _of_accepted(envelope)
    except Exception:
        logger.exception("message %s was not told to browsers", envelope.message_id)
        return None


def _of_accepted(envelope: Envelope) -> Announcement | None:
    route = _route(
        envelope.source_id,
        envelope.chat.external_id,
        envelope.topic,
        int(time.monotonic() / ROUTE_LASTS),
    )
    if route is None or ChatCommand.is_one(envelope):
        return None
    data = message_from_envelope(
        envelope, project=route.project, source_name=route.source_name, chat_title=route.chat_title
    )
    return Announcement(route.project_id, EventType.MESSAGE_NEW, data)


def tell_messages(ids: Sequence[int], is_new: bool = False, **_: Any) -> None:
    """Stored or classified: what the row says now, whatever it was announced with.

    A message that was posted to the API never was in JetStream: for browsers it is new only now.
    """
    rows = (
        Message.objects.filter(pk__in=ids, is_superseded=False)
        .select_related("project", "source", "chat")
        .defer("raw")
        .order_by("pk")
    )
    live: list[Announcement] = []
    from_archive: list[Project] = []
    for row in rows:
        if row.is_history:
            from_archive.append(row.project)
        else:
            data = message_from_row(row)
            is_first = is_new and row.source.kind == API_KIND
            kind = EventType.MESSAGE_NEW if is_first else EventType.MESSAGE_UPDATED
            live.append(Announcement(row.project_id, kind, data))
    publish_many(live + _hints(from_archive))


def tell_issues(ids: Sequence[int], is_new: bool = False, **_: Any) -> None:
    """An issue that only an archive reports is no news; what becomes of it later is."""
    kind = EventType.TASK_CREATED if is_new else EventType.TASK_UPDATED
    no_news = Evidence.only_archived(ids) if is_new else set()
    told: list[Announcement] = []
    from_archive: list[Project] = []
    for row in with_source(Issue.objects.filter(pk__in=ids)).order_by("pk"):
        if row.pk in no_news:
            from_archive.append(row.project)
        else:
            data = task_from_row(row, source=row.source_name, reports=row.reports)
            told.append(Announcement(row.project_id, kind, data))
    publish_many(told + _hints(from_archive))


def _hints(from_archive: Iterable[Project]) -> list[Announcement]:
    """An archive of a hundred thousand messages must not flood anybody: the numbers changed, no more."""
    return [
        Announcement(
            project.pk,
            EventType.STATS,
            StatsData(project=project.slug, reason="history", count=count),
        )
        for project, count in Counter(from_archive).items()
    ]


def tell_exports(ids: Sequence[int], **_: Any) -> None:
    rows = TaskExport.objects.filter(pk__in=ids).select_related("tracker__project").order_by("pk")
    publish_many(
        Announcement(row.tracker.project_id, EventType.EXPORT_UPDATED, export_from_row(row))
        for row in rows
    )


def tell_settings(
    instance: Source, created: bool, update_fields: Collection[str] | None = None, **_: Any
) -> None:
    """A person changed a source; its position and its last error move without a word."""
    if not created and (update_fields is None or SETTINGS & set(update_fields)):
        publish(instance.project_id, EventType.SETTINGS_UPDATED, settings_from_row(instance))


def tell_webhook(instance: Webhook, update_fields: Collection[str] | None = None, **_: Any) -> None:
    """A webhook is a part of its source's settings; what the platform says of it is not."""
    if update_fields is None or WEBHOOK_SETTINGS & set(update_fields):
        source = instance.source
        publish(source.project_id, EventType.SETTINGS_UPDATED, settings_from_row(source))


def with_source(issues: "QuerySet[Issue]") -> "QuerySet[Any]":
    """With `source_name` (the source of the first report, else where it came from) and `reports`."""
    first = Evidence.objects.filter(issue=OuterRef("pk")).order_by("created_at", "id")
    return issues.select_related("project").annotate(
        source_name=Coalesce(
            Subquery(first.values("message__source__name")[:1]), F("origin"), Value("")
        ),
        reports=Count("evidence"),
    )


@dataclass(frozen=True)
class Route:
    project_id: int
    project: str
    source_name: str
    chat_title: str


@lru_cache(maxsize=2000)
def _route(source_id: int, chat_external_id: str, topic: str, period: int) -> Route | None:
    """Whose message it is; None when the chat is not read. `period` lets the answer grow old."""
    chat = Chat.find(source_id, chat_external_id)
    if chat is not None:
        if chat.state_of(topic) != Chat.State.ON:
            return None
        project = chat.project_of(topic)
        return Route(project.pk, project.slug, chat.source.name, chat.title)
    source = Source.objects.filter(pk=source_id).select_related("project").first()
    if source is None or source.asks_first:
        return None
    return Route(source.project_id, source.project.slug, source.name, "")


def forget_routes(**_: Any) -> None:
    """What is decided about a chat holds here with its commit."""
    transaction.on_commit(_route.cache_clear)
