"""What was said on Discord while nobody listened: read channel by channel, from where we were."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import discord

from apps.sources.adapters.base import Inbox, Payload, Position
from apps.sources.adapters.discord.directory import Directory
from apps.sources.adapters.discord.events import moment_of, snowflake_of, time_of
from apps.sources.adapters.discord.library import Client

logger = logging.getLogger(__name__)

AT_ONCE = 100  # messages; Discord gives no more
FIRST_LOOK = 24 * 60 * 60  # seconds before the first connection
OVERLAP = (
    60  # seconds that are read twice: servers of Discord number messages each by its own clock
)
EDITED = (
    24 * 60 * 60
)  # seconds since the last message of a channel in which its edits are looked for
FORGOTTEN = 30 * 24 * 60 * 60  # seconds without a message after which a channel's number is dropped
CLOSED = 60 * 60  # seconds for which a channel that we may not read is not asked for again


class Progress:
    """How far each channel was read. One that is not known was last read when anything was."""

    def __init__(self, position: Position) -> None:
        self.since = int(position.get("since") or snowflake_of(time.time() - FIRST_LOOK))
        self.channels = {key: int(last) for key, last in position.get("channels", {}).items()}
        self.private = set(position.get("private", []))

    def last(self, channel_id: str) -> int:
        return self.channels.get(channel_id, self.since)

    def saw(self, channel_id: str, message_id: int) -> None:
        self.channels[channel_id] = max(message_id, self.last(channel_id))

    def read_all_until(self, message_id: int) -> None:
        """Nothing that is older than this message has been missed anywhere."""
        self.since = max(self.since, before(message_id, OVERLAP))

    def forget_old(self) -> None:
        oldest = before(self.since, FORGOTTEN)
        self.channels = {
            key: last
            for key, last in self.channels.items()
            # No list of Discord's names private talks: they are asked for as long as we know them.
            if last > oldest or key in self.private
        }

    def position(self) -> Position:
        return {
            "since": str(self.since),
            "channels": {key: str(last) for key, last in self.channels.items()},
            "private": sorted(self.private),
        }


class History:
    """Reads what was missed; `closed` remembers which channels we may not read, and since when."""

    def __init__(
        self, client: Client, directory: Directory, inbox: Inbox, closed: dict[str, float]
    ) -> None:
        self.client = client
        self.directory = directory
        self.inbox = inbox
        self.closed = closed

    async def catch_up(self, progress: Progress) -> None:
        """Take all that was said since; raises what `library.TROUBLES` names."""
        edited_after = time_of(progress.since)
        await self.directory.ask(self.client)
        for channel in list(self.directory.readable()):
            await self._catch_up_with(channel, edited_after, progress)
        for parent in self.directory.parents():
            for thread in await self._archived(parent, edited_after):
                await self._catch_up_with(thread, edited_after, progress)
        for channel_id in sorted(progress.private):
            await self._catch_up_in(channel_id, None, edited_after, progress)
        # Channels of servers that did not answer are still to be read from where all others were.
        if not self.directory.away:
            progress.read_all_until(max(progress.channels.values(), default=0))
            progress.forget_old()
        await self.inbox.take([], progress.position())

    async def _archived(self, parent_id: str, since: float) -> list[Mapping[str, Any]]:
        """Threads that were archived since: something may have been said in them before."""
        found: list[Mapping[str, Any]] = []
        if time.time() - self.closed.get(parent_id, 0) < CLOSED:
            return found
        until: Any = None
        try:
            while True:
                answer = await self.client.http.get_public_archived_threads(parent_id, until)
                server_id = self.directory.channels[parent_id]["guild_id"]
                recent = [one for one in answer["threads"] if _archived_at(one) >= since - OVERLAP]
                self.directory.learn_channels(server_id, recent)
                found += recent
                if not answer["has_more"] or len(recent) < len(answer["threads"]):
                    return found
                until = recent[-1]["thread_metadata"]["archive_timestamp"]
        except (discord.Forbidden, discord.NotFound):
            self.closed[parent_id] = time.time()
            return found

    async def _catch_up_with(
        self, channel: Mapping[str, Any], edited_after: float, progress: Progress
    ) -> None:
        newest = int(channel.get("last_message_id") or 0)
        await self._catch_up_in(channel["id"], newest, edited_after, progress)

    async def _catch_up_in(
        self, channel_id: str, newest: int | None, edited_after: float, progress: Progress
    ) -> None:
        last = progress.last(channel_id)
        if time.time() - self.closed.get(channel_id, 0) < CLOSED:
            return
        try:
            if channel_id in progress.channels and time_of(last) > edited_after - EDITED:
                await self._take_changes(channel_id, last, edited_after, progress)
            if newest is None or newest > last:
                await self._take_new(channel_id, before(last, OVERLAP), progress)
        except (discord.Forbidden, discord.NotFound):
            # Too many refused questions would shut this machine out of Discord.
            self.closed[channel_id] = time.time()
            logger.info("channel %s of Discord may not be read", channel_id)

    async def _take_new(self, channel_id: str, last: int, progress: Progress) -> None:
        while True:
            page = await self._page(channel_id, after=last)
            if page:
                last = int(page[-1]["id"])
                progress.saw(channel_id, last)
                await self.inbox.take(self._payloads(page), progress.position())
            if len(page) < AT_ONCE:
                return

    async def _take_changes(
        self, channel_id: str, last: int, edited_after: float, progress: Progress
    ) -> None:
        """Of the last messages that we had; those that came later are read as they are now."""
        page = await self._page(channel_id, before=last + 1)
        if not page:  # so it looks, too, where the bot may not read what was said before
            return
        edited = [
            message
            for message in page
            if message.get("edited_timestamp")
            and moment_of(message["edited_timestamp"]) > edited_after
        ]
        remaining = self._remaining(channel_id, page, last)
        await self.inbox.take([*self._payloads(edited), remaining], progress.position())

    def _remaining(self, channel_id: str, page: list[Mapping[str, Any]], last: int) -> Payload:
        """Discord never tells what was deleted meanwhile: it is what this page does not have."""
        whole = len(page) < AT_ONCE
        # What is younger may have got its number before we looked and its place in the page after it.
        settled = min(last, snowflake_of(time.time() - OVERLAP))
        found = {
            "channel_id": channel_id,
            "ids": [message["id"] for message in page],
            "since": "0" if whole else page[0]["id"],
            "until": str(settled),
        }
        return self.directory.payload("REMAINING", found)

    async def _page(self, channel_id: str, **where: int) -> list[Mapping[str, Any]]:
        found: list[Any] = list(await self.client.http.logs_from(channel_id, AT_ONCE, **where))
        return sorted(found, key=lambda message: int(message["id"]))

    def _payloads(self, messages: list[Mapping[str, Any]]) -> list[Payload]:
        return [self.directory.payload("MESSAGE_CREATE", message) for message in messages]


def _archived_at(thread: Mapping[str, Any]) -> float:
    return moment_of(thread["thread_metadata"]["archive_timestamp"])


def before(message_id: int, seconds: float) -> int:
    """The number of a message that is so much older."""
    return snowflake_of(time_of(message_id) - seconds)
