"""Refuses request bodies that are too long before they are kept: Django's ASGI handler spools them whole.

It does so before anybody knows who asks, so that a stranger could fill the disk.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class TooLong(Exception):
    """More came than was allowed."""


class BodyLimit:
    """An ASGI application that asks `limit_of(scope)` how many bytes a request may bring."""

    def __init__(
        self, application: Application, limit_of: Callable[[Scope], Awaitable[int]]
    ) -> None:
        self.application = application
        self.limit_of = limit_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit = await self.limit_of(scope)
        if _announced(scope) > limit:
            await _refuse(send)
            return
        taken = 0

        async def receive_within_limit() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise TooLong
            return message

        try:
            await self.application(scope, receive_within_limit, send)
        except TooLong:  # its length was not announced; nothing was answered yet
            await _refuse(send)


def header(scope: Scope, name: bytes) -> str:
    """A header's value, or nothing."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")


def _announced(scope: Scope) -> int:
    length = header(scope, b"content-length")
    return int(length) if length.isdecimal() else 0


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": b"The request is too large.\n"})
