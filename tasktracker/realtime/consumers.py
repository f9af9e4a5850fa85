"""One websocket: lets its person in, hands out what that person may see and wants, and nothing else."""

import asyncio
import json
import logging
from collections import deque
from contextlib import suppress
from typing import Any

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.utils import await_many_dispatch

from tasktracker.realtime.credentials import (
    Credentials,
    NotAuthenticated,
    NothingToSee,
    Rights,
    rights_of,
)
from tasktracker.realtime.events import LiveEvent, frame
from tasktracker.realtime.filters import Filters, Handshake
from tasktracker.realtime.hub import hub
from tasktracker.realtime.replay import TooMuchMissed, missed_since, newest_seq

logger = logging.getLogger(__name__)

MAX_FRAME = 4096  # bytes that a browser may send at once
MAX_FRAMES = 60  # frames that a browser may send between two checks
MAX_OUTBOX = 500  # frames that wait for a slow browser; then it must load anew
CONNECTIONS_PER_USER = 20  # in one process
CHECK_EVERY = 60.0  # seconds between two looks at session and rights
SILENT_FOR = 150.0  # seconds without any frame until a connection counts as dead
SEND_TIMEOUT = 20.0  # seconds that a browser may take to accept a frame

BAD_REQUEST = 4400
NOT_AUTHENTICATED = 4401
FORBIDDEN = 4403
SILENT = 4408
TOO_MANY = 4429

READY = "Ready for real-time updates"  # part of the public contract, not for people


