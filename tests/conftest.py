"""A project with a source and a chat, and makers of envelopes, messages and issues."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase
from django.utils import timezone, translation

from apps.exports.models import TaskExport, Tracker
from apps.issues.models import Evidence, Issue
from apps.messages.models import Message
from apps.sources.envelope import ChatReference, Envelope
from apps.sources.intake import telling
from apps.sources.models import Chat, Project, Source
from tasktracker.lib import bus, vector_cache
from tests.stubs.telegram import TelegramServer, telegram_server

#: What `migrate` writes for every model: the same each time, and slow to write anew after each flush.
KEPT = {"django_content_type", "auth_permission"}
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def _bus() -> Iterator[None]:
    """The connection ends with the session, before the server does."""
    yield
    bus.close()


@pytest.fixture(scope="session", autouse=True)
def _flush() -> Iterator[None]:
    """Tests with transactions of their own leave the database as Django's flush would.

    With DELETE: a test leaves few rows, and TRUNCATE makes new files for each of fifty tables. The lock
    waits, as TRUNCATE does, for whoever still writes.
    """

    def flush(case: TransactionTestCase) -> None:
        telling.settle(timeout=120)
        names = connection.introspection.django_table_names(only_existing=True, include_views=False)
        tables = sorted(connection.ops.quote_name(name) for name in set(names) - KEPT)
        deletions = "; ".join(f"DELETE FROM {table}" for table in tables)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE; {deletions}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flush)
        yield


@pytest.fixture
def telegram(settings: Any) -> Iterator[TelegramServer]:
    """The Bot API, at which every bot of this test asks."""
    with telegram_server() as server:
        settings.TELEGRAM_API_URL = server.url
        yield server


@pytest.fixture(autouse=True)
def _own_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that gives vectors of its own must not leave them in Valkey for the next one."""
    monkeypatch.setattr(vector_cache, "NAME", f"vectors-{uuid4().hex}")


@pytest.fixture(autouse=True)
def _own_language() -> Iterator[None]:
    """A page in Ukrainian leaves its language to the thread, and to the next test."""
    yield
    translation.deactivate()


@pytest.fixture
def project(db: None) -> Project:
    return Project.objects.create(name="Smachno", slug="smachno")


@pytest.fixture
def other_project(db: None) -> Project:
    return Project.objects.create(name="Kvit Bank", slug="kvit")


@pytest.fixture
def source(project: Project) -> Source:
    return Source.objects.create(project=project, kind="file_import", name="Dev chat")


@pytest.fixture
def chat(source: Source) -> Chat:
    return Chat.objects.create(source=source, external_id="-100500", title="Dev chat")


@pytest.fixture
def make_envelope(source: Source) -> Callable[..., Envelope]:
    numbers = count(1)

    def make(text: str = "Прод лежить, 502 на всіх сторінках", **changes: Any) -> Envelope:
        number = next(numbers)
        values: dict[str, Any] = {
            "source_id": source.pk,
            "external_id": f"-100500:{number}",
            "chat": ChatReference(external_id="-100500", title="Dev chat", kind="supergroup"),
            "author_id": "7",
            "author_name": "Олена",
            "text": text,
            "sent_at": MONDAY + timedelta(minutes=number),
        }
        return Envelope(**{**values, **changes})

    return make


@pytest.fixture
def make_message(chat: Chat) -> Callable[..., Message]:
    numbers = count(1)

    def make(text: str = "Прод лежить, 502 на всіх сторінках", **changes: Any) -> Message:
        number = next(numbers)
        envelope = Envelope(
            source_id=chat.source_id,
            external_id=f"-100500:m{number}",
            chat=ChatReference(external_id=chat.external_id),
            author_id="7",
            author_name="Олена",
            text=text,
            sent_at=MONDAY + timedelta(minutes=number),
        )
        message = Message.from_envelope(envelope, chat)
        message.due_at = None
        for name, value in changes.items():
            setattr(message, name, value)
        message.save()
        return message

    return make


@pytest.fixture
def make_issue(project: Project) -> Callable[..., Issue]:
    def make(
        title: str = "Прод лежить", *, message: Message | None = None, **changes: Any
    ) -> Issue:
        values: dict[str, Any] = {
            "project": project,
            "title": title,
            "category": "bug",
            "priority": "high",
            "confidence": 0.9,
            "reported_at": timezone.now(),
        }
        issue = Issue.objects.create(**{**values, **changes})
        if message is not None:
            Evidence.objects.create(issue=issue, message=message, level=Evidence.Level.OPENED)
        return issue

    return make


@pytest.fixture
def tracker(project: Project) -> Tracker:
    return Tracker.objects.create(project=project, kind="json", name="JSON")


@pytest.fixture
def make_export(tracker: Tracker, make_issue: Callable[..., Issue]) -> Callable[..., TaskExport]:
    def make(issue: Issue | None = None, **changes: Any) -> TaskExport:
        wanted = issue or make_issue(status=Issue.Status.APPROVED)
        return TaskExport.objects.create(**{"issue": wanted, "tracker": tracker, **changes})

    return make
