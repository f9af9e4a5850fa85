"""The only sender of live events: stored first, then told to every web process.

Nobody waits for Valkey here: the row is what counts, the channel layer is only the fast way. Web processes
look for rows that the layer lost every few seconds (`tasktracker.realtime.hub`).
"""

import asyncio
import logging
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import channel_layers
from django.db import transaction
from django.db.models.functions import Now
from redis.exceptions import RedisError

from tasktracker.lib import loop
from tasktracker.realtime.events import LiveEvent
from tasktracker.realtime.models import Event

logger = logging.getLogger(__name__)

GROUP = (
    "events"  # one group for all: web processes sort by project, so one subscription is to be kept
)
KEEP = timedelta(hours=24)
SEND_TIMEOUT = 5.0  # seconds for one batch
SEND_AGAIN = 0.25  # seconds
MAX_PENDING = 200  # batches that wait for Valkey; more are left to the catch-up


@dataclass(frozen=True)
class Announcement:
    """One event before it has a number."""

    project_id: int
    type: str
    data: Mapping[str, Any]


def publish(project_id: int, type: str, data: Mapping[str, Any]) -> None:  # noqa: A002 - the frame's own word
    """Send one event to everybody who may see the project."""
    publish_many([Announcement(project_id, type, data)])


def publish_many(announcements: Iterable[Announcement]) -> None:
    """Store the events after the commit and send them; never raises, never waits for Valkey."""
    announcements = list(announcements)
    if not announcements:
        return

    def store_and_send() -> None:
        _store_and_send(announcements)

    # robust: a failing live update is logged and never fails the work that it tells about. Django's log
    # line needs a function with a name, which a partial has not.
    transaction.on_commit(store_and_send, robust=True)


def prune() -> int:
    """Forget events that no browser will ask for any more."""
    count, _ = Event.objects.filter(created_at__lt=Now() - KEEP).delete()
    return count


class _Pending:
    """How many batches are on their way to Valkey."""

    lock = threading.Lock()
    count = 0

    @classmethod
    def enter(cls) -> bool:
        with cls.lock:
            if cls.count >= MAX_PENDING:
                return False
            cls.count += 1
            return True

    @classmethod
    def leave(cls, future: "Future[None]") -> None:
        with cls.lock:
            cls.count -= 1
        if not future.cancelled() and (error := future.exception()) is not None:
            logger.warning("live events did not reach Valkey: %s", type(error).__name__)


def _store_and_send(announcements: list[Announcement]) -> None:
    rows = Event.objects.bulk_create(
        [
            Event(project_id=item.project_id, type=item.type, data=item.data)
            for item in announcements
        ]
    )
    if not _Pending.enter():
        logger.warning("Valkey is slow: %d live events are left to the catch-up", len(rows))
        return
    future = loop.submit(_send([LiveEvent.from_row(row).to_layer() for row in rows]))
    future.add_done_callback(_Pending.leave)


async def _send(messages: list[dict[str, Any]]) -> None:
    """Try until SEND_TIMEOUT: the first call after a restart of Valkey meets a dead connection."""
    try:
        async with asyncio.timeout(SEND_TIMEOUT):
            for message in messages:
                await _send_one(message)
    except TimeoutError as error:
        raise RedisError("no answer in time") from error


async def _send_one(message: dict[str, Any]) -> None:
    layer = channel_layers[DEFAULT_CHANNEL_LAYER]
    while True:
        try:
            await layer.group_send(GROUP, message)
        except (RedisError, OSError):
            await asyncio.sleep(SEND_AGAIN)  # sent twice is harmless: receivers know the number
        else:
            return
