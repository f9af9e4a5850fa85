"""HTTP and websockets in one ASGI application."""

import os
import sys
from http.cookies import CookieError, SimpleCookie
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tasktracker.settings.dev")
django_application = get_asgi_application()

# What follows needs the apps to be loaded.
from channels.db import database_sync_to_async  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.http import HttpRequest  # noqa: E402
from django.urls import reverse  # noqa: E402

from tasktracker.lib import loop  # noqa: E402
from tasktracker.lib.body_limit import BodyLimit, header  # noqa: E402
from tasktracker.lib.direct import Application, DirectViews, Receive, Scope, Send  # noqa: E402
from tasktracker.realtime.routing import websocket_application  # noqa: E402

#: Seconds that a thread may compute while others wait for Python's lock. A page takes many turns, a webhook
#: waits for a turn between any two of its steps: with the usual 5 ms it is late for no work of its own.
sys.setswitchinterval(0.0005)

BODY = 16_000_000  # bytes; the views that read one have limits of their own
FORM = 1_000_000  # bytes that a form adds to its file


async def limit_of(scope: dict[str, Any]) -> int:
    """Only who works in the admin uploads archives."""
    is_upload = scope["path"] == reverse("admin:sources_historyimport_add")
    if not is_upload or not await database_sync_to_async(_is_of_staff)(_session_of(scope)):
        return BODY
    return int(settings.UPLOAD_MAX_BYTES) + FORM


def _is_of_staff(session: str | None) -> bool:
    request = HttpRequest()
    request.session = SessionStore(session)
    user = get_user(request)
    return user.is_active and bool(getattr(user, "is_staff", False))


def _session_of(scope: dict[str, Any]) -> str | None:
    cookies: SimpleCookie = SimpleCookie()
    try:
        cookies.load(header(scope, b"cookie"))
    except CookieError:
        return None
    session = cookies.get(settings.SESSION_COOKIE_NAME)
    return session.value if session else None


_pages = BodyLimit(django_application, limit_of)
_protocols: Application = ProtocolTypeRouter(
    {"http": DirectViews(_pages, prefix="/webhook/"), "websocket": websocket_application}
)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    loop.adopt()
    await _protocols(scope, receive, send)
