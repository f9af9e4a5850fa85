"""What every loss test counts on: the real collector and ingester beside a platform that breaks off."""

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from apps.messages.ingest import Arrival, ingest
from apps.messages.models import Message
from apps.sources import collect
from apps.sources.collect import Collector
from apps.sources.intake import telling
from apps.sources.models import Chat, Source
from tests.lib.jetstream import jetstream_away
from tests.sources.listening import caught_up, until

#: 1000 takes a quarter of a minute on an idle machine.
MESSAGES = int(os.environ.get("LOSS_MESSAGES", "200"))
ROUNDS = 8
WITHOUT_JETSTREAM = 2
WITHOUT_COLLECTOR = 5
PATIENCE = float(os.environ.get("LOSS_PATIENCE", "120"))  # seconds; what is missing then is lost


class Troubles:
    """A collector that is stopped and begun again, and a JetStream that goes away and comes back."""

    def __init__(self, monkeypatch: Any, is_heard: Callable[[], bool]) -> None:
        self.is_heard = is_heard
        self.away = ExitStack()
        monkeypatch.setattr(collect, "STANDBY", 0.05)
        monkeypatch.setattr(collect, "ROUND", 0.05)
        monkeypatch.setattr(collect, "_jittered", lambda longest, failures: 0.1)
        self.stop = asyncio.Event()
        self.running: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        self.stop = asyncio.Event()
        collector = Collector(on_round=lambda: None)
        self.running = asyncio.create_task(collector.run(self.stop))

    async def end(self) -> None:
        self.stop.set()
        if self.running is not None:
            await self.running

    async def before(self, number: int) -> None:
        """In one round JetStream is away, in another nobody listens; in all others somebody does."""
        if number == WITHOUT_JETSTREAM:
            await sync_to_async(telling.settle)(timeout=30)
            self.away.enter_context(jetstream_away())
        elif number == WITHOUT_COLLECTOR:
            await self.end()
            await until(lambda: not self.is_heard())
        else:
            await until(self.is_heard)

    async def after(self, number: int) -> None:
        if number == WITHOUT_JETSTREAM:
            while "JetStream" not in (await Source.objects.aget()).last_error:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            self.away.close()
        if number == WITHOUT_COLLECTOR:
            await self.begin()


def read(source: Source, *channels: str) -> None:
    """Without asking a person first."""
    for channel in channels:
        Chat.objects.create(source=source, external_id=channel)


def lose_nothing(
    troubles: Troubles,
    *,
    write: Callable[[int], Any],
    edit: Callable[[Any, str, float], None],
    breaks: list[Callable[[], None]],
    stream: Callable[[], list[Any]],
) -> None:
    """Write, break and edit in turns; every message is stored once, with its last words."""
    written: list[Any] = []

    def one_round(number: int) -> None:
        batch = range(number * MESSAGES // ROUNDS, (number + 1) * MESSAGES // ROUNDS)
        half = len(batch) // 2
        written.extend(write(one) for one in batch[:half])
        breaks[number % len(breaks)]()
        written.extend(write(one) for one in batch[half:])
        for after, words in ((1.0, "раз"), (2.0, "двічі")):
            edit(written[-1], f"№{len(written) - 1} {words}", after)

    async def run() -> None:
        await troubles.begin()
        await caught_up()
        for number in range(ROUNDS):
            if number == WITHOUT_JETSTREAM:  # a connection that is in use cannot be closed cleanly
                await _stored(stream, len(written) + number)
            await troubles.before(number)
            await asyncio.to_thread(one_round, number)
            await troubles.after(number)
        await _stored(stream, MESSAGES + ROUNDS)
        await troubles.end()
        await sync_to_async(connections.close_all)()

    asyncio.run(run())
    _check()


async def _stored(stream: Callable[[], list[Any]], count: int) -> None:
    """Wait until so much is stored."""
    async with asyncio.timeout(PATIENCE):
        while await sync_to_async(_store)(stream) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _store(stream: Callable[[], list[Any]]) -> int:
    """Ingest what came; how many messages there are, and how many last words."""
    found = stream()
    if found:
        ingest([Arrival(json.dumps(item).encode(), subject) for subject, item in found])
    messages = Message.objects.values("external_id").distinct().count()
    return messages + Message.objects.filter(text__endswith="двічі").count()


def _check() -> None:
    standing = list(Message.objects.filter(is_superseded=False).order_by("sent_at"))
    numbers = sorted(int(row.text.lstrip("№").split()[0]) for row in standing)
    assert numbers == list(range(MESSAGES))  # every one, once
    assert [row.text for row in standing if row.deleted_at] == []
    assert [row.text.split()[1] for row in standing if " " in row.text] == ["двічі"] * ROUNDS
