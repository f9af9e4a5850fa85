"""Socket Mode: Slack's events over connections that we open.

An event is acknowledged once JetStream has it, so whatever we do not keep Slack brings again, on this
connection or on the next one. The SDK's own client would go on after an event that failed.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from django.utils.translation import gettext as _

from apps.sources.adapters.base import Inbox, Payload, Refused
from apps.sources.adapters.slack.history import History, Progress
from apps.sources.adapters.slack.library import TROUBLES, WebApi, connected, refusal_of
from apps.sources.adapters.slack.names import Names
from tasktracker.lib.ending import end
from tasktracker.lib.workflow import GiveUp, TryLater

logger = logging.getLogger(__name__)

AT_ONCE = 100  # events that are taken together
QUIET = 30.0  # seconds after which we ask whether we may still listen
HEARTBEAT = 20.0  # seconds between two questions whether the other end is there
READ_AGAIN = 10 * 60.0  # seconds, where events are posted to us and only the lost ones are read

Accepted = Callable[[Mapping[str, Any]], Payload | None]


async def listen(
    app_token: str,
    bot_token: str,
    inbox: Inbox,
    *,
    accepted: Accepted,
    memory: dict[str, Any],
    api_url: str,
    patience: int,
) -> None:
    """See `base.Listener`."""
    async with connected() as session:
        bot = WebApi(bot_token, session, api_url) if bot_token else None
        names = Names(bot, memory)
        try:
            listening = _Listening(inbox, accepted, names, bot)
            await listening.begin()
            if app_token and patience:
                await listening.follow(WebApi(app_token, session, api_url))
            elif patience:
                await listening.read_again_and_again()
            elif bot:
                await listening.catch_up()
        finally:
            await names.close()


@dataclass(eq=False)
class _Connection:
    """One of several; frames of all go into one queue."""

    socket: aiohttp.ClientWebSocketResponse | None = None
    is_leaving: bool = False  # Slack has said that it will close this one

    async def acknowledge(self, envelope_id: str) -> None:
        try:
            if self.socket is not None:
                await self.socket.send_json({"envelope_id": envelope_id})
        except (aiohttp.ClientError, OSError):
            pass  # it comes again on another connection, and is known


@dataclass(eq=False)
class _Listening:
    inbox: Inbox
    accepted: Accepted
    names: Names
    bot: WebApi | None
    beside: dict[str, str] = field(default_factory=dict)  # every event
    team_id: str = ""
    frames: asyncio.Queue[tuple[_Connection | None, Mapping[str, Any]]] = field(
        default_factory=asyncio.Queue
    )
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    catching_up: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Learn where we are, and how far we were."""
        self.progress = Progress(await self.inbox.position())
        if self.bot is not None:
            us = await self.bot.ask("auth.test", is_patient=True)
            self.team_id = str(us.get("team_id") or "")
            self.beside = {"home": str(us.get("url") or ""), "bot_id": str(us.get("bot_id") or "")}

    async def catch_up(self) -> None:
        if self.bot is not None:
            history = History(self.bot, self.names, self.inbox, self.beside)
            await history.catch_up(self.progress)

    async def read_again_and_again(self) -> None:
        """Events come by webhook; what came while it did not answer is read here."""
        while True:
            await self.catch_up()
            await asyncio.sleep(READ_AGAIN)

    async def follow(self, app: WebApi) -> None:
        """Take what comes, in its order, until something is wrong."""
        self._open(app)
        try:
            while True:
                events: list[tuple[_Connection, Mapping[str, Any]]] = []
                for connection, frame in await self._next():
                    if frame.get("type") == "events_api" and connection is not None:
                        events.append((connection, frame))
                    else:
                        await self._heed(connection, frame, app)
                await self._take(events)
        finally:
            await end(*self.tasks)

    def _open(self, app: WebApi) -> None:
        connection = _Connection()
        self._start(self._hear(connection, app), connection)

    def _start(self, work: Any, connection: _Connection | None) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(lambda _: self.frames.put_nowait((connection, {"ended": task})))
        return task

    async def _hear(self, connection: _Connection, app: WebApi) -> None:
        address = str((await app.ask("apps.connections.open")).get("url") or "")
        async with app.session.ws_connect(address, heartbeat=HEARTBEAT) as socket:
            connection.socket = socket
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    self.frames.put_nowait((connection, json.loads(message.data)))

    async def _next(self) -> Sequence[tuple[_Connection | None, Mapping[str, Any]]]:
        """What has come; waits for the first one."""
        try:
            async with asyncio.timeout(QUIET):
                found = [await self.frames.get()]
        except TimeoutError:
            await self.inbox.position()
            return []
        while not self.frames.empty() and len(found) < AT_ONCE:
            found.append(self.frames.get_nowait())
        return found

    async def _heed(
        self, connection: _Connection | None, frame: Mapping[str, Any], app: WebApi
    ) -> None:
        """What is no event."""
        if "ended" in frame:
            await self._end(connection, frame["ended"])
        elif connection is None:
            return
        elif frame.get("type") == "hello" and self.catching_up is None:
            # Only now: what is said from here on comes by itself.
            self.catching_up = self._start(self.catch_up(), None)
        elif frame.get("type") == "disconnect":
            if frame.get("reason") == "link_disabled":
                raise GiveUp(_("Socket Mode is off. Switch it on at api.slack.com/apps."))
            if not connection.is_leaving:
                connection.is_leaving = True
                self._open(app)
        elif frame.get("envelope_id"):
            await connection.acknowledge(str(frame["envelope_id"]))

    async def _end(self, connection: _Connection | None, task: asyncio.Task[None]) -> None:
        """Of a connection, or of reading what was missed."""
        self.tasks.discard(task)
        try:
            await task
        except TROUBLES as error:
            refusal = refusal_of(error)
            if connection is not None or isinstance(refusal, TryLater):
                raise refusal from error
            # Whoever may not read the past can still listen.
            logger.warning("what was said before is not read: %s", refusal)
        if connection is not None and not connection.is_leaving:
            raise TryLater(_("Slack has closed the connection."))

    async def _take(self, events: Sequence[tuple[_Connection, Mapping[str, Any]]]) -> None:
        bodies = [body for _connection, frame in events if (body := _body(frame))]
        await self.names.look_up(_event(body) for body in bodies)
        payloads = [payload for body in bodies if (payload := self._payload(body))]
        if payloads:
            await self.inbox.take(payloads, self.progress.position())
        for connection, frame in events:
            await connection.acknowledge(str(frame.get("envelope_id") or ""))

    def _payload(self, body: Mapping[str, Any]) -> Payload | None:
        try:
            payload = self.accepted(body)
        except Refused as refused:
            logger.warning("Slack's event is none: %s", refused)
            return None
        event = _event(body)
        channel, stamp = event.get("channel"), event.get("ts")
        if event.get("type") == "message" and isinstance(channel, str) and isinstance(stamp, str):
            self._note(channel, stamp)
        beside = self.beside if body.get("team_id") == self.team_id else {}
        known = {**beside, **self.names.known(event)}
        return payload and Payload({**payload.data, "known": known}, payload.number)

    def _note(self, channel: str, stamp: str) -> None:
        try:
            self.progress.heard(channel, float(stamp))
        except ValueError:
            pass  # it will be a dead letter


def _body(frame: Mapping[str, Any]) -> Mapping[str, Any]:
    body = frame.get("payload")
    return body if isinstance(body, Mapping) else {}


def _event(body: Mapping[str, Any]) -> Mapping[str, Any]:
    event = body.get("event")
    return event if isinstance(event, Mapping) else {}
