"""A local Discord: the REST methods that we call and a Gateway with sessions, over real sockets.

Written after https://docs.discord.com/developers/events/gateway and .../resources/message.
"""

import asyncio
import json
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web

from tests.stubs.aio import Served, hang_up, serving

BOT_ID = "1203456789012345678"
TOKEN = "MTIwMzQ1Njc4OTAxMjM0NTY3OA.Gx1abc.a-token-that-nobody-may-see"
SERVER_ID = "900000000000000001"
CHANNEL_ID = "900000000000000010"
MESSAGE_CONTENT = 1 << 15
EPOCH = 1_420_070_400_000

USER = {
    "id": BOT_ID,
    "username": "tracker",
    "discriminator": "0420",
    "global_name": None,
    "avatar": None,
    "bot": True,
    "flags": 0,
}
OLENA = {
    "id": "700000000000000001",
    "username": "olena",
    "discriminator": "0",
    "global_name": "Олена Кравець",
    "avatar": "5f1c",
    "public_flags": 0,
}
ROLES = [
    {
        "id": SERVER_ID,
        "name": "@everyone",
        "permissions": str((1 << 10) | (1 << 16)),
        "position": 0,
        "color": 0,
        "hoist": False,
        "managed": False,
        "mentionable": False,
    }
]


class Session:
    """Remembers its events, so that a broken connection may ask for what it missed."""

    def __init__(self, number: int) -> None:
        self.id = f"session-{number}"
        self.events: list[dict[str, Any]] = []
        self.connection: Connection | None = None

    async def tell(self, kind: str, data: Any) -> None:
        event = {"op": 0, "t": kind, "s": len(self.events) + 1, "d": data}
        self.events.append(event)
        if self.connection is not None:
            await self.connection.send(event)


class Connection:
    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.request = request
        self.socket = socket
        wants = request.query.get("compress") == "zlib-stream"
        self.packer = zlib.compressobj() if wants else None

    async def send(self, frame: dict[str, Any]) -> None:
        data = json.dumps(frame).encode()
        try:
            if self.packer:
                packed = self.packer.compress(data) + self.packer.flush(zlib.Z_SYNC_FLUSH)
                await self.socket.send_bytes(packed)
            else:
                await self.socket.send_str(data.decode())
        except OSError:
            pass  # who listened has gone


