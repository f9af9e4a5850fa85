"""What was said on Slack while nobody listened: read channel by channel, from where we were."""

import logging
import time
from collections.abc import Mapping
from typing import Any

from slack_sdk.errors import SlackApiError

from apps.sources.adapters.base import Inbox, Payload, Position
from apps.sources.adapters.slack.library import WebApi, word_of
from apps.sources.adapters.slack.names import Names

logger = logging.getLogger(__name__)

AT_ONCE = 200  # messages of one question; Slack gives up to 999
TAKEN_AT_ONCE = 100
DAY = 24 * 60 * 60
FIRST_LOOK = DAY  # seconds before the first connection
OVERLAP = 10 * 60  # seconds that are read twice: for so long Slack may still bring an event again
LOOK_BACK = DAY  # how old the beginning of a thread or an edited message may be to be looked at
FORGOTTEN = 30 * DAY  # without a message after which a channel's time is dropped

#: Each has scopes of its own, and an app may lack some.
TYPES = {"public_channel": "channel", "private_channel": "group", "mpim": "mpim", "im": "im"}


class Progress:
    """How far each channel was read. One that is not known was last read when anything was."""

    def __init__(self, position: Position) -> None:
        self.since = float(position.get("since") or time.time() - FIRST_LOOK)
        self.channels = {key: float(last) for key, last in position.get("channels", {}).items()}
        self.is_caught_up = False

    def last(self, channel: str) -> float:
        return self.channels.get(channel, self.since)

    def saw(self, channel: str, moment: float) -> None:
        self.channels[channel] = max(moment, self.last(channel))

    def heard(self, channel: str, moment: float) -> None:
        """An event came: what is older was read, unless the history of the channel waits to be."""
        if self.is_caught_up:
            self.saw(channel, moment)
            self.since = max(self.since, moment)

    def finish(self) -> None:
        self.since = max(self.since, *self.channels.values(), 0.0)
        oldest = self.since - FORGOTTEN
        self.channels = {key: last for key, last in self.channels.items() if last > oldest}
        self.is_caught_up = True

    def position(self) -> Position:
        channels = {key: _stamp(last) for key, last in self.channels.items()}
        return {"since": _stamp(self.since), "channels": channels}


class History:
    """Reads what was missed; `beside` is what every event of this workspace has beside it."""

    def __init__(self, api: WebApi, names: Names, inbox: Inbox, beside: Mapping[str, Any]) -> None:
        self.api = api
        self.names = names
        self.inbox = inbox
        self.beside = beside

    async def catch_up(self, progress: Progress) -> None:
        """Take all that was said since; raises what `library.TROUBLES` names."""
        for kind, channel_type in TYPES.items():
            try:
                channels = await self._pages("users.conversations", "channels", types=kind)
            except SlackApiError as error:
                if word_of(error) != "missing_scope":
                    raise
                logger.info("Slack's channels of type %s may not be listed", kind)
                continue
            for channel in channels:
                await self._catch_up_in(channel["id"], channel_type, progress)
        progress.finish()
        await self.inbox.take([], progress.position())

    async def _catch_up_in(self, channel: str, channel_type: str, progress: Progress) -> None:
        after = progress.last(channel) - OVERLAP
        try:
            found = await self._said(channel, after)
        except SlackApiError as error:
            if word_of(error) not in ("missing_scope", "not_in_channel", "channel_not_found"):
                raise
            logger.info("Slack's channel %s may not be read", channel)
            return
        events = [{**one, "channel": channel, "channel_type": channel_type} for one in found]
        for start in range(0, len(events), TAKEN_AT_ONCE):
            batch = events[start : start + TAKEN_AT_ONCE]
            await self.names.look_up(batch)
            # Not further until all is safe: threads of its beginning have answers of its end.
            await self.inbox.take([self._payload(event) for event in batch], progress.position())
        if events:
            progress.saw(channel, float(events[-1]["ts"]))
            await self.inbox.take([], progress.position())

    async def _said(self, channel: str, after: float) -> list[Mapping[str, Any]]:
        """New messages, new answers in threads and new edits, the oldest first."""
        found: dict[str, Mapping[str, Any]] = {}
        for message in await self._pages(
            "conversations.history", "messages", channel=channel, oldest=_stamp(after - LOOK_BACK)
        ):
            found[message["ts"]] = message
            if float(message.get("latest_reply") or 0) > after:
                for answer in await self._pages(
                    "conversations.replies",
                    "messages",
                    channel=channel,
                    ts=message["ts"],
                    oldest=_stamp(after - LOOK_BACK),
                ):
                    found.setdefault(answer["ts"], answer)
        fresh = [message for message in found.values() if _changed(message) > after]
        return sorted(fresh, key=lambda message: float(message["ts"]))

    async def _pages(self, method: str, field: str, **question: Any) -> list[Any]:
        found: list[Any] = []
        cursor = ""
        while True:
            answer = await self.api.ask(
                method, is_patient=True, limit=AT_ONCE, **question, **_at(cursor)
            )
            found += answer.get(field) or []
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return found

    def _payload(self, event: Mapping[str, Any]) -> Payload:
        told = {
            "type": "event_callback",
            "event": {"type": "message", **event},
            "known": {**self.beside, **self.names.known(event)},
        }
        return Payload(told, int(float(event["ts"]) * 1_000_000))


def _changed(message: Mapping[str, Any]) -> float:
    edited = message.get("edited") or {}
    return max(float(message["ts"]), float(edited.get("ts") or 0))


def _at(cursor: str) -> dict[str, str]:
    return {"cursor": cursor} if cursor else {}


def _stamp(moment: float) -> str:
    return f"{max(moment, 0):.6f}"
