"""Telegram: one Message of the Bot API as an envelope. Plain Python."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from apps.sources.envelope import ChatKind, ChatReference, Envelope, from_epoch

#: Bot API field -> the kind of the message; the first one present wins (an animation is also a document).
MEDIA = (
    "animation",
    "audio",
    "document",
    "paid_media",
    "photo",
    "sticker",
    "story",
    "video",
    "video_note",
    "voice",
    "checklist",
    "contact",
    "dice",
    "game",
    "poll",
    "venue",
    "location",
)

#: Fields that hold another message or words of it, and what of that is kept beside ours.
ANSWERED = frozenset({"reply_to_message", "external_reply", "quote"})
NUMBERED = frozenset({"message_id", "id", "chat", "from", "sender_chat", "origin", "sender_user"})

CHAT_KINDS: dict[str, ChatKind] = {
    "private": "private",
    "group": "group",
    "supergroup": "supergroup",
    "channel": "channel",
}


class User(BaseModel):
    id: StrictInt
    is_bot: StrictBool = False
    first_name: StrictStr = ""
    last_name: StrictStr = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class Chat(BaseModel):
    id: StrictInt
    type: StrictStr = ""
    title: StrictStr = ""
    username: StrictStr = ""
    first_name: StrictStr = ""
    last_name: StrictStr = ""

    @property
    def reference(self) -> ChatReference:
        kind = CHAT_KINDS.get(self.type, "other")
        return ChatReference(external_id=str(self.id), title=self.name, kind=kind)

    @property
    def name(self) -> str:
        return self.title or f"{self.first_name} {self.last_name}".strip()


class _Origin(BaseModel):
    """`forward_origin`: a user, a hidden user, a chat or a channel."""

    sender_user: User | None = None
    sender_user_name: StrictStr = ""
    sender_chat: Chat | None = None
    chat: Chat | None = None

    @property
    def name(self) -> str:
        known = self.sender_user or self.sender_chat or self.chat
        return known.name if known else self.sender_user_name


class _TopicCreated(BaseModel):
    name: StrictStr = ""


class _Reply(BaseModel):
    """The answered message, one level deep; `chat` may be another one."""

    message_id: StrictInt | None = None
    chat: Chat | None = None
    forum_topic_created: _TopicCreated | None = None


class _Quote(BaseModel):
    """The words of the answered message that the answer is about."""

    text: StrictStr = ""


class _File(BaseModel):
    file_name: StrictStr = ""


class _Poll(BaseModel):
    question: StrictStr = ""


class _Message(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    message_id: StrictInt
    date: StrictInt
    chat: Chat
    sender: User | None = Field(None, alias="from")
    sender_chat: Chat | None = None
    edit_date: StrictInt | None = None
    text: StrictStr | None = None
    caption: StrictStr | None = None
    poll: _Poll | None = None
    message_thread_id: StrictInt | None = None
    is_topic_message: StrictBool = False
    reply_to_message: _Reply | None = None
    external_reply: _Reply | None = None
    quote: _Quote | None = None
    media_group_id: StrictStr = ""
    animation: _File | None = None
    audio: _File | None = None
    document: _File | None = None
    video: _File | None = None
    forward_origin: _Origin | None = None
    # Before Bot API 7.0
    forward_from: User | None = None
    forward_from_chat: Chat | None = None
    forward_sender_name: StrictStr = ""


def read_message(raw: dict[str, Any], source_id: int) -> Envelope | None:
    """None for a service message; raises ValueError for what the Bot API does not document."""
    kind = _kind(raw)
    message = _Message.model_validate(raw)
    if kind is None:
        return None
    author_id, author_name = _author(message)
    topic = str(message.message_thread_id or "") if message.is_topic_message else ""
    return Envelope(
        source_id=source_id,
        external_id=f"{message.chat.id}:{message.message_id}",
        edit=message.edit_date or 0,
        chat=message.chat.reference,
        topic=topic,
        topic_title=_topic_title(message) if topic else "",
        author_id=author_id,
        author_name=author_name,
        # A page of ours: Telegram's own address holds the bot's token.
        avatar_url=f"/avatars/{source_id}/{author_id}" if author_id.isdecimal() else "",
        text=_text(message),
        kind=kind,
        sent_at=from_epoch(message.date),
        reply_to=_reply_to(message),
        quote=message.quote.text if message.quote else "",
        forwarded_from=_forwarded_from(message),
        forwarded_author_id=_forwarded_author_id(message),
        album=message.media_group_id,
        files=_files(message),
        url=_url(message.chat, topic, message.message_id),
        is_from_bot=bool(message.sender and message.sender.is_bot and not message.sender_chat),
        raw=_without_words_of_others(raw),
    )


def _kind(raw: Mapping[str, Any]) -> str | None:
    """None for a service message: somebody joined, a topic was created, a title changed."""
    for field in MEDIA:
        if raw.get(field) is not None:
            return field
    if _is_command(raw):
        return "command"
    return "text" if raw.get("text") is not None or raw.get("caption") is not None else None


def _is_command(raw: Mapping[str, Any]) -> bool:
    """Whether it begins with one; a command amid the words is only words."""
    entities = raw.get("entities")
    first = entities[0] if isinstance(entities, list) and entities else None
    is_first = isinstance(first, Mapping) and first.get("offset") == 0
    return is_first and first.get("type") == "bot_command"  # type: ignore[union-attr]


def _text(message: _Message) -> str:
    return message.text or message.caption or (message.poll.question if message.poll else "")


def _author(message: _Message) -> tuple[str, str]:
    # Anonymous admins and channels come with a made-up `from`; `sender_chat` is who speaks.
    speaker = message.sender_chat or message.sender
    if speaker is not None:
        return str(speaker.id), speaker.name
    if message.chat.type == "channel":
        return str(message.chat.id), message.chat.name
    return "", ""


def _reply_to(message: _Message) -> str:
    reply = message.reply_to_message
    # Every message of a topic "answers" the one that created the topic, unless it answers another.
    if reply and reply.message_id and reply.forum_topic_created is None:
        return f"{message.chat.id}:{reply.message_id}"
    external = message.external_reply
    if external and external.message_id and external.chat:
        return f"{external.chat.id}:{external.message_id}"
    return ""


def _forwarded_from(message: _Message) -> str:
    origin = message.forward_origin
    if origin is not None:
        return origin.name
    older = message.forward_from or message.forward_from_chat
    return older.name if older else message.forward_sender_name


def _forwarded_author_id(message: _Message) -> str:
    user = message.forward_origin.sender_user if message.forward_origin else message.forward_from
    return str(user.id) if user else ""


def _without_words_of_others(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Whom it answers may not want to be stored: of the answered message only its ids stay."""
    return {key: _ids(item) if key in ANSWERED else item for key, item in raw.items()}


def _ids(value: Any) -> Any:
    """The same tree with nothing but the numbers of messages, chats and people."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, int) else None
    kept = {key: _ids(item) for key, item in value.items() if key in NUMBERED}
    return {key: item for key, item in kept.items() if item is not None}


def _topic_title(message: _Message) -> str:
    """What the topic was called when it was created; only messages that answer no other tell it."""
    created = message.reply_to_message and message.reply_to_message.forum_topic_created
    return created.name if created else ""


def _files(message: _Message) -> tuple[str, ...]:
    """An animation comes as a document too."""
    hung = (message.document, message.animation, message.audio, message.video)
    return tuple(dict.fromkeys(file.file_name for file in hung if file and file.file_name))


def _url(chat: Chat, topic: str, message_id: int) -> str:
    """Where its members see it; basic groups and private chats have no such place."""
    bare = str(chat.id).removeprefix("-100")
    if chat.type not in ("supergroup", "channel") or bare == str(chat.id):
        return ""
    parts = [chat.username or f"c/{bare}", topic, str(message_id)]
    return "https://t.me/" + "/".join(part for part in parts if part)