class DiscordServer:
    """Tests speak to it from their own thread."""

    served: Served

    def __init__(self) -> None:
        self.flags = 1 << 19  # of the application: message content, as small bots have it
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.channels: dict[str, dict[str, Any]] = {}
        self.threads: dict[str, dict[str, Any]] = {}
        self.roles = list(ROLES)
        self.sessions: dict[str, Session] = {}
        self.errors: list[tuple[int, dict[str, Any]]] = []  # answered first by channels
        self.closed_to_us: set[str] = set()
        self.calls: list[str] = []
        self.identified = 0
        self.resumed = 0
        self.heartbeats = 0
        self.last_id = 0
        self.add_channel(CHANNEL_ID, "payments")

    # What happens on Discord

    def add_channel(self, channel_id: str, name: str, **changes: Any) -> None:
        self.channels[channel_id] = {
            "id": channel_id,
            "type": 0,
            "guild_id": SERVER_ID,
            "name": name,
            "position": len(self.channels),
            "permission_overwrites": [],
            "parent_id": None,
            "nsfw": False,
            "topic": None,
            "rate_limit_per_user": 0,
            "last_message_id": None,
            **changes,
        }

    def add_thread(self, parent_id: str, name: str, thread_id: str = "") -> str:
        """Begun on the message of this number, or on none."""
        thread_id = thread_id or self.number()
        now = datetime.now(UTC).isoformat()
        thread = {
            "id": thread_id,
            "type": 11,
            "guild_id": SERVER_ID,
            "parent_id": parent_id,
            "owner_id": OLENA["id"],
            "name": name,
            "last_message_id": None,
            "message_count": 0,
            "member_count": 1,
            "rate_limit_per_user": 0,
            "thread_metadata": {
                "archived": False,
                "archive_timestamp": now,
                "auto_archive_duration": 4320,
                "locked": False,
            },
        }
        self.threads[thread_id] = thread
        self.tell("THREAD_CREATE", {**thread, "newly_created": True})
        return thread_id

    def post(self, text: str, channel_id: str = CHANNEL_ID, **changes: Any) -> dict[str, Any]:
        """Somebody writes; the message as Discord keeps it."""
        number = self.number()
        message = {
            "id": number,
            "type": 0,
            "channel_id": channel_id,
            "author": OLENA,
            "content": text,
            "timestamp": datetime.now(UTC).isoformat(),
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [],
            "embeds": [],
            "pinned": False,
            "flags": 0,
            "components": [],
            **changes,
        }
        self.messages.setdefault(channel_id, []).append(message)
        place = self.channels.get(channel_id) or self.threads.get(channel_id)
        if place:
            place["last_message_id"] = number
        self.tell("MESSAGE_CREATE", self.told(message))
        return message

    def edit(self, message: dict[str, Any], text: str, *, after: float = 0) -> None:
        moment = datetime.fromtimestamp(time.time() + after, UTC).isoformat()
        message.update(content=text, edited_timestamp=moment)
        self.tell("MESSAGE_UPDATE", self.told(message))

    def delete(self, *messages: dict[str, Any]) -> None:
        ids = [message["id"] for message in messages]
        channel_id = messages[0]["channel_id"]
        kept = [one for one in self.messages[channel_id] if one["id"] not in ids]
        self.messages[channel_id] = kept
        where = {"channel_id": channel_id, "guild_id": SERVER_ID}
        if len(ids) == 1:
            self.tell("MESSAGE_DELETE", {"id": ids[0], **where})
        else:
            self.tell("MESSAGE_DELETE_BULK", {"ids": ids, **where})

    def told(self, message: dict[str, Any]) -> dict[str, Any]:
        """The Gateway's event: with the server, which the REST answer leaves out."""
        known = message["channel_id"] in self.channels or message["channel_id"] in self.threads
        if not known:
            return dict(message)
        member: dict[str, Any] = {
            "nick": None,
            "roles": [],
            "joined_at": "2024-01-01T00:00:00+00:00",
            "deaf": False,
        }
        return {**message, "guild_id": SERVER_ID, "member": {**member, "mute": False, "flags": 0}}

    def number(self) -> str:
        moment = (int(time.time() * 1000) - EPOCH) << 22
        self.last_id = max(moment, self.last_id + 1)
        return str(self.last_id)

    def tell(self, kind: str, data: Any) -> None:
        async def all_sessions() -> None:
            for session in self.sessions.values():
                await session.tell(kind, data)

        self.served.do(all_sessions())

    # What goes wrong

    def connections(self) -> list[Connection]:
        return [session.connection for session in self.sessions.values() if session.connection]

    def drop(self) -> None:
        """Pull the cable; sessions live on."""

        async def pull() -> None:
            for connection in self.connections():
                hang_up(connection.request)

        self.served.do(pull())

    def send(self, frame: dict[str, Any]) -> None:
        """RECONNECT is {"op": 7}, INVALID_SESSION {"op": 9, "d": false}."""

        async def send() -> None:
            for connection in self.connections():
                await connection.send(frame)

        self.served.do(send())

    def close(self, code: int) -> None:
        async def close() -> None:
            for connection in self.connections():
                await connection.socket.close(code=code)

        self.served.do(close())

    def invalidate(self) -> None:
        """Forget every session, and say so."""

        async def forget() -> None:
            connections = self.connections()
            self.sessions = {}
            for connection in connections:
                await connection.send({"op": 9, "d": False})

        self.served.do(forget())

    # REST

    async def answer(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/api/v10")
        self.calls.append(path)
        if request.headers.get("Authorization") != f"Bot {TOKEN}":
            return _json({"message": "401: Unauthorized", "code": 0}, status=401)
        if path.endswith("/messages"):
            return self.history(request, path.split("/")[2])
        found = self.facts(path)
        if found is None:
            return _json({"message": "404: Not Found", "code": 0}, status=404)
        return _json(found)

    def facts(self, path: str) -> Any:
        server: dict[str, Any] = {
            "id": SERVER_ID,
            "name": "Smachno",
            "icon": None,
            "features": [],
            "owner": False,
        }
        return {
            "/users/@me": USER,
            "/oauth2/applications/@me": {
                "id": BOT_ID,
                "name": "Task Tracker",
                "description": "",
                "icon": None,
                "bot_public": False,
                "bot_require_code_grant": False,
                "owner": OLENA,
                "verify_key": "00",
                "flags": self.flags,
            },
            "/gateway/bot": {
                "url": self.served.url.replace("http", "ws") + "/gateway",
                "shards": 1,
                "session_start_limit": {
                    "total": 1000,
                    "remaining": 1000 - self.identified,
                    "reset_after": 14_400_000,
                    "max_concurrency": 1,
                },
            },
            "/users/@me/guilds": [{**server, "permissions": ROLES[0]["permissions"]}],
            f"/guilds/{SERVER_ID}": self.server(),
            f"/guilds/{SERVER_ID}/channels": list(self.channels.values()),
            f"/guilds/{SERVER_ID}/threads/active": {
                "threads": list(self.threads.values()),
                "members": [],
            },
            f"/guilds/{SERVER_ID}/roles": self.roles,
            f"/guilds/{SERVER_ID}/members/{BOT_ID}": {
                "user": USER,
                "nick": None,
                "roles": [],
                "joined_at": "2024-01-01T00:00:00+00:00",
                "deaf": False,
                "mute": False,
                "flags": 0,
            },
        }.get(path)

    def server(self) -> dict[str, Any]:
        return {
            "id": SERVER_ID,
            "name": "Smachno",
            "icon": None,
            "splash": None,
            "discovery_splash": None,
            "owner_id": OLENA["id"],
            "afk_timeout": 300,
            "verification_level": 1,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "roles": self.roles,
            "emojis": [],
            "features": [],
            "mfa_level": 0,
            "system_channel_flags": 0,
            "premium_tier": 0,
            "preferred_locale": "uk",
            "nsfw_level": 0,
            "premium_progress_bar_enabled": False,
            "stickers": [],
        }

    def history(self, request: web.Request, channel_id: str) -> web.StreamResponse:
        limits = {
            "X-RateLimit-Limit": "50",
            "X-RateLimit-Remaining": "49",
            "X-RateLimit-Reset-After": "1.0",
            "X-RateLimit-Bucket": "e06dcd72d68d",
            "Via": "1.1 google",
        }
        if self.errors:
            status, body = self.errors.pop(0)
            return _json(body, status=status, headers=limits)
        if channel_id in self.closed_to_us:
            refusal = {"message": "Missing Access", "code": 50001}
            return _json(refusal, status=403, headers=limits)
        found = list(self.messages.get(channel_id, []))
        number = int(request.query.get("limit", 50))
        if "after" in request.query:
            found = [one for one in found if int(one["id"]) > int(request.query["after"])][:number]
        elif "before" in request.query:
            found = [one for one in found if int(one["id"]) < int(request.query["before"])]
        return _json(found[-number:][::-1], headers=limits)

    # Gateway

    async def gateway(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        connection = Connection(request, socket)
        hello = {"heartbeat_interval": 41250}
        await connection.send({"op": 10, "s": None, "t": None, "d": hello})
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT:
                    break
                await self.hear(connection, json.loads(message.data))
        except OSError:
            pass
        finally:
            for session in self.sessions.values():
                if session.connection is connection:
                    session.connection = None
        return socket

    async def hear(self, connection: Connection, frame: dict[str, Any]) -> None:
        match frame["op"]:
            case 1:
                self.heartbeats += 1
                await connection.send({"op": 11})
            case 2:
                await self.identify(connection, frame["d"])
            case 6:
                await self.resume(connection, frame["d"])
            case _:
                pass

    async def identify(self, connection: Connection, data: dict[str, Any]) -> None:
        self.identified += 1
        if data["token"] != TOKEN:
            await connection.socket.close(code=4004)
            return
        if data["intents"] & MESSAGE_CONTENT and not self.flags:
            await connection.socket.close(code=4014)
            return
        session = Session(next(_numbers))
        session.connection = connection
        self.sessions[session.id] = session
        ready = {
            "v": 10,
            "user": USER,
            "guilds": [{"id": SERVER_ID, "unavailable": True}],
            "session_id": session.id,
            "resume_gateway_url": self.served.url.replace("http", "ws") + "/gateway",
            "application": {"id": BOT_ID, "flags": self.flags},
        }
        await session.tell("READY", ready)
        whole = {
            **self.server(),
            "joined_at": "2024-01-01T00:00:00+00:00",
            "large": False,
            "unavailable": False,
            "member_count": 2,
            "voice_states": [],
            "members": [],
            "presences": [],
            "channels": [_without_server(one) for one in self.channels.values()],
            "threads": list(self.threads.values()),
            "stage_instances": [],
            "guild_scheduled_events": [],
        }
        await session.tell("GUILD_CREATE", whole)

    async def resume(self, connection: Connection, data: dict[str, Any]) -> None:
        session = self.sessions.get(data["session_id"])
        if session is None:
            await connection.send({"op": 9, "d": False})
            return
        self.resumed += 1
        session.connection = None
        for event in session.events[data["seq"] :]:
            await connection.send(event)
        session.connection = connection
        await session.tell("RESUMED", {"_trace": []})


_numbers = count(1)


def _json(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    # Discord writes the type without a charset, and the library looks for exactly that.
    kind = {"Content-Type": "application/json"}
    return web.Response(
        body=json.dumps(body).encode(), status=status, headers={**kind, **(headers or {})}
    )


def _without_server(channel: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in channel.items() if key != "guild_id"}


@contextmanager
def discord_server() -> Iterator[DiscordServer]:
    discord = DiscordServer()
    application = web.Application()
    application.router.add_get("/gateway", discord.gateway)
    application.router.add_get("/gateway/", discord.gateway)
    application.router.add_route("*", "/api/v10/{rest:.*}", discord.answer)
    with serving(application) as served:
        discord.served = served
        yield discord
        served.do(_let_go(discord))


async def _let_go(discord: DiscordServer) -> None:
    for connection in discord.connections():
        hang_up(connection.request)
    await asyncio.sleep(0)
