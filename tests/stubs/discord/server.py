"""A local Discord: what happens on it, and the REST methods that we call, over real sockets.

Written after https://docs.discord.com/developers/resources/message. Its Gateway is in gateway.py.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.stubs.aio import serving
from tests.stubs.discord.gateway import TOKEN, Gateway

BOT_ID = "1203456789012345678"
SERVER_ID = "900000000000000001"
CHANNEL_ID = "900000000000000010"
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


class DiscordServer(Gateway):
    """A server with channels, as its members use it and as a bot may ask for it."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.channels: dict[str, dict[str, Any]] = {}
        self.threads: dict[str, dict[str, Any]] = {}
        self.roles = list(ROLES)
        self.errors: list[tuple[int, dict[str, Any]]] = []  # answered first by channels
        self.closed_to_us: set[str] = set()
        self.calls: list[str] = []
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

    def archive(self, thread_id: str) -> None:
        """Somebody closes it, or nobody has written in it for long."""
        metadata = self.threads[thread_id]["thread_metadata"]
        metadata.update(archived=True, archive_timestamp=datetime.now(UTC).isoformat())
        self.tell("THREAD_UPDATE", self.threads[thread_id])

    def active_threads(self) -> Iterator[dict[str, Any]]:
        return (one for one in self.threads.values() if not one["thread_metadata"]["archived"])

    def archived_threads(self, parent_id: str) -> dict[str, Any]:
        active = [one["id"] for one in self.active_threads()]
        found = [
            one
            for one in self.threads.values()
            if one["parent_id"] == parent_id and one["id"] not in active
        ]
        found.sort(key=lambda one: one["thread_metadata"]["archive_timestamp"], reverse=True)
        return {"threads": found, "members": [], "has_more": False}

    def post(self, text: str, channel_id: str = CHANNEL_ID, **changes: Any) -> dict[str, Any]:
        """Somebody writes; the message as Discord keeps it."""
        number = self.number()
        message = {
            "id": number,
            "type": 0,
            "channel_id": channel_id,
            "author": OLENA,
            "content": text,
            "timestamp": _moment_of(number).isoformat(),
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
                "threads": list(self.active_threads()),
                "members": [],
            },
            **{
                f"/channels/{parent}/threads/archived/public": self.archived_threads(parent)
                for parent in self.channels
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

    def greeting(self) -> dict[str, Any]:
        return {
            "user": USER,
            "guilds": [{"id": SERVER_ID, "unavailable": True}],
            "application": {"id": BOT_ID, "flags": self.flags},
        }

    def whole_server(self) -> dict[str, Any]:
        return {
            **self.server(),
            "joined_at": "2024-01-01T00:00:00+00:00",
            "large": False,
            "unavailable": False,
            "member_count": 2,
            "voice_states": [],
            "members": [],
            "presences": [],
            "channels": [_without_server(one) for one in self.channels.values()],
            "threads": list(self.active_threads()),
            "stage_instances": [],
            "guild_scheduled_events": [],
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


def _json(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    # Discord writes the type without a charset, and the library looks for exactly that.
    kind = {"Content-Type": "application/json"}
    return web.Response(
        body=json.dumps(body).encode(), status=status, headers={**kind, **(headers or {})}
    )


def _moment_of(number: str) -> datetime:
    return datetime.fromtimestamp(((int(number) >> 22) + EPOCH) / 1000, UTC)


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
        discord.drop()
