"""Slack: the events of an app, as the Events API posts them or Socket Mode brings them."""

import hashlib
import hmac
import logging
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictStr

from apps.sources.adapters.base import Finding, Inbox, Payload, Received, Refused, Request
from apps.sources.adapters.body import json_object
from apps.sources.adapters.slack.events import read
from apps.sources.envelope import Envelope, Notice
from tasktracker.lib.workflow import GiveUp

logger = logging.getLogger(__name__)

WINDOW = 5 * 60  # seconds that a signature is good for, either way


class Slack:
    label: ClassVar[Any] = _("Slack app")
    asks_first: ClassVar[bool] = True
    secret_header: ClassVar[str] = ""

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        app_token: SecretStr = Field(
            SecretStr(""), description="xapp-…; for Socket Mode, which needs no public address."
        )
        bot_token: SecretStr = Field(
            SecretStr(""), description="xoxb-…; for names, and for what was said during an outage."
        )
        signing_secret: SecretStr = Field(
            SecretStr(""), description="For events that Slack posts to this server."
        )
        workspace_id: StrictStr = Field(
            "",
            pattern=r"^(T[A-Z0-9]{2,30})?$",
            description="Empty: every workspace that has the app.",
        )

    def __init__(self, config: Config, *, source_id: int) -> None:
        self.config = config
        self.source_id = source_id
        self._memory: dict[str, Any] = {}  # names, while this process lives

    def receive(self, request: Request) -> Received:
        """One event, or the question whether we are there. See `base.Receiver`."""
        check_signature(request, self.config.signing_secret.get_secret_value(), now=time.time())
        body = json_object(request.body)
        if body.get("type") == "url_verification":
            return Received(answer={"challenge": _word(body, "challenge")})
        if body.get("type") != "event_callback":
            logger.warning("Slack says %s to source %d", ascii(body.get("type")), self.source_id)
            return Received()
        payload = self.accepted(body)
        return Received([payload] if payload else [])

    def accepted(self, body: Mapping[str, Any]) -> Payload | None:
        """What is kept of an event, however it came; raises Refused when it is none."""
        number = number_of(_word(body, "event_id"))
        if not self._is_of_workspace(body):
            logger.warning("source %d got an event of another workspace", self.source_id)
            return None
        # The old way to verify: a secret, though nobody needs it.
        return Payload({key: value for key, value in body.items() if key != "token"}, number)

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope | Notice]:
        """What one event says; nothing for service messages and other events."""
        return read(payload, source_id=self.source_id)

    def account(self) -> str:
        """The app, or with a bot token alone the bot, whose channels are read. See `base.Listener`."""
        app_token = self.config.app_token.get_secret_value().strip()
        bot_token = self.config.bot_token.get_secret_value().strip()
        if app_token:
            parts = app_token.split("-")
            if parts[0] != "xapp" or len(parts) < 4:
                raise GiveUp(gettext("This is no app-level token: those begin with xapp-."))
            return parts[2]
        return hashlib.sha256(bot_token.encode()).hexdigest()[:16] if bot_token else ""

    async def listen(self, inbox: Inbox, *, api_url: str, patience: int) -> None:
        """Socket Mode; without it, read now and then what no event told. See `base.Listener`."""
        # The library is slow to load, and the web process does not need it.
        from apps.sources.adapters.slack.socket import listen

        await listen(
            self.config.app_token.get_secret_value().strip(),
            self.config.bot_token.get_secret_value().strip(),
            inbox,
            accepted=self.accepted,
            memory=self._memory,
            api_url=api_url,
            patience=patience,
        )

    def check(self, *, api_url: str) -> list[Finding]:
        """Both tokens, what they allow, and which channels the bot is in. See `base.Checker`."""
        from apps.sources.adapters.slack.check import check

        return check(
            self.config.app_token.get_secret_value().strip(),
            self.config.bot_token.get_secret_value().strip(),
            has_secret=bool(self.config.signing_secret.get_secret_value()),
            workspace_id=self.config.workspace_id,
            api_url=api_url,
        )

    def _is_of_workspace(self, body: Mapping[str, Any]) -> bool:
        # A message of a shared channel may be written in one workspace and seen by us in another.
        if not self.config.workspace_id:
            return True
        installed = body.get("authorizations")
        places = [body, *(installed if isinstance(installed, list) else [])]
        found = {
            place.get(field)
            for place in places
            if isinstance(place, Mapping)
            for field in ("team_id", "context_team_id")
            if isinstance(place.get(field), str)
        }
        return self.config.workspace_id in found


def check_signature(request: Request, secret: str, *, now: float) -> None:
    """Raise Refused unless Slack has signed exactly this body, and not long ago."""
    stamp = request.headers.get("X-Slack-Request-Timestamp", "")
    given = request.headers.get("X-Slack-Signature", "")
    if not stamp or not given:
        raise Refused(401, gettext("Slack's signature is missing."))
    if not secret:
        raise Refused(403, gettext("The source has no signing secret yet."))
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 16):
        raise Refused(403, gettext("The signature is not Slack's."))
    if abs(now - int(stamp)) > WINDOW:
        raise Refused(403, gettext("The signature is too old, or a clock is wrong."))
    signed = b"v0:" + stamp.encode() + b":" + request.body
    wanted = "v0=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Refused(403, gettext("The signature is not Slack's."))


def number_of(event_id: str) -> int:
    """The same number for the same event, however often Slack sends it."""
    return int.from_bytes(hashlib.sha256(event_id.encode()).digest()[:8]) >> 1


def _word(body: Mapping[str, Any], field: str) -> str:
    value = body.get(field)
    if not isinstance(value, str) or not value.isascii() or not 0 < len(value) <= 500:
        raise Refused(400, gettext("The event has no usable “%(field)s”.") % {"field": field})
    return value
