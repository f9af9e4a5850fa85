"""Names for the ids in events. A message never waits long for them: without an answer, the id stays."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any

from apps.sources.adapters.slack.library import TROUBLES, WebApi
from apps.sources.adapters.slack.text import MENTIONED
from tasktracker.lib.ending import end

PATIENCE = 1.5  # seconds; an event wants to be acknowledged within three
LASTS = 60 * 60  # seconds for which a name is not asked for again
REFUSED_LASTS = 5 * 60


class Names:
    """Asks once for each id; `memory` is kept by whoever lives longer than the connection."""

    def __init__(self, api: WebApi | None, memory: dict[str, Any]) -> None:
        self.api = api
        self.memory = memory
        self.asking: dict[str, asyncio.Task[None]] = {}

    async def look_up(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Ask for whoever and whatever these events name, all at once."""
        if self.api is None:
            return
        ids = {one for event in events for one in _ids(event)}
        now = time.monotonic()
        for one in ids:
            if one not in self.asking and self.memory.get(one, ("", 0.0))[1] <= now:
                self.asking[one] = asyncio.create_task(self._ask(self.api, one))
        awaited = [self.asking[one] for one in ids if one in self.asking]
        if awaited:
            await asyncio.wait(awaited, timeout=PATIENCE)

    def known(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """What is to be put beside this event."""
        names = {one: self.memory[one][0] for one in _ids(event) if self._name(one)}
        channel = str(event.get("channel") or "")
        title = self._name(channel)
        is_private = channel.startswith("D") or event.get("channel_type") == "im"
        return {"names": names, "chat": f"#{title}" if title and not is_private else title}

    async def close(self) -> None:
        await end(*self.asking.values())

    def _name(self, one: str) -> str:
        name: str = self.memory.get(one, ("", 0.0))[0]
        return name

    async def _ask(self, api: WebApi, one: str) -> None:
        name, lasts = "", REFUSED_LASTS
        try:
            name = await _name_of(api, one)
            lasts = LASTS
        except TROUBLES:
            pass
        finally:
            self.memory[one] = (name or self._name(one), time.monotonic() + lasts)
            self.asking.pop(one, None)


async def _name_of(api: WebApi, one: str) -> str:
    if one[0] in "UW":
        user = (await api.ask("users.info", user=one)).get("user") or {}
        profile = user.get("profile") or {}
        return str(profile.get("display_name") or user.get("real_name") or user.get("name") or "")
    channel = (await api.ask("conversations.info", channel=one)).get("channel") or {}
    if channel.get("is_im") and channel.get("user"):
        return await _name_of(api, str(channel["user"]))
    return str(channel.get("name") or "")


def _ids(event: Mapping[str, Any]) -> set[str]:
    """Of the author, the channel and those that the text mentions."""
    message = event.get("message") if isinstance(event.get("message"), Mapping) else event
    assert isinstance(message, Mapping)
    text = message.get("text")
    found = {event.get("channel"), message.get("user")}
    found |= set(MENTIONED.findall(text)) if isinstance(text, str) else set()
    return {one for one in found if isinstance(one, str) and one[:1] in set("UWCGD")}
