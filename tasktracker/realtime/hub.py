"""What one web process hears, handed to its connections.

A connection does not subscribe by itself: one listener per process takes every event from the channel
layer once, so a hundred browsers cost one subscription, a restart of Valkey one reconnection, and browsers
can connect while Valkey is away. What the layer lost is found in the table a few seconds later.
"""

import asyncio
import logging
from typing import Any, Protocol
from weakref import WeakKeyDictionary

from channels import DEFAULT_CHANNEL_LAYER
from channels.db import database_sync_to_async
from channels.layers import channel_layers
from redis.exceptions import RedisError

from tasktracker.realtime.broadcast import GROUP
from tasktracker.realtime.events import LiveEvent
from tasktracker.realtime.models import Event
from tasktracker.realtime.replay import newest_seq

logger = logging.getLogger(__name__)

ROUND = 5.0  # seconds between two looks at the table and at the connections
CATCH_UP_LIMIT = 1000  # rows; a process that missed more tells its browsers to load anew
LISTEN_AGAIN = 1.0  # seconds


class Connection(Protocol):
    user_id: int

    def offer(self, event: LiveEvent) -> None:
        """Take the event or leave it; never waits."""

    def resync(self) -> None:
        """Tell the browser that it missed too much."""

    async def look_after(self) -> None:
        """Close when silent, when the session ended, or when the rights are gone."""


class Hub:
    """The connections of one event loop."""

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self._task: asyncio.Task[None] | None = None
        self._delivered: set[int] = set()
        self._floor: int | None = None  # everything up to here was delivered
        self._newest = 0
        self.is_listening = asyncio.Event()

    # Mutators

    def join(self, connection: Connection) -> None:
        self.connections.add(connection)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def leave(self, connection: Connection) -> None:
        self.connections.discard(connection)

    def deliver(self, event: LiveEvent) -> None:
        """Offer the event to every connection, once."""
        if event.seq in self._delivered:
            return
        self._delivered.add(event.seq)
        for connection in tuple(self.connections):
            connection.offer(event)

    async def catch_up(self) -> None:
        """Deliver the rows that the layer lost.

        Numbers become visible out of order, because they are given before the commit: each row is looked at
        in two rounds, and `_delivered` remembers what went out since then.
        """
        if self._floor is None:
            self._floor = self._newest = await database_sync_to_async(newest_seq)()
            return
        events = await _events_after(self._floor)
        if len(events) > CATCH_UP_LIMIT:
            for connection in tuple(self.connections):
                connection.resync()
            self._floor = self._newest = await database_sync_to_async(newest_seq)()
            return
        for event in events:
            self.deliver(event)
        self._floor = max(self._floor, self._newest)
        self._newest = max([self._floor, *(event.seq for event in events)])
        self._delivered = {seq for seq in self._delivered if seq > self._floor}

    # Queries

    def count_of(self, user_id: int) -> int:
        return sum(connection.user_id == user_id for connection in self.connections)

    # The task

    async def _run(self) -> None:
        """Listen and go the rounds until the last connection has left."""
        self._floor = None
        listener = asyncio.create_task(self._listen())
        try:
            while self.connections:
                await self._round()
                await asyncio.sleep(ROUND)
        finally:
            listener.cancel()

    async def _round(self) -> None:
        try:
            await self.catch_up()
            for connection in tuple(self.connections):
                await connection.look_after()
        except Exception as error:
            logger.warning("live events: %s", type(error).__name__, exc_info=True)

    async def _listen(self) -> None:
        layer = channel_layers[DEFAULT_CHANNEL_LAYER]
        while True:
            try:
                channel = await layer.new_channel()
                await layer.group_add(GROUP, channel)
                self.is_listening.set()
                while True:
                    # Once subscribed, the layer reconnects and subscribes again by itself.
                    self._hear(await layer.receive(channel))
            except (RedisError, OSError) as error:
                logger.warning("no subscription to live events yet: %s", type(error).__name__)
            finally:
                self.is_listening.clear()
                await layer.flush()
            await asyncio.sleep(LISTEN_AGAIN)

    def _hear(self, message: dict[str, Any]) -> None:
        try:
            event = LiveEvent.from_layer(message)
        except (KeyError, TypeError):
            logger.warning("a message on the channel layer is no event")
        else:
            self.deliver(event)


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    return _hubs.setdefault(asyncio.get_running_loop(), Hub())


@database_sync_to_async
def _events_after(seq: int) -> list[LiveEvent]:
    rows = Event.objects.filter(pk__gt=seq).order_by("pk")[: CATCH_UP_LIMIT + 1]
    return [LiveEvent.from_row(row) for row in rows]
