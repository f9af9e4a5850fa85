"""What an event of Slack's says: a message, its edit, its deletion.

Events bring ids. Whoever may ask Slack puts beside an event what is `known`: names of people and channels.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, Field, StrictStr

from apps.sources.adapters.base import Unreadable, reason_of
from apps.sources.adapters.slack.text import (
    passed_on_from,
    plain,
    said_in_attachments,
    said_in_blocks,
)
from apps.sources.envelope import ChatKind, ChatReference, Envelope, Notice, from_epoch

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

    name: StrictStr | None = None
    title: StrictStr | None = None
    mimetype: StrictStr | None = None

    @property
    def shown_name(self) -> str:
        return self.name or self.title or ""


class _Placed(BaseModel):
    ts: Timestamp
    channel: Annotated[StrictStr, Field(min_length=1)]
    channel_type: StrictStr = ""


class _Gone(_Placed):
    event_ts: Timestamp | None = None


class _Message(_Placed):
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


class _Known(BaseModel):
    """What Slack says when it is asked."""

    names: dict[str, StrictStr] = {}  # of people by their ids, and of channels
    chat: StrictStr = ""
    home: StrictStr = ""  # "https://smachno.slack.com/"
    bot_id: StrictStr = ""


def read(payload: Mapping[str, Any], *, source_id: int) -> list[Envelope | Notice]:
    """See `base.Adapter.envelopes`."""
    event = payload.get("event")
    if not isinstance(event, Mapping):
        raise Unreadable("event is not an object")
    if event.get("type") != "message":
        return []
    try:
        known = _Known.model_validate(payload.get("known") or {})
        gone = _deleted(event, known, source_id)
        if gone is not None:
            return [gone]
        envelope = _envelope(event, known, source_id, app_id=payload.get("api_app_id"))
    except ValueError as error:
        raise Unreadable(f"message: {reason_of(error)}") from error
    return [] if envelope is None else [envelope]


def _envelope(
    event: Mapping[str, Any], known: _Known, source_id: int, *, app_id: Any
) -> Envelope | None:
    raw = _latest(event)
    if raw is None or _subtype(raw) not in SPOKEN:
        return None
    message = _Message.model_validate(raw)
    if _is_own(message, app_id) or (known.bot_id and message.bot_id == known.bot_id):
        return None
    author_id, author_name = _author(message, known)
    thread = _thread(message)
    forwarded_author_id, forwarded_from = passed_on_from(message.attachments or [])
    return Envelope(
        source_id=source_id,
        external_id=f"{message.channel}:{message.ts}",
        edit=int(float(message.edited.ts)) if message.edited else 0,
        chat=_chat(message, known),
        topic=thread,
        author_id=author_id,
        author_name=author_name,
        text=_text(message, known.names),
        kind=_kind(message),
        sent_at=from_epoch(float(message.ts)),
        reply_to=f"{message.channel}:{thread}" if thread else "",
        forwarded_from=forwarded_from,
        forwarded_author_id=forwarded_author_id,
        files=tuple(file.shown_name for file in message.files or [] if file.shown_name)[:100],
        url=_address(message, known.home),
        is_from_bot=bool(message.bot_id) or message.user == "USLACKBOT",
        raw=_without_links_to_files(raw),
    )


def _deleted(event: Mapping[str, Any], known: _Known, source_id: int) -> Notice | None:
    """A message that has answers leaves a tombstone, all others nothing."""
    if event.get("subtype") == "message_deleted":
        gone = _Gone.model_validate({**event, "ts": event.get("deleted_ts")})
    elif _is_tombstone(event):
        message = event if event["subtype"] == "tombstone" else event["message"]
        gone = _Gone.model_validate({**event, "ts": message.get("ts")})
    else:
        return None
    key = f"{gone.channel}:{gone.ts}"
    return Notice(
        notice="deleted",
        source_id=source_id,
        key=key,
        chat=_chat(gone, known),
        message=key,
        happened_at=from_epoch(float(gone.event_ts or gone.ts)),
    )


def _is_tombstone(event: Mapping[str, Any]) -> bool:
    if event.get("subtype") == "tombstone":
        return True
    message = event.get("message")
    return (
        event.get("subtype") == "message_changed"
        and isinstance(message, Mapping)
        and message.get("subtype") == "tombstone"
    )


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


def _author(message: _Message, known: _Known) -> tuple[str, str]:
    author_id = message.user or message.bot_id or ""
    profile = message.bot_profile if message.bot_id else message.user_profile
    name = (message.username or "") if message.bot_id else ""
    name = name or (profile.shown_name if profile else "") or known.names.get(author_id, "")
    return author_id, name or author_id


def _thread(message: _Message) -> str:
    """The first message of the thread that this one answers in."""
    return message.thread_ts if message.thread_ts and message.thread_ts != message.ts else ""


def _text(message: _Message, names: Mapping[str, str]) -> str:
    said = plain(message.text or "", names)
    beside = said_in_attachments(message.attachments or [])
    if not said and not beside:
        return said_in_blocks(message.blocks or [])
    return "\n".join(part for part in (said, beside) if part)


def _kind(message: _Message) -> str:
    if not message.files:
        return "text"
    family = (message.files[0].mimetype or "").partition("/")[0]
    return MEDIA.get(family, "document")


def _chat(message: _Placed, known: _Known) -> ChatReference:
    return ChatReference(external_id=message.channel, title=known.chat, kind=_chat_kind(message))


def _address(message: _Message, home: str) -> str:
    """Where people with access see it."""
    if not home.startswith("https://"):
        return ""
    address = f"{home.rstrip('/')}/archives/{message.channel}/p{message.ts.replace('.', '')}"
    thread = _thread(message)
    return f"{address}?thread_ts={thread}&cid={message.channel}" if thread else address


def _chat_kind(message: _Placed) -> ChatKind:
    if not message.channel_type and message.channel.startswith("D"):
        return "private"
    return CHAT_KINDS.get(message.channel_type, "other")


def _without_links_to_files(raw: dict[str, Any]) -> dict[str, Any]:
    """Files stay as names: their addresses need a token, and some are open to whoever has them."""
    kept = {key: value for key, value in raw.items() if key != "root"}
    for item in (kept, *_copied(kept, "attachments")):
        if "files" in item:
            item["files"] = [
                {key: file[key] for key in ("id", "name", "mimetype", "size") if key in file}
                for file in item["files"] or []
            ]
    return kept


def _copied(raw: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Puts copies in the place of what may not be changed."""
    if raw.get(name):
        raw[name] = [dict(item) for item in raw[name]]
    return raw.get(name) or []
