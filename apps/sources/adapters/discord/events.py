"""What an event of Discord's says: a message, its edit, its deletion, the name of a thread.

One kind is our own, REMAINING: what the history of a channel still has.

The listener puts beside each event what the event itself leaves out: `place`, the channel with its
parent and server, `names` of channels and roles, `bot` and, of a deletion, when we heard of it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apps.sources.adapters.base import Unreadable, reason_of
from apps.sources.adapters.discord.shapes import File, Message, Place, Remaining, Told
from apps.sources.adapters.discord.text import plain, said_in_embeds
from apps.sources.envelope import ChatReference, Envelope, Notice, from_epoch

#: Types of what somebody says: a message, an answer, the answers to a slash or menu command.
SPOKEN = (0, 19, 20, 23)

FORWARDED = 1  # `message_reference.type`

#: Discord counts milliseconds from the first second of 2015, and the lower 22 bits are no time.
EPOCH = 1_420_070_400_000

#: The first part of a file's media type -> the kind of the message.
MEDIA = {"image": "photo", "video": "video", "audio": "audio"}


def read(payload: Mapping[str, Any], *, source_id: int) -> list[Envelope | Notice]:
    """See `base.Adapter.envelopes`."""
    raw = payload.get("d")
    if not isinstance(raw, Mapping):
        raise Unreadable("d is not an object")
    try:
        told = Told.model_validate(payload)
        match payload.get("t"):
            case "MESSAGE_CREATE" | "MESSAGE_UPDATE":
                return list(_said(raw, told, source_id, is_edit=payload["t"] == "MESSAGE_UPDATE"))
            case "MESSAGE_DELETE":
                return [_deleted(raw.get("id"), told, source_id)]
            case "MESSAGE_DELETE_BULK":
                return [_deleted(number, told, source_id) for number in raw.get("ids") or []]
            case "REMAINING":
                return [_remaining(Remaining.model_validate(raw), told, source_id)]
            case "THREAD_CREATE" | "THREAD_UPDATE" if told.place.parent:
                return [_topic(told, source_id)]
            case _:
                return []
    except ValueError as error:
        raise Unreadable(f"{payload.get('t')}: {reason_of(error)}") from error


def time_of(snowflake: int) -> float:
    """When it was made, in seconds since 1970."""
    return ((snowflake >> 22) + EPOCH) / 1000


def snowflake_of(seconds: float) -> int:
    """The first number of that time."""
    return max(0, int(seconds * 1000) - EPOCH) << 22


def _said(
    raw: Mapping[str, Any], told: Told, source_id: int, *, is_edit: bool
) -> tuple[Envelope, ...]:
    # A link got its preview, a message was pinned: nobody has changed a word.
    if is_edit and not (raw.get("edited_timestamp") and raw.get("author") and "content" in raw):
        return ()
    message = Message.model_validate(raw)
    if message.type not in SPOKEN or message.author.id == told.bot:
        return ()
    return (_envelope(message, raw, told, source_id),)


def _envelope(message: Message, raw: Mapping[str, Any], told: Told, source_id: int) -> Envelope:
    place = told.place
    return Envelope(
        source_id=source_id,
        external_id=f"{message.channel_id}:{message.id}",
        edit=int(message.edited_timestamp.timestamp()) if message.edited_timestamp else 0,
        chat=_chat(message, place),
        topic=place.topic,
        author_id=message.author.id,
        author_name=_name(message),
        text=_text(message, told.names),
        kind=_kind(message),
        sent_at=message.timestamp,
        reply_to=_reply_to(message, place),
        forwarded_from=_forwarded_from(message, told.names),
        files=tuple(file.filename for file in _files(message))[:100],
        url=f"https://discord.com/channels/{place.server_id or '@me'}/{message.channel_id}/{message.id}",
        is_from_bot=message.author.bot or message.webhook_id is not None,
        raw=_without_links_to_files(raw),
    )


def _deleted(number: Any, told: Told, source_id: int) -> Notice:
    if not isinstance(number, str) or not number.isdecimal():
        raise ValueError("no number of a message")
    key = f"{told.place.channel.id}:{number}"
    return Notice(
        notice="deleted",
        source_id=source_id,
        key=key,
        chat=told.place.chat,
        message=key,
        happened_at=from_epoch(told.heard_at),
    )


def _remaining(found: Remaining, told: Told, source_id: int) -> Notice:
    channel_id = told.place.channel.id
    return Notice(
        notice="remaining",
        source_id=source_id,
        key=f"{channel_id}/{told.heard_at:.3f}",
        chat=told.place.chat,
        happened_at=from_epoch(told.heard_at),
        data={
            "messages": [f"{channel_id}:{number}" for number in found.ids],
            "topic": told.place.topic,
            "since": from_epoch(time_of(int(found.since))).isoformat(),
            "until": from_epoch(time_of(int(found.until))).isoformat(),
        },
    )


def _topic(told: Told, source_id: int) -> Notice:
    thread = told.place.channel
    return Notice(
        notice="topic",
        source_id=source_id,
        key=f"{thread.id}/{told.heard_at:.3f}/{thread.name or ''}"[:200],
        chat=told.place.chat,
        happened_at=from_epoch(told.heard_at),
        data={"topic": thread.id, "title": thread.name or ""},
    )


def _chat(message: Message, place: Place) -> ChatReference:
    chat = place.chat
    if chat.kind == "private" and not chat.title:
        return chat.model_copy(update={"title": _name(message)[:200]})
    return chat


def _name(message: Message) -> str:
    nick = message.member.nick if message.member else None
    return nick or message.author.global_name or message.author.username or message.author.id


def _text(message: Message, names: Mapping[str, str]) -> str:
    known = {**names, **{user.id: user.shown_name or user.id for user in message.mentions}}
    parts = [plain(message.content, known), said_in_embeds(message.embeds, known)]
    for snapshot in message.message_snapshots:
        embeds = snapshot.message.get("embeds")
        parts.append(plain(str(snapshot.message.get("content") or ""), known))
        parts.append(said_in_embeds(embeds if isinstance(embeds, list) else [], known))
    if message.poll and message.poll.question.text:
        parts.append(message.poll.question.text)
    return "\n".join(part for part in parts if part)


def _files(message: Message) -> list[File]:
    passed_on = [
        File.model_validate(file)
        for snapshot in message.message_snapshots
        for file in snapshot.message.get("attachments") or []
    ]
    return [*message.attachments, *passed_on]


def _kind(message: Message) -> str:
    files = _files(message)
    if files:
        family = (files[0].content_type or "").partition("/")[0]
        return MEDIA.get(family, "document")
    if message.sticker_items and not message.content:
        return "sticker"
    return "poll" if message.poll else "text"


def _reply_to(message: Message, place: Place) -> str:
    reference = message.message_reference
    if reference and reference.type != FORWARDED and reference.message_id:
        return f"{reference.channel_id or message.channel_id}:{reference.message_id}"
    own = f"{message.channel_id}:{message.id}"
    return place.beginning if place.beginning != own else ""


def _forwarded_from(message: Message, names: Mapping[str, str]) -> str:
    """Discord tells the channel that it was said in, and not by whom."""
    reference = message.message_reference
    if reference is None or reference.type != FORWARDED or not reference.channel_id:
        return ""
    return f"#{names.get(reference.channel_id, reference.channel_id)}"


def _without_links_to_files(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Files stay as names: their addresses are open to whoever has them, and end after a day."""
    others = ("message_snapshots", "referenced_message")  # whole messages with files of their own
    kept = {key: value for key, value in raw.items() if key not in others}
    if raw.get("attachments"):
        fields = ("id", "filename", "content_type", "size")
        kept["attachments"] = [
            {key: file[key] for key in fields if key in file} for file in raw["attachments"]
        ]
    return kept


def moment_of(text: str) -> float:
    """Of a timestamp as Discord writes it; raises ValueError."""
    return datetime.fromisoformat(text).timestamp()
