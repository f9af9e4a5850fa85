"""Slack: the events of an app, as the Events API posts them."""

import hashlib
import hmac
import logging
import time
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictStr

from apps.sources.adapters.base import Payload, Received, Refused, Request, Unreadable, reason_of
from apps.sources.adapters.body import json_object
from apps.sources.adapters.slack_text import (
    passed_on_from,
    plain,
    said_in_attachments,
    said_in_blocks,
)
from apps.sources.envelope import ChatKind, ChatReference, Envelope, from_epoch

logger = logging.getLogger(__name__)

WINDOW = 5 * 60  # seconds that a signature is good for, either way

#: Subtypes of what somebody says; all others tell what happened to the channel.
SPOKEN = ("", "bot_message", "file_share", "me_message", "thread_broadcast")

CHAT_KINDS: dict[str, ChatKind] = {
    "channel": "channel",
    "group": "group",
    "mpim": "group",
    "im": "private",
    "app_home": "private",
}

#: The first part of a file's media type -> the kind of the message.
MEDIA = {"image": "photo", "video": "video", "audio": "audio"}

Timestamp = Annotated[StrictStr, Field(pattern=r"^[0-9]{1,12}\.[0-9]{1,6}$")]


class _Edited(BaseModel):
    ts: Timestamp


class _Profile(BaseModel):
    """`user_profile` or `bot_profile`."""

    display_name: StrictStr | None = None
    real_name: StrictStr | None = None
    name: StrictStr | None = None
    app_id: StrictStr | None = None

    @property
    def shown_name(self) -> str:
        return self.display_name or self.real_name or self.name or ""


class _File(BaseModel):
    """`mimetype` is missing where a file was deleted or is of another workspace."""

    mimetype: StrictStr | None = None


class _Message(BaseModel):
    ts: Timestamp
    channel: Annotated[StrictStr, Field(min_length=1)]
    channel_type: StrictStr = ""
    thread_ts: Timestamp | None = None
    edited: _Edited | None = None
    text: StrictStr | None = None
    blocks: list[dict[str, Any]] | None = None
    attachments: list[dict[str, Any]] | None = None
    files: list[_File] | None = None
    user: StrictStr | None = None
    bot_id: StrictStr | None = None
    app_id: StrictStr | None = None
    username: StrictStr | None = None
    user_profile: _Profile | None = None
    bot_profile: _Profile | None = None


class Slack:
    label: ClassVar[Any] = _("Slack app")
    asks_first: ClassVar[bool] = True
    secret_header: ClassVar[str] = ""

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        signing_secret: SecretStr = SecretStr("")
        workspace_id: StrictStr = Field(
            "",
            pattern=r"^(T[A-Z0-9]{2,30})?$",
            description="Empty: every workspace that has the app.",
        )

    def __init__(self, config: Config, *, source_id: int) -> None:
        self.config = config
        self.source_id = source_id

    def receive(self, request: Request) -> Received:
        """One event, or the question whether we are there. See `base.Receiver`."""
        check_signature(request, self.config.signing_secret.get_secret_value(), now=time.time())
        body = json_object(request.body)
        if body.get("type") == "url_verification":
            return Received(answer={"challenge": _word(body, "challenge")})
        if body.get("type") != "event_callback":
            logger.warning("Slack says %s to source %d", ascii(body.get("type")), self.source_id)
            return Received()
        number = number_of(_word(body, "event_id"))
        if not self._is_of_workspace(body):
            logger.warning("source %d got an event of another workspace", self.source_id)
            return Received()
        # The old way to verify: a secret, though nobody needs it.
        kept = {key: value for key, value in body.items() if key != "token"}
        return Received([Payload(kept, number)])

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope]:
        """The message of one event; nothing for service messages, deletions and other events."""
        event = payload.get("event")
        if not isinstance(event, Mapping):
            raise Unreadable("event is not an object")
        if event.get("type") != "message":
            return []
        try:
            envelope = self._envelope(event, app_id=payload.get("api_app_id"))
        except ValueError as error:
            raise Unreadable(f"message: {reason_of(error)}") from error
        return [] if envelope is None else [envelope]

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

    def _envelope(self, event: Mapping[str, Any], *, app_id: Any) -> Envelope | None:
        raw = _latest(event)
        if raw is None or _subtype(raw) not in SPOKEN:
            return None
        message = _Message.model_validate(raw)
        if _is_own(message, app_id):
            return None
        author_id, author_name = _author(message)
        return Envelope(
            source_id=self.source_id,
            external_id=f"{message.channel}:{message.ts}",
            edit=int(float(message.edited.ts)) if message.edited else 0,
            chat=ChatReference(external_id=message.channel, kind=_chat_kind(message)),
            topic=_thread(message),
            author_id=author_id,
            author_name=author_name,
            text=_text(message),
            kind=_kind(message),
            sent_at=from_epoch(float(message.ts)),
            reply_to=f"{message.channel}:{_thread(message)}" if _thread(message) else "",
            forwarded_from=passed_on_from(message.attachments or []),
            is_from_bot=bool(message.bot_id) or message.user == "USLACKBOT",
            raw=_without_links_to_files(raw),
        )


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


def _latest(event: Mapping[str, Any]) -> dict[str, Any] | None:
    """The message itself; none when this event brings no words."""
    if event.get("subtype") != "message_changed":
        return dict(event)
    message = event.get("message")
    if not isinstance(message, Mapping):
        raise Unreadable("message is not an object")
    # A link got its preview, a thread another answer: nobody has changed a word.
    if not message.get("edited"):
        return None
    place = {key: event[key] for key in ("channel", "channel_type") if key in event}
    return {**message, **place}


def _subtype(raw: Mapping[str, Any]) -> str:
    subtype = raw.get("subtype") or ""
    if not isinstance(subtype, str):
        raise Unreadable("subtype is not a string")
    return subtype


def _is_own(message: _Message, app_id: Any) -> bool:
    posted_by = message.app_id or (message.bot_profile.app_id if message.bot_profile else None)
    return bool(message.bot_id and posted_by and posted_by == app_id)


def _author(message: _Message) -> tuple[str, str]:
    author_id = message.user or message.bot_id or ""
    profile = message.bot_profile if message.bot_id else message.user_profile
    name = (message.username or "") if message.bot_id else ""
    return author_id, name or (profile.shown_name if profile else "") or author_id


def _thread(message: _Message) -> str:
    """The first message of the thread that this one answers in."""
    return message.thread_ts if message.thread_ts and message.thread_ts != message.ts else ""


def _text(message: _Message) -> str:
    said = plain(message.text or "")
    beside = said_in_attachments(message.attachments or [])
    if not said and not beside:
        return said_in_blocks(message.blocks or [])
    return "\n".join(part for part in (said, beside) if part)


def _kind(message: _Message) -> str:
    if not message.files:
        return "text"
    family = (message.files[0].mimetype or "").partition("/")[0]
    return MEDIA.get(family, "document")


def _chat_kind(message: _Message) -> ChatKind:
    if not message.channel_type and message.channel.startswith("D"):
        return "private"
    return CHAT_KINDS.get(message.channel_type, "other")


def _without_links_to_files(raw: dict[str, Any]) -> dict[str, Any]:
    """Files stay as names: their addresses need a token, and some are open to whoever has them."""
    if "files" not in raw:
        return raw
    names = [
        {key: file[key] for key in ("id", "name", "mimetype", "size") if key in file}
        for file in raw["files"] or []
    ]
    return {**raw, "files": names}
