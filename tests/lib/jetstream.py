"""JetStream: empty, taken from, or away for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings

from tasktracker.lib import bus, loop


@contextmanager
def jetstream_away() -> Iterator[None]:
    """Nobody listens at its address, and whoever tries gives up at once."""
    bus.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "NATS_URL", "nats://127.0.0.1:1")
        patch.setattr(bus, "CONNECT_WITHIN", 0.1)
        yield


def empty_the_stream() -> None:
    """Drop every message, whoever has yet to take it."""

    async def purge() -> None:
        connection = await bus._connection()
        await connection.stream.purge_stream(bus.STREAM)

    loop.run(purge(), timeout=10)


def take_all() -> list[bus.Delivery]:
    """What has come in since, acknowledged."""
    deliveries: list[bus.Delivery] = []
    while bus.pending():
        batch = bus.fetch(100, timeout=1)
        bus.acknowledge(batch)
        deliveries += batch
    return deliveries
