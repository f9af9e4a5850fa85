"""Telegram Desktop's result.json: a chat or a whole account, streamed.

Ids are turned into those of the Bot API, so that history and live messages of one chat are the same rows.
That holds for supergroups and channels, which number their messages for everybody. In private chats and
basic groups each account counts for itself: there the number 57 of whoever made the export is not the bot's
57, so such messages get keys of their own (`ARCHIVED`), and a private chat, which has the other person's id
as the bot's chat with that person has, also a name of its own.
"""

import codecs
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

import ijson
from django.utils.translation import gettext as _

from apps.sources.adapters.base import Skipped, reason_of
from apps.sources.envelope import ARCHIVED, ChatKind, ChatReference, Envelope, from_epoch

CHUNK = 65_536  # bytes

#: The exporter takes this from the numbers of messages from before a group became a supergroup. They keep
#: the negative number: in such a group each account counted for itself, so the bot had other numbers.
BEFORE_UPGRADE = 1_000_000_000

#: Where chats are: at the top of a chat's export, in lists of an account's export.
CHATS = ("", "chats.list.item.", "left_chats.list.item.")

CHAT_KINDS: dict[str, ChatKind] = {
    "personal_chat": "private",
    "bot_chat": "private",
    "saved_messages": "private",
    "private_group": "group",
    "private_supergroup": "supergroup",
    "public_supergroup": "supergroup",
    "private_channel": "channel",
    "public_channel": "channel",
}

#: What the Bot API puts before the exporter's number of a chat.
PREFIXES: dict[ChatKind, str] = {"supergroup": "-100", "channel": "-100", "group": "-"}
PERSONAL = "personal:"  # a chat of the account that made the export: the bot has no part in it

#: The exporter's `media_type` -> the Bot API's name of the same.
MEDIA_TYPES = {
    "sticker": "sticker",
    "video_message": "video_note",
    "voice_message": "voice",
    "animation": "animation",
    "video_file": "video",
    "audio_file": "audio",
}
MEDIA_FIELDS = {
    "photo": "photo",
    "poll": "poll",
    "location_information": "location",
    "contact_information": "contact",
    "file": "document",
}

_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|.)", re.DOTALL)


class ValidJson:
    """The file as valid JSON: the exporter writes control bytes as `\\xNN`, which no parser takes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._rest = b""

    def read(self, size: int = CHUNK) -> bytes:
        if size == 0:  # ijson asks so whether this gives bytes or str
            return b""
        while True:
            block = self._file.read(max(size, 16))
            data = self._rest + self._decoder.decode(block, final=not block).encode()
            self._rest = b""
            if block:
                data, self._rest = _split_before_escape(data)
            if data or not block:
                return _ESCAPE.sub(_valid_escape, data) if b"\\x" in data else data


def _split_before_escape(data: bytes) -> tuple[bytes, bytes]:
    """Keep back an escape that the end of the block cuts in two."""
    start = data.rfind(b"\\", max(0, len(data) - 3))
    if start < 0:
        return data, b""
    backslashes = start - len(data[: start + 1].rstrip(b"\\")) + 1
    # An even number is escaped backslashes only: none of them begins an escape.
    return (data, b"") if backslashes % 2 == 0 else (data[:start], data[start:])


def _valid_escape(match: re.Match[bytes]) -> bytes:
    code = match[1]
    return match[0] if code is None else b"\\u00" + code


class _Topics:
    """Which topic a message is in, in 16 bytes each: whole forums are exported, and any may be answered."""

    def __init__(self) -> None:
        self._numbers, self._topics = array("q"), array("q")  # sorted by number, as exports are

    def put(self, number: int, topic: int) -> None:
        at = bisect_left(self._numbers, number)
        if self.of(number) is None:
            self._numbers.insert(at, number)
            self._topics.insert(at, topic)
        else:
            self._topics[at] = topic

    def of(self, number: int) -> int | None:
        at = bisect_left(self._numbers, number)
        is_known = at < len(self._numbers) and self._numbers[at] == number
        return self._topics[at] if is_known else None


@dataclass
class _Chat:
    """The chat that the stream is in, and its topics."""

    id: str = ""
    name: str = ""
    type: str = ""
    topics: _Topics = field(default_factory=_Topics)

    @property
    def external_id(self) -> str:
        if not self.id:
            return self.name or "file"
        return PREFIXES.get(CHAT_KINDS.get(self.type, "other"), PERSONAL) + self.id

    def key_of(self, number: int) -> str:
        return _key(self.external_id, number)


def read_export(file: IO[bytes], source_id: int) -> Iterator[Envelope | Skipped]:
    """Everything complete, in the file's order; then, if the file is broken, where and why."""
    chat = _Chat()
    last = "the beginning"
    try:
        for message in _messages(ValidJson(file), chat):
            last = f"message {message.get('id')}"
            try:
                yield _read_message(message, chat, source_id)
            except ValueError as error:
                yield Skipped("invalid", last, reason_of(error))
    except ijson.JSONError as error:
        where = "" if last == "the beginning" else f"after {last}"
        yield Skipped("truncated", where, _plain(error))
    else:
        if last == "the beginning" and not chat.id:
            yield Skipped("truncated", "", _("there is no chat in this file"))


