"""A file may be much larger than the memory, and most of it no message."""

import json
import tracemalloc

import pytest

from apps.messages import history
from apps.messages.history import publish_history
from apps.messages.models import Message
from apps.sources.models import Chat, Source
from tests.conftest import MONDAY

pytestmark = pytest.mark.django_db(transaction=True)

STORED = 4000
LONG = "Прод лежить, 502 на всіх сторінках. " * 40


def account(path, messages):
    """An account's export: 12 MB of what nobody imports, then one group."""
    rows = [
        {
            "id": number,
            "type": "message",
            "date_unixtime": "1772442000",
            "from": "Olena",
            "from_id": "user5",
            "text": LONG,
            "text_entities": [{"type": "plain", "text": LONG}],
        }
        for number in range(1, messages + 1)
    ]
    stories = [{"id": number, "caption": "довгий підпис " * 2000} for number in range(240)]
    group = {"name": "Dev", "type": "private_supergroup", "id": 5, "messages": rows}
    export = {"about": "", "stories": stories, "chats": {"list": [group]}}
    path.write_text(json.dumps(export, ensure_ascii=False), encoding="utf-8")
    return path.stat().st_size


@pytest.fixture
def stored(source):
    chat = Chat.objects.create(source=source, external_id="-1005")
    common = {"project": source.project, "source": source, "chat": chat, "sent_at": MONDAY}
    rows = (
        Message(external_id=f"-1005:{number}", status="noise", **common)
        for number in range(1, STORED + 1)
    )
    Message.objects.bulk_create(rows)


def test_an_archive_is_never_held_in_memory(source: Source, stored, tmp_path):
    path = tmp_path / "result.json"
    size = account(path, STORED)

    tracemalloc.start()
    try:
        summary = publish_history(path, source, lambda done, total: None)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (summary.read, summary.already_stored) == (STORED, STORED)
    assert size > 30_000_000
    assert peak < 15_000_000


def test_a_long_part_without_messages_tells_how_far_it_is(source: Source, tmp_path, monkeypatch):
    """Whoever reads it must hold its lease on, and hear of a cancellation."""
    monkeypatch.setattr(history, "CHUNK_BYTES", 1_000_000)
    path = tmp_path / "result.json"
    account(path, 0)
    told = []

    publish_history(path, source, lambda done, total: told.append(done))

    assert len(told) >= 10
    assert told == sorted(told)


def test_few_large_messages_are_a_chunk(source: Source, tmp_path, monkeypatch):
    monkeypatch.setattr(history, "CHUNK_BYTES", 50_000)
    path = tmp_path / "messages.jsonl"
    row = {"text": "log", "chat": "Dev", "more": "x" * 30_000}
    lines = (json.dumps({**row, "id": number}) for number in range(10))
    path.write_text("\n".join(lines))
    told = []

    publish_history(path, source, lambda done, total: told.append(done))

    assert len(told) >= 5
