"""The door to NATS JetStream: one stream, limits retention, one durable pull consumer.

Publishing waits for JetStream's acknowledgement; `publish_async` of nats-py loses error answers
(nats.py#985) and is not used. The stream's duplicate window is an optimisation only: the guarantee
is the unique key in PostgreSQL.
"""

import asyncio
import logging
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings

from tasktracker.lib import loop
from tasktracker.lib.text import shorten

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js import JetStreamContext
    from nats.js.api import ConsumerInfo, StreamInfo

logger = logging.getLogger(__name__)

STREAM = "CHAT"
SUBJECTS = "chat.>"
CONSUMER = "ingest"
MAX_PAYLOAD = 1_000_000  # bytes; the server's own limit is 1 MiB with headers
CONNECT_WITHIN = 4.0  # seconds for the first connection
DAY = 24 * 60 * 60  # seconds


class BusUnavailable(Exception):
    """JetStream gave no acknowledgement; the sender must keep the message and try again."""


class TooLarge(ValueError):
    """The payload would not fit into one JetStream message."""


@dataclass(frozen=True)
class Room:
    """How long the queue before the ingester is, and how full the stream."""

    pending: int
    used: float  # share of the bytes that it may have


@dataclass(frozen=True)
class Delivery:
    """One delivery of a stored message; hand it back to `acknowledge` after the commit."""

    data: bytes
    subject: str
    sequence: int
    deliveries: int
    raw: Any


def publish(subject: str, data: bytes, *, message_id: str, timeout: float = 5.0) -> None:
    """Store one message in the stream; raise BusUnavailable without an acknowledgement.

    JetStream drops an id that it knows; a message without one it takes each time.
    """
    try:
        loop.run(_publish(subject, data, message_id, timeout), timeout=timeout + 1)
    except TimeoutError as error:
        raise BusUnavailable("no acknowledgement in time") from error


async def publish_async(
    subject: str, data: bytes, *, message_id: str, timeout: float = 5.0
) -> None:
    """The same for a caller with a loop of its own."""
    try:
        async with asyncio.timeout(timeout + 1):
            await loop.run_async(_publish(subject, data, message_id, timeout))
    except TimeoutError as error:
        raise BusUnavailable("no acknowledgement in time") from error


def fetch(batch: int, *, timeout: float) -> list[Delivery]:
    """Up to `batch` deliveries; an empty list when none came within `timeout` seconds."""
    try:
        return loop.run(_fetch(batch, timeout), timeout=timeout + 10)
    except TimeoutError as error:
        raise BusUnavailable("JetStream does not answer") from error


def acknowledge(deliveries: list[Delivery]) -> None:
    """Confirm the deliveries and wait until the server knows."""
    try:
        loop.run(_acknowledge(deliveries), timeout=15)
    except TimeoutError as error:
        raise BusUnavailable("JetStream does not confirm acknowledgements") from error


def pending() -> int:
    """Messages in the stream that the ingester has not acknowledged; raises BusUnavailable."""
    try:
        return _unacknowledged(*loop.run(_infos(), timeout=5))
    except TimeoutError as error:
        raise BusUnavailable("JetStream does not answer") from error


def room() -> Room:
    """What is left for who can wait; raises BusUnavailable."""
    try:
        return loop.run(_room(), timeout=5)
    except TimeoutError as error:
        raise BusUnavailable("JetStream does not answer") from error


def forget_acknowledged(subjects: str) -> None:
    """Drop from the stream what of these subjects the ingester has acknowledged; raises BusUnavailable."""
    try:
        loop.run(_forget_acknowledged(subjects), timeout=60)
    except TimeoutError as error:
        raise BusUnavailable("JetStream does not answer") from error


def status() -> dict[str, Any]:
    """Facts for the health page; raises BusUnavailable."""
    try:
        return loop.run(_status(), timeout=3)
    except TimeoutError as error:
        raise BusUnavailable("JetStream does not answer") from error


def close() -> None:
    """Drain the process's connection, if it has one."""
    connection = _Connection.current
    if connection is not None and connection.owner == os.getpid():
        _Connection.current = None
        try:
            loop.run(connection.client.close(), timeout=3)
        except Exception:
            logger.debug("closing the NATS connection failed", exc_info=True)


class _Connection:
    """The process's one connection with its pull subscription."""

    current: "_Connection | None" = None
    lock = threading.Lock()

    def __init__(self, client: "Client", stream: "JetStreamContext") -> None:
        self.client = client
        self.stream = stream
        self.subscription: JetStreamContext.PullSubscription | None = None
        self.owner = os.getpid()


_connecting: dict[int, asyncio.Lock] = {}


async def _connection() -> _Connection:
    lock = _connecting.setdefault(os.getpid(), asyncio.Lock())
    async with lock:
        current = _Connection.current
        if current is None or current.owner != os.getpid() or current.client.is_closed:
            current = _Connection.current = await _connect()
        return current


async def _connect() -> _Connection:
    import nats
    from nats.errors import Error as NatsError

    async def report(error: Exception) -> None:
        logger.warning("NATS: %s", str(error) or type(error).__name__)

    try:
        # With unlimited reconnections the first connection, too, is tried forever.
        async with asyncio.timeout(CONNECT_WITHIN):
            client = await nats.connect(
                settings.NATS_URL,
                name=f"tasktracker-{os.getpid()}",
                max_reconnect_attempts=-1,
                reconnect_time_wait=0.5,
                connect_timeout=3,
                error_cb=report,
            )
        stream = client.jetstream(timeout=5)
        await _ensure_topology(stream)
    except (NatsError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"cannot reach NATS: {shorten(str(error), 200)}") from error
    return _Connection(client, stream)


