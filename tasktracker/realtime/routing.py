"""Addresses of websockets, and what stands in front of them."""

from typing import Any

from channels.routing import URLRouter
from channels.security.websocket import OriginValidator
from channels.sessions import SessionMiddlewareStack
from django.conf import settings
from django.urls import re_path

from tasktracker.realtime.consumers import LiveConsumer

websocket_urls: list[Any] = [re_path(r"^ws/?$", LiveConsumer.as_asgi())]  # type: ignore[arg-type] # no view


class OwnPagesOrPrograms(OriginValidator):
    """Pages of other sites may not use a person's session; programs, which send no Origin, may try a token."""

    def valid_origin(self, parsed_origin: Any) -> bool:
        # Every browser sends an Origin with the handshake, so its absence cannot be forged by a page.
        return parsed_origin is None or bool(self.validate_origin(parsed_origin))


websocket_application = OwnPagesOrPrograms(
    SessionMiddlewareStack(URLRouter(websocket_urls)), settings.ALLOWED_HOSTS
)
