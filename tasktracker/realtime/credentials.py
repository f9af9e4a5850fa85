"""Who is at the other end of a websocket, now and a minute later.

The key of a token never travels in the address, which proxies log: programs send it in the header
`Authorization: Token <key>`, browsers as `new WebSocket(url, ["token", key])`.
"""

from dataclasses import dataclass
from typing import Any

from channels.db import database_sync_to_async
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends.db import SessionStore
from django.utils.crypto import constant_time_compare
from rest_framework.authtoken.models import Token

from apps.sources.models import Project

TOKEN_PROTOCOL = "token"  # noqa: S105 - the name of the subprotocol
SCHEMES = ("token", "bearer")


@dataclass(frozen=True)
class Credentials:
    session_key: str = ""
    token: str = ""
    subprotocol: str | None = None  # what the handshake must confirm

    @classmethod
    def of(cls, scope: dict[str, Any]) -> "Credentials":
        """From the handshake: a token when there is one, else the session."""
        protocols = scope.get("subprotocols") or []
        if len(protocols) == 2 and protocols[0] == TOKEN_PROTOCOL:
            return cls(token=protocols[1], subprotocol=TOKEN_PROTOCOL)
        header = dict(scope.get("headers") or []).get(b"authorization", b"").decode("latin-1")
        scheme, _, key = header.partition(" ")
        if scheme.lower() in SCHEMES:
            return cls(token=key.strip())
        session = scope.get("session")
        return cls(session_key=getattr(session, "session_key", None) or "")


@dataclass(frozen=True)
class Rights:
    """What a person may hear; `projects` maps ids to slugs."""

    user_id: int
    projects: dict[int, str]


class NotAuthenticated(Exception):
    """No session, no token, or an ended one."""


class NothingToSee(Exception):
    """A person without a project who is not staff."""


@database_sync_to_async
def rights_of(credentials: Credentials) -> Rights:
    """Read everything anew: sessions end, tokens are revoked, members leave."""
    user = _user_of(credentials)
    if user is None or not user.is_active:
        raise NotAuthenticated
    projects = dict(Project.visible_to(user).values_list("pk", "slug"))
    if not projects and not getattr(user, "is_staff", False):
        raise NothingToSee
    return Rights(user.pk, projects)


def _user_of(credentials: Credentials) -> AbstractBaseUser | None:
    if credentials.token:
        token = Token.objects.select_related("user").filter(key=credentials.token).first()
        return token.user if token else None
    if not credentials.session_key:
        return None
    session = SessionStore(credentials.session_key)
    user = get_user_model().objects.filter(pk=session.get(SESSION_KEY) or 0).first()
    if user is None:
        return None
    # A changed password ends the sessions that began with the old one.
    stored = session.get(HASH_SESSION_KEY, "")
    return user if constant_time_compare(stored, user.get_session_auth_hash()) else None