async def _ensure_topology(stream: "JetStreamContext") -> None:
    """Create or correct stream and consumer; `pull_subscribe` would silently keep an old configuration."""
    from nats.js.api import (
        AckPolicy,
        ConsumerConfig,
        DeliverPolicy,
        DiscardPolicy,
        RetentionPolicy,
        StorageType,
        StreamConfig,
    )
    from nats.js.errors import NotFoundError

    config = StreamConfig(
        name=STREAM,
        subjects=[SUBJECTS],
        retention=RetentionPolicy.LIMITS,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_age=7 * DAY,
        max_bytes=settings.NATS_MAX_BYTES,
        duplicate_window=DAY,
        num_replicas=settings.NATS_REPLICAS,
    )
    try:
        await stream.update_stream(config)
    except NotFoundError:
        await stream.add_stream(config)
    await stream.add_consumer(
        STREAM,
        ConsumerConfig(
            durable_name=CONSUMER,
            ack_policy=AckPolicy.EXPLICIT,
            deliver_policy=DeliverPolicy.ALL,
            ack_wait=settings.NATS_ACK_WAIT,
            max_ack_pending=1000,
            max_deliver=-1,  # poison goes to the dead-letter table, not into silence
        ),
    )


async def _publish(subject: str, data: bytes, message_id: str, timeout: float) -> None:
    from nats.errors import Error as NatsError
    from nats.js.errors import Error as JetStreamError

    if len(data) > MAX_PAYLOAD:
        raise TooLarge(f"{len(data)} bytes; {MAX_PAYLOAD} fit")
    connection = await _connection()
    try:
        await connection.stream.publish(
            subject,
            data,
            timeout=timeout,
            stream=STREAM,
            headers={"Nats-Msg-Id": message_id} if message_id else None,
        )
    except (NatsError, JetStreamError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"JetStream did not acknowledge: {type(error).__name__}") from error


async def _fetch(batch: int, timeout: float) -> list[Delivery]:
    from nats.errors import Error as NatsError
    from nats.errors import TimeoutError as NatsTimeout
    from nats.js.errors import Error as JetStreamError

    connection = await _connection()
    try:
        if connection.subscription is None:
            connection.subscription = await connection.stream.pull_subscribe_bind(
                consumer=CONSUMER, stream=STREAM
            )
        messages = await connection.subscription.fetch(batch, timeout=timeout)
    except (NatsTimeout, TimeoutError):
        # A pull can outlive a server restart without an answer (nats.py#504): begin a new one.
        await _end_subscription(connection)
        return []
    except (NatsError, JetStreamError, OSError) as error:
        await _end_subscription(connection)
        raise BusUnavailable(f"JetStream: {type(error).__name__}") from error
    return [_delivery(message) for message in messages]


async def _end_subscription(connection: _Connection) -> None:
    from nats.errors import Error as NatsError

    subscription, connection.subscription = connection.subscription, None
    if subscription is not None:
        try:
            await subscription.unsubscribe()
        except (NatsError, OSError):
            logger.debug("ending a pull failed", exc_info=True)


def _delivery(message: "Msg") -> Delivery:
    metadata = message.metadata
    return Delivery(
        data=message.data,
        subject=message.subject,
        sequence=metadata.sequence.stream,
        deliveries=metadata.num_delivered or 1,
        raw=message,
    )


async def _acknowledge(deliveries: list[Delivery]) -> None:
    from nats.errors import Error as NatsError

    try:
        await asyncio.gather(*(delivery.raw.ack_sync(timeout=5) for delivery in deliveries))
    except (NatsError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"acknowledgement: {type(error).__name__}") from error


async def _infos() -> "tuple[StreamInfo, ConsumerInfo]":
    from nats.errors import Error as NatsError
    from nats.js.errors import Error as JetStreamError

    connection = await _connection()
    try:
        stream = await connection.stream.stream_info(STREAM)
        return stream, await connection.stream.consumer_info(STREAM, CONSUMER)
    except (NatsError, JetStreamError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"JetStream: {type(error).__name__}") from error


def _unacknowledged(stream: "StreamInfo", consumer: "ConsumerInfo") -> int:
    """The consumer counts a message a moment after the stream has stored and confirmed it."""
    delivered = consumer.delivered.stream_seq if consumer.delivered else 0
    is_more_stored = stream.state.messages > 0 and stream.state.last_seq > delivered
    return max(consumer.num_pending or 0, int(is_more_stored)) + (consumer.num_ack_pending or 0)


async def _room() -> Room:
    stream, consumer = await _infos()
    return Room(
        pending=_unacknowledged(stream, consumer),
        used=stream.state.bytes / settings.NATS_MAX_BYTES,
    )


async def _forget_acknowledged(subjects: str) -> None:
    from nats.errors import Error as NatsError
    from nats.js.errors import Error as JetStreamError

    connection = await _connection()
    try:
        consumer = await connection.stream.consumer_info(STREAM, CONSUMER)
        floor = consumer.ack_floor.stream_seq if consumer.ack_floor else 0
        await connection.stream.purge_stream(STREAM, seq=floor + 1, subject=subjects)
    except (NatsError, JetStreamError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"JetStream: {type(error).__name__}") from error


async def _status() -> dict[str, Any]:
    stream, consumer = await _infos()
    return {
        "messages": stream.state.messages,
        "pending": _unacknowledged(stream, consumer),
    }
