"""What every loss test counts on: the real collector and ingester beside a platform that breaks off."""

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from apps.messages.ingest import Arrival, ingest
from apps.messages.models import Message
from apps.sources import collect
from apps.sources.collect import Collector
from tasktracker.lib import bus

#: 1000 takes a quarter of a minute on an idle machine.
MESSAGES = int(os.environ.get("LOSS_MESSAGES", "200"))
ROUNDS = 10


class Troubles:
    """A collector that is stopped and begun again, and a JetStream that goes away and comes back."""

    def __init__(self, settings: Any, monkeypatch: Any) -> None:
        self.settings = settings
        self.nats_url = settings.NATS_URL
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

    def lose_jetstream(self) -> None:
        bus.close()
        self.settings.NATS_URL = "nats://127.0.0.1:1"

    def find_jetstream(self) -> None:
        self.settings.NATS_URL = self.nats_url


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
        if number % len(breaks) == 0 or number % 3 == 0:
            breaks[number % len(breaks)]()
        written.extend(write(one) for one in batch[half:])
        for after, words in ((1.0, "раз"), (2.0, "двічі")):
            edit(written[-1], f"№{len(written) - 1} {words}", after)

    async def run() -> None:
        await troubles.begin()
        for number in range(ROUNDS):
            if number % 5 == 2:
                troubles.lose_jetstream()
            if number % 5 == 4:
                await troubles.end()
            await asyncio.to_thread(one_round, number)
            if number % 5 == 3:
                troubles.find_jetstream()
            if number % 5 == 4:
                await troubles.begin()
        # What is missing now would never come.
        async with asyncio.timeout(120):
            while await sync_to_async(_store)(stream) < MESSAGES:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await troubles.end()
        await sync_to_async(connections.close_all)()

    asyncio.run(run())
    _store(stream)
    _check(ROUNDS)


def _store(stream: Callable[[], list[Any]]) -> int:
    """Ingest what came; how many messages there are."""
    found = stream()
    if found:
        ingest([Arrival(json.dumps(item).encode(), subject) for subject, item in found])
    return Message.objects.values("external_id").distinct().count()


def _check(edited: int) -> None:
    standing = Message.objects.filter(is_superseded=False)
    numbers = sorted(int(row.text.lstrip("№").split()[0]) for row in standing)
    assert numbers == list(range(MESSAGES))  # every one, once
    last_words = [row.text.split()[1] for row in standing if " " in row.text]
    assert last_words == ["двічі"] * edited
