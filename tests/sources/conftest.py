"""A Telegram source, recorded updates, and a stream that is empty."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from apps.sources.models import Project, Source
from apps.sources.webhooks import known_sources
from tasktracker.lib import bus, loop

FIXTURES = Path(__file__).parent / "fixtures"


def recorded(name: str) -> dict[str, Any]:
    """The recorded update of this name."""
    update: dict[str, Any] = json.loads((FIXTURES / "telegram" / f"{name}.json").read_text())
    return update


@pytest.fixture
def telegram_source(project: Project) -> Source:
    known_sources.forget()
    return Source.objects.create(project=project, kind="telegram", name="Bot")


@pytest.fixture
def stream() -> Callable[[], list[Any]]:
    """An empty stream; call it for what has come in since, as (subject, JSON)."""

    async def purge() -> None:
        connection = await bus._connection()
        await connection.stream.purge_stream(bus.STREAM)

    loop.run(purge(), timeout=10)

    def taken() -> list[Any]:
        deliveries = []
        while bus.pending():
            batch = bus.fetch(100, timeout=1)
            bus.acknowledge(batch)
            deliveries += batch
        return [(item.subject, json.loads(item.data)) for item in deliveries]

    return taken