class LiveConsumer(AsyncWebsocketConsumer):
    """`/ws`. See docs/realtime.md for the frames."""

    user_id = 0
    rights: Rights
    filters = Filters()
    is_open = False

    # What the server calls

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Without a subscription of its own, which would fail while Valkey is away: the hub listens."""
        self.scope, self.base_send = scope, send
        with suppress(StopConsumer):
            await await_many_dispatch([receive], self.dispatch)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without a hop to the database's thread: `database_sync_to_async` closes what it opened."""
        await getattr(self, get_handler_name(message))(message)

    async def connect(self) -> None:
        self.outbox: deque[tuple[int, str]] = deque()
        self.has_work = asyncio.Event()
        self.replayed: frozenset[int] = frozenset()
        self.floor = 0
        self.received = 0
        self.sender: asyncio.Task[None] | None = None
        self.hub = hub()
        self.credentials = Credentials.of(dict(self.scope))
        # Accepted first: a browser sees the code of a close, but not the reason of a refusal.
        await self.accept(self.credentials.subprotocol)
        loop = asyncio.get_running_loop()
        self.checked_at = self.heard_at = loop.time()
        try:
            self.rights = await rights_of(self.credentials)
        except NotAuthenticated:
            await self.close(NOT_AUTHENTICATED)
        except NothingToSee:
            await self.close(FORBIDDEN)
        else:
            await self._let_in()

    async def disconnect(self, code: int) -> None:
        self.is_open = False
        if self.sender is not None:
            self.sender.cancel()
        self.hub.leave(self)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Only `ping` and `subscribe`; anything else is answered and forgotten."""
        if not self.is_open:
            return
        self.heard_at = asyncio.get_running_loop().time()
        self.received += 1
        if self.received > MAX_FRAMES:
            await self.close(TOO_MANY)
            return
        if text_data is None or len(text_data.encode("utf-8", "replace")) > MAX_FRAME:
            self._put_error("too_large", f"Text frames up to {MAX_FRAME} bytes only.")
            return
        try:
            self._answer(json.loads(text_data))
        except (ValueError, RecursionError):
            self._put_error(
                "unreadable", 'Send {"type": "ping"} or {"type": "subscribe", "data": {...}}.'
            )

    # What the hub calls

    def offer(self, event: LiveEvent) -> None:
        slug = self.rights.projects.get(event.project_id)
        if slug is None or event.seq <= self.floor or event.seq in self.replayed:
            return
        if self.filters.wants(event, slug):
            self._put(event.text, event.seq)

    def resync(self) -> None:
        """Replace everything that waits by the advice to load anew."""
        self.outbox.clear()
        self._put(frame("resync", {"reason": "too much was missed"}))

    async def look_after(self) -> None:
        now = asyncio.get_running_loop().time()
        if not self.is_open:
            return
        if now - self.heard_at > SILENT_FOR:
            await self._drop(SILENT)
        elif now - self.checked_at > CHECK_EVERY:
            self.checked_at = now
            await self.check()

    async def check(self) -> None:
        """Read session and rights anew; close when they are gone."""
        self.received = 0
        try:
            self.rights = await rights_of(self.credentials)
        except NotAuthenticated:
            await self._drop(NOT_AUTHENTICATED)
        except NothingToSee:
            await self._drop(FORBIDDEN)

    # Inside

    async def _let_in(self) -> None:
        self.user_id = self.rights.user_id
        if self.hub.count_of(self.user_id) >= CONNECTIONS_PER_USER:
            await self.close(TOO_MANY)
            return
        try:
            handshake = Handshake.of(self.scope.get("query_string", b""))
        except ValueError:
            await self.send(
                frame("error", {"code": "bad_filter", "message": "Unknown filter value."})
            )
            await self.close(BAD_REQUEST)
            return
        self.filters = handshake.filters
        # Joins before it reads what was missed, so that nothing falls between; duplicates are left out.
        self.hub.join(self)
        newest = await self._newest()
        await self.send(frame("connection", {"status": "connected", "message": READY}, seq=newest))
        if handshake.since is None:
            self.floor = newest
        else:
            await self._replay(handshake.since)
        self.is_open = True
        self.sender = asyncio.create_task(self._send_outbox())

    async def _newest(self) -> int:
        return await database_sync_to_async(newest_seq)()

    async def _replay(self, since: int) -> None:
        """Put what was missed before what arrived meanwhile."""
        try:
            events = await database_sync_to_async(missed_since)(since, list(self.rights.projects))
        except TooMuchMissed:
            self.outbox.appendleft((0, frame("resync", {"reason": "too much was missed"})))
            self.has_work.set()
            return
        self.replayed = frozenset(event.seq for event in events)
        meanwhile = [item for item in self.outbox if item[0] not in self.replayed]
        projects = self.rights.projects
        wanted = [
            (event.seq, event.text)
            for event in events
            if self.filters.wants(event, projects[event.project_id])
        ]
        self.outbox = deque([*wanted, *meanwhile])
        self.has_work.set()

    def _answer(self, content: Any) -> None:
        """Raise ValueError for anything that is not one of our two frames."""
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "ping":
            self._put(frame("pong", {}))
        elif kind == "subscribe":
            self.filters = Filters.model_validate(content.get("data", {}))
            self._put(frame("subscribed", self.filters.as_data()))
        else:
            raise ValueError("unknown type")

    def _put_error(self, code: str, message: str) -> None:
        self._put(frame("error", {"code": code, "message": message}))

    def _put(self, text: str, seq: int = 0) -> None:
        if len(self.outbox) >= MAX_OUTBOX + len(self.replayed):
            self.outbox.clear()
            text = frame("resync", {"reason": "the connection is too slow"})
        self.outbox.append((seq, text))
        self.has_work.set()

    async def _send_outbox(self) -> None:
        """Send what waits, in order; a browser that takes nothing is dropped."""
        try:
            while True:
                await self.has_work.wait()
                self.has_work.clear()
                while self.outbox:
                    async with asyncio.timeout(SEND_TIMEOUT):
                        await self.send(self.outbox.popleft()[1])
        except TimeoutError:
            await self._drop(SILENT)
        except (OSError, RuntimeError) as error:
            # The server's way to say that the socket is gone.
            logger.debug("a live connection broke: %s", type(error).__name__)
            await self._drop(SILENT)

    async def _drop(self, code: int) -> None:
        """Forget the connection at once, whether or not the other end still answers."""
        self.is_open = False
        self.hub.leave(self)
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await self.close(code)
        except (OSError, RuntimeError, TimeoutError) as error:
            logger.debug("closing a live connection: %s", type(error).__name__)
