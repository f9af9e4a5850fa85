"""A local Slack: the methods of the Web API that we call, and Socket Mode, over real sockets.

An event stays until somebody acknowledges it; when a connection breaks, the next one gets it. (Slack
itself waits up to five minutes before that.)
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web

from tests.stubs.aio import Served, hang_up, serving

APP_ID = "A06TRACKER1"
APP_TOKEN = f"xapp-1-{APP_ID}-777-a-token-that-nobody-may-see"
BOT_TOKEN = "xoxb-555-777-a-token-that-nobody-may-see"
TEAM_ID = "T05SMACHNO"
BOT_ID = "B06TRACKBOT"
CHANNEL = "C07DEVCHAT1"
OLENA = "U05OLENAKR1"
SCOPES = (
    "channels:history,groups:history,im:history,mpim:history,"
    "channels:read,groups:read,im:read,mpim:read,users:read"
)


class Link:
    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        self.request = request
        self.socket = socket
        self.sent: set[str] = set()

    async def send(self, frame: dict[str, Any]) -> None:
        try:
            await self.socket.send_str(json.dumps(frame))
        except OSError:
            pass  # who listened has gone


class SlackServer:
    """Tests speak to it from their own thread."""

    served: Served

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.waiting: dict[str, dict[str, Any]] = {}  # not acknowledged
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.channels: dict[str, dict[str, Any]] = {}
        self.users = {OLENA: "Олена Кравець"}
        self.scopes = SCOPES
        self.errors: dict[str, list[str]] = {}  # by method; "ratelimited" is a 429
        self.calls: list[str] = []
        self.opened = 0
        self.acknowledged = 0
        self.is_listening = True  # whether events are brought at all
        self._numbers = count(1)
        self._last = 0
        self.add_channel(CHANNEL, "payments")

    # What happens in Slack

    def add_channel(self, channel: str, name: str, **changes: Any) -> None:
        place = {"id": channel, "name": name, "is_channel": True, "is_im": False}
        self.channels[channel] = {**place, "is_member": True, **changes}

    def stamp(self) -> str:
        self._last = max(int(time.time() * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def post(self, text: str, channel: str = CHANNEL, **changes: Any) -> dict[str, Any]:
        """Somebody writes; the message as Slack keeps it."""
        message = {"type": "message", "user": OLENA, "text": text, "ts": self.stamp(), **changes}
        self.messages.setdefault(channel, []).append(message)
        thread = message.get("thread_ts")
        for first in self.messages[channel]:
            if thread and first["ts"] == thread:
                first.update(thread_ts=thread, latest_reply=message["ts"])
        self.tell({**message, "channel": channel, "channel_type": "channel"})
        return message

    def edit(
        self, message: dict[str, Any], text: str, channel: str = CHANNEL, *, after: float = 0
    ) -> None:
        moment = f"{time.time() + after:.6f}"
        before = dict(message)
        message.update(text=text, edited={"user": OLENA, "ts": moment})
        self._tell_change("message_changed", channel, message=message, previous_message=before)

    def delete(self, message: dict[str, Any], channel: str = CHANNEL) -> None:
        self.messages[channel].remove(message)
        self._tell_change(
            "message_deleted", channel, deleted_ts=message["ts"], previous_message=message
        )

    def _tell_change(self, subtype: str, channel: str, **about: Any) -> None:
        stamp = self.stamp()
        where = {"channel": channel, "channel_type": "channel", "hidden": True}
        self.tell(
            {
                "type": "message",
                "subtype": subtype,
                **where,
                "ts": stamp,
                "event_ts": stamp,
                **about,
            }
        )

    def tell(self, event: dict[str, Any]) -> None:
        if not self.is_listening:
            return
        number = next(self._numbers)
        body = {
            "token": "verification-token-of-the-app",
            "team_id": TEAM_ID,
            "context_team_id": TEAM_ID,
            "api_app_id": APP_ID,
            "event": dict(event),
            "type": "event_callback",
            "event_id": f"Ev{number:010d}",
            "event_time": int(time.time()),
        }
        self.send_envelope("events_api", body, accepts_response_payload=False, retry_attempt=0)

    def send_envelope(self, kind: str, payload: dict[str, Any], **more: Any) -> None:
        envelope_id = f"envelope-{next(self._numbers)}"
        frame = {"envelope_id": envelope_id, "type": kind, "payload": payload, **more}
        self.waiting[envelope_id] = frame

        async def bring() -> None:
            if self.links:
                await self._bring(self.links[next(self._numbers) % len(self.links)], frame)

        self.served.do(bring())

    async def _bring(self, link: Link, frame: dict[str, Any]) -> None:
        link.sent.add(frame["envelope_id"])
        await link.send(frame)

    # What goes wrong

    def drop(self) -> None:
        """Pull every cable."""

        async def pull() -> None:
            for link in self.links:
                hang_up(link.request)

        self.served.do(pull())

    def disconnect(self, reason: str) -> None:
        """Say that every connection will end: "warning", "refresh_requested", "link_disabled"."""

        async def say() -> None:
            for link in self.links:
                await link.send({"type": "disconnect", "reason": reason, "debug_info": {}})

        self.served.do(say())

    def close_oldest(self) -> None:
        async def close() -> None:
            await self.links[0].socket.close()

        self.served.do(close())

    # Web API

    async def answer(self, request: web.Request) -> web.StreamResponse:
        method = request.path.removeprefix("/api/")
        self.calls.append(method)
        question = {**request.query, **(await request.post())}
        wanted = APP_TOKEN if method == "apps.connections.open" else BOT_TOKEN
        if request.headers.get("Authorization") != f"Bearer {wanted}":
            return web.json_response({"ok": False, "error": "invalid_auth"})
        if self.errors.get(method):
            error = self.errors[method].pop(0)
            if error == "ratelimited":
                body = {"ok": False, "error": error}
                return web.json_response(body, status=429, headers={"Retry-After": "0"})
            return web.json_response({"ok": False, "error": error, "needed": "users:read"})
        found = self.facts(method, question)
        if "error" in found:
            return web.json_response({"ok": False, **found})
        headers = {"x-oauth-scopes": self.scopes}
        return web.json_response({"ok": True, **found}, headers=headers)

    def facts(self, method: str, question: dict[str, Any]) -> dict[str, Any]:
        match method:
            case "apps.connections.open":
                address = self.served.url.replace("http", "ws")
                return {"url": f"{address}/link/?ticket=a-ticket&app_id={APP_ID}"}
            case "auth.test":
                return {
                    "url": "https://smachno.slack.com/",
                    "team": "Smachno",
                    "user": "tasktracker",
                    "team_id": TEAM_ID,
                    "user_id": "U06TRACKBOT",
                    "bot_id": BOT_ID,
                }
            case "users.info":
                name = self.users.get(question["user"])
                if name is None:
                    return {"error": "user_not_found"}
                profile = {"display_name": "", "real_name": name}
                return {"user": {"id": question["user"], "real_name": name, "profile": profile}}
            case "conversations.info":
                channel = self.channels.get(question["channel"])
                return {"channel": channel} if channel else {"error": "channel_not_found"}
            case "users.conversations":
                is_public = question["types"].startswith("public")
                return {"channels": list(self.channels.values()) if is_public else []}
            case "conversations.history":
                return self._page(self._said(question, is_answer=False), question)
            case "conversations.replies":
                return self._page(self._said(question, is_answer=True), question)
            case _:
                return {"error": "unknown_method"}

    def _said(self, question: dict[str, Any], *, is_answer: bool) -> list[dict[str, Any]]:
        """Of a channel, or of a thread, whose first message always comes along."""
        everything = self.messages.get(question["channel"], [])
        first = question.get("ts")
        found = [
            one
            for one in everything
            if float(one["ts"]) > float(question.get("oldest", 0))
            and (one.get("thread_ts", one["ts"]) == (first if is_answer else one["ts"]))
        ]
        if is_answer:
            beginning = [one for one in everything if one["ts"] == first]
            return beginning + [one for one in found if one["ts"] != first]
        return found[::-1]

    def _page(self, found: list[dict[str, Any]], question: dict[str, Any]) -> dict[str, Any]:
        start, number = int(question.get("cursor") or 0), int(question["limit"])
        rest = start + number < len(found)
        return {
            "messages": found[start : start + number],
            "has_more": rest,
            "response_metadata": {"next_cursor": str(start + number) if rest else ""},
        }

    # Socket Mode

    async def link(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        link = Link(request, socket)
        self.opened += 1
        await link.send(
            {
                "type": "hello",
                "num_connections": len(self.links) + 1,
                "debug_info": {"host": "applink-1", "approximate_connection_time": 18060},
                "connection_info": {"app_id": APP_ID},
            }
        )
        on_others = {one for other in self.links for one in other.sent}
        self.links.append(link)
        for frame in list(self.waiting.values()):
            if frame["envelope_id"] not in on_others:
                await self._bring(link, {**frame, "retry_attempt": 1, "retry_reason": "timeout"})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self.waiting.pop(json.loads(message.data)["envelope_id"], None)
                    self.acknowledged += 1
        except OSError:
            pass
        finally:
            self.links.remove(link)
        return socket


@contextmanager
def slack_server() -> Iterator[SlackServer]:
    slack = SlackServer()
    application = web.Application()
    application.router.add_get("/link/", slack.link)
    application.router.add_route("*", "/api/{method}", slack.answer)
    with serving(application) as served:
        slack.served = served
        yield slack
        slack.drop()
