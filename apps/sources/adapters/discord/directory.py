"""The names of a bot's servers, channels, threads and roles, and what to put beside an event.

Events bring ids. Names come from Discord when we begin, and from events that tell of changes.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from zlib import crc32

import discord

from apps.sources.adapters.base import Payload
from apps.sources.adapters.discord.library import Client
from apps.sources.adapters.discord.shapes import PRIVATE, TEXT, THREADS, WITH_MESSAGES, WITH_THREADS
from apps.sources.adapters.discord.text import MENTIONED

SERVERS_AT_ONCE = 200  # Discord gives no more


class Directory:
    """Whatever of a bot's surroundings has a name."""

    def __init__(self, bot_id: str) -> None:
        self.bot_id = bot_id
        self.servers: dict[str, str] = {}
        self.channels: dict[str, Mapping[str, Any]] = {}
        self.roles: dict[str, str] = {}
        self.away: set[str] = set()  # servers that do not answer just now

    async def ask(self, client: Client) -> None:
        """Read it all anew; raises what `library.TROUBLES` names."""
        async for server in _servers(client):
            self.servers[server["id"]] = server["name"]
            try:
                channels = await client.http.get_all_guild_channels(server["id"])
                threads = await client.http.get_active_threads(server["id"])
                roles = await client.http.get_roles(server["id"])
            except (discord.Forbidden, discord.NotFound, discord.DiscordServerError):
                self.away.add(server["id"])
                continue
            self.away.discard(server["id"])
            self._learn_server({**server, "channels": channels, **threads, "roles": roles})

    def learn(self, event: Mapping[str, Any]) -> bool:
        """Take names out of an event; True when a server is back, of which we have missed something."""
        data = event["d"]
        match event["t"]:
            case "GUILD_CREATE" | "GUILD_UPDATE":
                is_back = data["id"] in self.away and not data.get("unavailable")
                self._learn_server(data)
                if is_back:
                    self.away.discard(data["id"])
                return is_back
            case "GUILD_DELETE" if data.get("unavailable"):
                self.away.add(data["id"])
            case "GUILD_DELETE":  # it is no server of ours any more
                self.away.discard(data["id"])
            case "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE":
                self.channels[data["id"]] = data
            case "THREAD_LIST_SYNC":
                self.learn_channels(data["guild_id"], data["threads"])
            case "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE":
                self.roles[data["role"]["id"]] = data["role"]["name"]
            case _:
                pass
        return False

    def readable(self) -> Iterator[Mapping[str, Any]]:
        """Channels and threads of servers that may hold messages."""
        for channel in list(self.channels.values()):
            if channel["type"] in WITH_MESSAGES:
                yield channel

    def parents(self) -> list[str]:
        """Ids of channels in which threads may lie that were archived, which no list of a server has."""
        return [key for key, channel in self.channels.items() if channel["type"] in WITH_THREADS]

    def payload(self, kind: str, data: Mapping[str, Any]) -> Payload:
        """An event with what its adapter has to know besides."""
        channel_id = data["id"] if kind.startswith("THREAD") else data["channel_id"]
        told = {
            "t": kind,
            "d": data,
            "place": self._place(channel_id, data),
            "names": self._names(data),
            "bot": self.bot_id,
            "heard_at": time.time(),
        }
        return Payload(told, _number(data, channel_id))

    def _learn_server(self, server: Mapping[str, Any]) -> None:
        if server.get("name"):
            self.servers[server["id"]] = server["name"]
        self.learn_channels(server["id"], server.get("channels") or [])
        self.learn_channels(server["id"], server.get("threads") or [])
        self.roles.update({role["id"]: role["name"] for role in server.get("roles") or []})

    def learn_channels(self, server_id: str, channels: Sequence[Any]) -> None:
        # In the event of a whole server its channels do not name it.
        for channel in channels:
            self.channels[channel["id"]] = {"guild_id": server_id, **channel}

    def _place(self, channel_id: str, data: Mapping[str, Any]) -> dict[str, Any]:
        channel = self.channels.get(channel_id) or {}
        server_id = channel.get("guild_id") or data.get("guild_id") or ""
        place: dict[str, Any] = {
            "channel": {
                "id": channel_id,
                "type": channel.get("type", TEXT if server_id else PRIVATE),
                "name": channel.get("name"),
            },
            "server_id": server_id,
            "server": self.servers.get(server_id, ""),
        }
        if channel.get("type") in THREADS and channel.get("parent_id"):
            parent = self.channels.get(channel["parent_id"]) or {}
            place["parent"] = {
                "id": channel["parent_id"],
                "type": parent.get("type", TEXT),
                "name": parent.get("name"),
            }
        return place

    def _names(self, data: Mapping[str, Any]) -> dict[str, str]:
        """Of the channels and roles that the text mentions, and of the one that it comes from."""
        content = data.get("content")
        wanted = set(MENTIONED.findall(content)) if isinstance(content, str) else set()
        origin = data.get("message_reference")
        if isinstance(origin, Mapping):
            wanted.add(str(origin.get("channel_id")))
        known = {
            key: (self.channels.get(key) or {}).get("name") or self.roles.get(key) for key in wanted
        }
        return {key: name for key, name in known.items() if name}


def _number(data: Mapping[str, Any], channel_id: str) -> int:
    """Of a message its own; an edit, which has the same, is told apart by its moment."""
    number = str(data.get("id") or channel_id)
    edited_at = data.get("edited_timestamp")
    if edited_at:
        return crc32(f"{number} {edited_at}".encode())
    return int(number) if number.isdecimal() else 0


async def _servers(client: Client) -> Any:
    last = None
    while True:
        page: list[Any] = list(await client.http.get_guilds(SERVERS_AT_ONCE, after=last))
        for server in page:
            yield server
        if len(page) < SERVERS_AT_ONCE:
            return
        last = page[-1]["id"]
