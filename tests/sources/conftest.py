"""A Telegram source, recorded updates, and a stream that is empty."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.sources.models import Project, Source
from apps.sources.webhooks import known_sources
from tests.lib.jetstream import empty_the_stream, take_all
from tests.stubs.telegram import TOKEN, TelegramServer

FIXTURES = Path(__file__).parent / "fixtures"


def recorded(name: str) -> dict[str, Any]:
    """The recorded update of this name."""
    update: dict[str, Any] = json.loads((FIXTURES / "telegram" / f"{name}.json").read_text())
    return update


def numbered(name: str, number: int) -> dict[str, Any]:
    """The recorded update, and its message, under this number."""
    update = {**recorded(name), "update_id": number}
    if "message" in update:
        update["message"]["message_id"] = number
    return update


@pytest.fixture
def bot(transactional_db: None, project: Project, telegram: TelegramServer) -> Source:
    return Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN}
    )


@pytest.fixture
def telegram_source(project: Project) -> Source:
    known_sources.forget()
    return Source.objects.create(project=project, kind="telegram", name="Bot")


@pytest.fixture
def stream() -> Callable[[], list[Any]]:
    """An empty stream; call it for what has come in since, as (subject, JSON)."""

    empty_the_stream()

    def taken() -> list[Any]:
        return [(item.subject, json.loads(item.data)) for item in take_all()]

    return taken
