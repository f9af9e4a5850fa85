"""A websocket that speaks to the real consumer; channels' own communicator needs daphne."""

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator

from tasktracker.realtime.hub import hub
from tasktracker.realtime.routing import websocket_application


class Browser(ApplicationCommunicator):
    """One websocket of a test."""

    def __init__(
        self,
        query: str = "",
        *,
        path: str = "/ws",
        headers: list[tuple[bytes, bytes]] | None = None,
        protocols: list[str] | None = None,
        app: Any = websocket_application,
    ) -> None:
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": headers or [],
            "subprotocols": protocols or [],
        }
        super().__init__(app, scope)

    @property
    def live(self) -> Any:
        """The consumer at the other end."""
        (connection,) = hub().connections
        return connection

    async def handshake(self) -> dict[str, Any]:
        """The server's answer: an accept or a close."""
        await self.send_input({"type": "websocket.connect"})
        answer: dict[str, Any] = await self.receive_output(timeout=5)
        return answer

    async def send_text(self, text: str) -> None:
        await self.send_input({"type": "websocket.receive", "text": text})

    async def send_bytes(self, content: bytes) -> None:
        await self.send_input({"type": "websocket.receive", "bytes": content})

    async def send_json(self, content: Any) -> None:
        await self.send_text(json.dumps(content))

    async def frames(self, count: int) -> list[dict[str, Any]]:
        return [json.loads((await self.receive_output(timeout=5))["text"]) for _ in range(count)]

    async def frame(self) -> dict[str, Any]:
        return (await self.frames(1))[0]

    async def close_code(self) -> int:
        message = await self.receive_output(timeout=5)
        assert message["type"] == "websocket.close"
        return int(message["code"])

    async def leave(self) -> None:
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(timeout=5)
