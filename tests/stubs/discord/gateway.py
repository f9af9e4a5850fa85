"""Discord's Gateway: sessions that remember their events, and connections that break.

Written after https://docs.discord.com/developers/events/gateway.
"""

import json
import zlib
from abc import ABC, abstractmethod
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web

from tests.stubs.aio import Served, hang_up

TOKEN = "MTIwMzQ1Njc4OTAxMjM0NTY3OA.Gx1abc.a-token-that-nobody-may-see"
MESSAGE_CONTENT = 1 << 15

_numbers = count(1)


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


class Gateway(ABC):
    """Tests speak to it from their own thread."""

    served: Served

    def __init__(self) -> None:
        self.flags = 1 << 19  # of the application: message content, as small bots have it
        self.sessions: dict[str, Session] = {}
        self.identified = 0
        self.resumed = 0
        self.heartbeats = 0

    @abstractmethod
    def greeting(self) -> dict[str, Any]:
        """What READY says of the bot and its servers."""

    @abstractmethod
    def whole_server(self) -> dict[str, Any]:
        """The server as GUILD_CREATE tells it."""

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

    # What a bot says

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
            **self.greeting(),
            "v": 10,
            "session_id": session.id,
            "resume_gateway_url": self.served.url.replace("http", "ws") + "/gateway",
        }
        await session.tell("READY", ready)
        await session.tell("GUILD_CREATE", self.whole_server())

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