def _messages(file: ValidJson, chat: _Chat) -> Iterator[dict[str, Any]]:
    """Message objects one by one; `chat` follows the stream."""
    builder: ijson.ObjectBuilder | None = None
    inside = ""
    for prefix, event, value in ijson.parse(file, use_float=True, buf_size=CHUNK):
        if builder is not None:
            builder.event(event, value)
            if event == "end_map" and prefix == inside:
                yield builder.value
                builder = None
        elif event == "start_map" and _is_in_chat(prefix, "messages.item"):
            builder = ijson.ObjectBuilder()
            builder.event(event, value)
            inside = prefix
        elif event == "start_map" and f"{prefix}." in CHATS:
            chat.id, chat.name, chat.type, chat.topics = "", "", "", _Topics()
        elif event in ("string", "number"):
            for name in ("id", "name", "type"):
                if _is_in_chat(prefix, name):
                    setattr(chat, name, str(value))


def _is_in_chat(prefix: str, name: str) -> bool:
    return prefix.endswith(name) and prefix.removesuffix(name) in CHATS


def _read_message(message: Mapping[str, Any], chat: _Chat, source_id: int) -> Envelope | Skipped:
    number = message.get("id")
    if not isinstance(number, int):
        raise ValueError("no message id")
    topic = _topic(message, number, chat)
    if message.get("type", "message") != "message":
        return Skipped("service", f"message {number}", str(message.get("action") or ""))
    answered = message.get("reply_to_message_id")
    if str(answered) == topic:
        answered = None  # "answers" the service message that created its topic
    return Envelope(
        source_id=source_id,
        external_id=chat.key_of(number),
        edit=_epoch(message.get("edited_unixtime")) or 0,
        chat=ChatReference(
            external_id=chat.external_id,
            title=chat.name,
            kind=CHAT_KINDS.get(chat.type, "other"),
        ),
        topic=topic,
        author_id=_peer_id(message.get("from_id")),
        author_name=message.get("from") or "",
        text=_text(message),
        kind=_kind(message),
        sent_at=from_epoch(_sent_at(message)),
        reply_to=_reply_to(answered, message.get("reply_to_peer_id"), chat),
        forwarded_from=message.get("forwarded_from") or "",
        forwarded_author_id=_peer_id(message.get("forwarded_from_id")),
        is_history=True,
        raw=dict(message),
    )


def _topic(message: Mapping[str, Any], number: int, chat: _Chat) -> str:
    """Messages name no topic; only replies lead back to the service message that created it."""
    if message.get("action") == "topic_created":
        chat.topics.put(number, number)
        return str(number)
    answered = message.get("reply_to_message_id")
    topic = chat.topics.of(answered) if isinstance(answered, int) else None
    if topic is None:
        return ""
    chat.topics.put(number, topic)
    return str(topic)


def _text(message: Mapping[str, Any]) -> str:
    """`text` is a string or a list of strings and of objects with a `text`; entities say the same."""
    parts = message.get("text_entities") or message.get("text") or ""
    if isinstance(parts, str):
        return parts or _poll_question(message)
    if not isinstance(parts, list):
        raise ValueError("text is neither a string nor a list")
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    return "".join(text for text in texts if isinstance(text, str)) or _poll_question(message)


def _poll_question(message: Mapping[str, Any]) -> str:
    poll = message.get("poll")
    question = poll.get("question") if isinstance(poll, Mapping) else None
    return question if isinstance(question, str) else ""


def _kind(message: Mapping[str, Any]) -> str:
    media_type = MEDIA_TYPES.get(str(message.get("media_type")))
    if media_type:
        return media_type
    for name, kind in MEDIA_FIELDS.items():
        if message.get(name) is not None:
            return kind
    return "text"


def _sent_at(message: Mapping[str, Any]) -> int:
    # `date` is local time of an unknown zone; old exports have nothing else, and are refused.
    epoch = _epoch(message.get("date_unixtime"))
    if epoch is None:
        raise ValueError("no date_unixtime")
    return epoch


def _epoch(value: Any) -> int | None:
    if value in (None, ""):
        return None
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError("a time is not a number of seconds") from None


def _peer_id(value: Any) -> str:
    """`user123`, `channel123`, `chat123` -> the Bot API's 123, -100123, -123."""
    text = value if isinstance(value, str) else ""
    for prefix, ours in (("user", ""), ("channel", "-100"), ("chat", "-")):
        if text.startswith(prefix):
            return ours + text.removeprefix(prefix)
    return text


def _reply_to(answered: Any, peer: Any, chat: _Chat) -> str:
    if not isinstance(answered, int):
        return ""
    if str(peer).startswith("chat") and chat.external_id.startswith("-100"):
        # The group that this one was; a number of any other group is in no message of this chat.
        return chat.key_of(answered - BEFORE_UPGRADE)
    if not peer:
        return chat.key_of(answered)
    chat_id = _peer_id(peer)
    return _key(chat_id if chat_id.startswith("-") else PERSONAL + chat_id, answered)


def _key(chat_id: str, number: int) -> str:
    is_for_everybody = chat_id.startswith("-100")
    return f"{chat_id}:{number}" if is_for_everybody else f"{chat_id}:{ARCHIVED}{number}"


def _plain(error: Exception) -> str:
    """Not the parser's words, which quote the file."""
    is_cut = "premature EOF" in str(error)
    return _("the file ends in the middle") if is_cut else _("this is no JSON")
