"""Async views without Django's middleware, for addresses that programs call many times a second.

A page needs sessions, languages and forms; each middleware for them changes the thread twice, and together
they took four fifths of the processor time of a webhook. Here a request is read, its view is called, and the
answer is sent. Nobody gives back the view's database connection: see `with_database`.
"""

from collections.abc import Awaitable, Callable
from functools import lru_cache
from io import BytesIO
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.exception import convert_exception_to_response
from django.db import connections
from django.http import HttpRequest, HttpResponseBase
from django.urls import resolve

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Result = TypeVar("Result")


class DirectViews:
    """An ASGI application: the async views below `prefix`; everything else is somebody else's."""

    def __init__(self, otherwise: Application, *, prefix: str) -> None:
        self.otherwise = otherwise
        self.prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith(self.prefix):
            await self.otherwise(scope, receive, send)
            return
        body = await _body(receive)
        if body is None:
            return
        response = await _respond(ASGIRequest(scope, BytesIO(body)))
        headers = [(name.encode(), value.encode("latin1")) for name, value in response.items()]
        await send(
            {"type": "http.response.start", "status": response.status_code, "headers": headers}
        )
        await send({"type": "http.response.body", "body": response.content})


async def with_database(function: Callable[..., Result], *arguments: Any) -> Result:
    """Call it in a thread that may wait for the database, and give the connection back."""

    def call() -> Result:
        try:
            return function(*arguments)
        finally:
            for connection in connections.all(initialized_only=True):
                if not connection.in_atomic_block:
                    connection.close_if_unusable_or_obsolete()

    return await sync_to_async(call)()


async def _body(receive: Receive) -> bytes | None:
    """Not much more than the view may take; None when who asked has gone."""
    parts = []
    size = 0
    while size <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body", False):
            break
    return b"".join(parts)


async def _view(request: HttpRequest) -> HttpResponseBase:
    match = _resolved(request.path_info)
    response: HttpResponseBase = await match.func(request, *match.args, **match.kwargs)
    return response


#: Programs call few addresses, and each search costs as much as reading the message.
_resolved = lru_cache(maxsize=500)(resolve)
_respond: Any = convert_exception_to_response(_view)
