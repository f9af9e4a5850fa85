"""Discord's Gateway: one connection, and what was missed before it and between two of its sessions.

A session that Discord takes up again brings its missed events by itself. After a new one they are read
from the channels, so the position may follow JetStream's acknowledgements and nothing else.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from apps.sources.adapters.base import Inbox, Payload
from apps.sources.adapters.discord.directory import Directory
from apps.sources.adapters.discord.history import History, Progress
from apps.sources.adapters.discord.library import Client, connected
from tasktracker.lib.ending import end

AT_ONCE = 100  # events that are taken together
QUIET = 30.0  # seconds after which we ask whether we may still listen

#: Comes after the last event, when the connection has ended.
END: Mapping[str, Any] = {"t": "", "d": {}}

TAKEN = (
    "MESSAGE_CREATE",
    "MESSAGE_UPDATE",
    "MESSAGE_DELETE",
    "MESSAGE_DELETE_BULK",
    "THREAD_CREATE",
    "THREAD_UPDATE",
)


async def listen(
    token: str, inbox: Inbox, *, api_url: str, patience: int, closed: dict[str, float]
) -> None:
    """See `base.Listener`."""
    async with connected(token, api_url) as client:
        listening = _Listening(client, inbox, closed)
        if patience:
            await listening.follow()
        else:
            await listening.catch_up()


class _Listening:
    def __init__(self, client: Client, inbox: Inbox, closed: dict[str, float]) -> None:
        self.client = client
        self.inbox = inbox
        self.directory = Directory(str(client.user.id) if client.user else "")
        self.history = History(client, self.directory, inbox, closed)
        self.progress = Progress({})

    async def catch_up(self) -> None:
        self.progress = Progress(await self.inbox.position())
        await self.history.catch_up(self.progress)

    async def follow(self) -> None:
        """Take what comes, in its order, until the connection ends for good."""
        hearing = asyncio.create_task(self.client.hear())
        hearing.add_done_callback(lambda _: self.client.heard.put_nowait(END))
        try:
            while True:
                events = await self._events()
                await self._take(events)
                if END in events:
                    await hearing
        finally:
            await end(hearing)

    async def _events(self) -> list[Mapping[str, Any]]:
        """What has come; waits for the first one."""
        heard = self.client.heard
        try:
            async with asyncio.timeout(QUIET):
                events: list[Mapping[str, Any]] = [await heard.get()]
        except TimeoutError:
            await self.inbox.position()
            return []
        while not heard.empty() and len(events) < AT_ONCE:
            events.append(heard.get_nowait())
        return events

    async def _take(self, events: Sequence[Mapping[str, Any]]) -> None:
        payloads: list[Payload] = []
        for event in events:
            if event["t"] == "READY" or self.directory.learn(event):
                await self._keep(payloads)
                payloads = []
                await self.catch_up()
            elif event["t"] in TAKEN and _is_of_a_channel(event):
                payloads.append(self.directory.payload(event["t"], event["d"]))
                self._note(event)
        await self._keep(payloads)

    async def _keep(self, payloads: Sequence[Payload]) -> None:
        if payloads:
            await self.inbox.take(payloads, self.progress.position())

    def _note(self, event: Mapping[str, Any]) -> None:
        message = event["d"]
        if event["t"] != "MESSAGE_CREATE":
            return
        self.progress.saw(message["channel_id"], int(message["id"]))
        if not self.directory.away:
            self.progress.read_all_until(int(message["id"]))
        if not message.get("guild_id"):
            self.progress.private.add(message["channel_id"])


def _is_of_a_channel(event: Mapping[str, Any]) -> bool:
    return event["t"].startswith("THREAD") or bool(event["d"].get("channel_id"))
