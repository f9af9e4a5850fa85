"""What comes in, frozen, as it travels through NATS: messages and their edits, and notices."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from django.utils.translation import gettext_lazy
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    TypeAdapter,
)

from tasktracker.lib.text import storable

MAX_TEXT = 20_000  # characters; what is longer is a log file, and is cut
MAX_RAW = 200_000  # bytes of the original JSON that are kept beside the text
MAX_DEPTH = 40  # levels of the original JSON; no platform nests deeper

#: Begins the number of a message that only its archive counts so, in `external_id` after the chat.
ARCHIVED = "exported-"

#: Kinds of messages that are not text alone: what came with one, or is all of it, for people.
ATTACHED = {
    "photo": gettext_lazy("photo"),
    "document": gettext_lazy("file"),
    "video": gettext_lazy("video"),
    "video_note": gettext_lazy("video message"),
    "voice": gettext_lazy("voice message"),
    "audio": gettext_lazy("audio"),
    "animation": gettext_lazy("animation"),
    "sticker": gettext_lazy("sticker"),
}

ChatKind = Literal["private", "group", "supergroup", "channel", "other"]

#: What a platform tells besides messages; what `data` holds is told in `Notice`.
NoticeKind = Literal["deleted", "remaining", "moved", "membership", "topic", "reaction"]


def _storable(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value


def _cut(limit: int) -> Any:
    def cut(value: Any) -> Any:
        return storable(value)[:limit] if isinstance(value, str) else value

    return BeforeValidator(cut)


def storable_tree(value: Any, depth: int = 0) -> Any:
    """The same JSON as PostgreSQL and NATS can keep it; what is nested too deeply is left out."""
    if isinstance(value, str):
        return storable(value)
    if not isinstance(value, (dict, list)):  # `dict | list` would be made anew for each
        return value
    if depth >= MAX_DEPTH:
        return "..."
    if isinstance(value, dict):
        return {storable(str(key)): storable_tree(item, depth + 1) for key, item in value.items()}
    return [storable_tree(item, depth + 1) for item in value]


def _sensible(moment: datetime) -> datetime:
    # PostgreSQL keeps years that Python cannot read back.
    if not 1970 <= moment.year <= 2200:
        raise ValueError("the year is not between 1970 and 2200")
    return moment


Name = Annotated[str, _cut(200)]
Key = Annotated[str, BeforeValidator(_storable), Field(max_length=200)]
Text = Annotated[str, _cut(MAX_TEXT)]


class ChatReference(BaseModel):
    """The chat as its platform names it."""

    model_config = ConfigDict(frozen=True)

    external_id: Annotated[Key, Field(min_length=1)]
    title: Name = ""
    kind: ChatKind = "other"


class Envelope(BaseModel):
    """A message as its source said it; `(source_id, external_id, edit, wording)` names it forever."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    source_id: int
    external_id: Annotated[Key, Field(min_length=1)]  # unique in the source: "<chat>:<message>"
    edit: Annotated[int, Field(ge=0, lt=2**62)] = (
        0  # 0 the original, else when it was edited, epoch seconds
    )
    chat: ChatReference
    topic: Key = ""
    topic_title: Name = ""  # of a topic that people decide about by itself; threads have none
    author_id: Key = ""
    author_name: Name = ""
    avatar_url: Annotated[str, _cut(500)] = ""
    text: Text = ""
    kind: Annotated[str, _cut(30)] = "text"  # text, photo, sticker, voice, ...
    sent_at: Annotated[AwareDatetime, AfterValidator(_sensible)]
    reply_to: Key = ""  # external_id of the message that this one answers
    quote: Annotated[str, _cut(4000)] = ""  # the words of it that this one answers
    forwarded_from: Name = ""
    forwarded_author_id: Key = ""  # who wrote what is forwarded, where the platform tells
    album: Key = ""  # messages of one album have the same; "" for a message of its own
    files: Annotated[tuple[Name, ...], Field(max_length=100)] = ()  # names of what hangs on it
    url: Annotated[str, _cut(500)] = ""  # where people with access see it; holds no secret
    is_from_bot: bool = False
    is_history: bool = False  # comes from an archive: nobody is notified message by message
    raw: Annotated[dict[str, Any], BeforeValidator(storable_tree)] = Field(default_factory=dict)

    @property
    def message_id(self) -> str:
        """JetStream's `Nats-Msg-Id`."""
        name = f"{self.source_id}/{self.external_id}/{self.edit}"
        return f"{name}/{self.wording}" if self.wording else name

    @property
    def wording(self) -> str:
        return wording_of(self.edit, self.text)

    @property
    def subject(self) -> str:
        return f"chat.{self.source_id}"

    def to_bytes(self) -> bytes:
        """JSON; an original that is too large to travel is left out and said so."""
        data = self.model_dump_json().encode()
        if len(data) <= MAX_RAW:
            return data
        slim = self.model_copy(update={"raw": {"left_out": f"{len(data)} bytes"}})
        return slim.model_dump_json().encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Raise pydantic.ValidationError, a ValueError, for anything that is not an envelope."""
        return cls.model_validate_json(data)


class Notice(BaseModel):
    """What happened to a message or to a chat, in the order in which the platform told it.

    It may come twice, and before the message that it is about: whoever acts on it says the same again.

    | kind | `message` | `data` |
    | --- | --- | --- |
    | deleted | its external_id | nothing |
    | remaining | | `messages`: the external_ids of all that are left of a `topic` from `since` to `until` |
    | moved | | `to`: the chat's new id at the platform |
    | membership | | `role`: "member", "administrator", "left" |
    | topic | | `topic`: its id; `title` |
    | reaction | its external_id | `author_id`, `added` and `removed`: lists of emoji |
    """

    model_config = ConfigDict(frozen=True)

    notice: NoticeKind
    source_id: int
    key: Annotated[Key, Field(min_length=1)]  # the platform's own name for this event
    chat: ChatReference
    message: Key = ""
    happened_at: Annotated[AwareDatetime, AfterValidator(_sensible)]
    data: Annotated[dict[str, Any], BeforeValidator(storable_tree)] = Field(default_factory=dict)

    @property
    def message_id(self) -> str:
        """JetStream's `Nats-Msg-Id`."""
        return f"{self.source_id}/{self.notice}/{self.key}"

    @property
    def subject(self) -> str:
        return f"chat.{self.source_id}"

    def to_bytes(self) -> bytes:
        return self.model_dump_json().encode()


def read(data: bytes) -> Envelope | Notice:
    """What travels; raises pydantic.ValidationError, a ValueError, for anything else."""
    return _TRAVELLING.validate_json(data)


def _type_of(value: Any) -> str:
    return "notice" if isinstance(value, Mapping) and "notice" in value else "envelope"


_TRAVELLING: TypeAdapter[Envelope | Notice] = TypeAdapter(
    Annotated[
        Annotated[Envelope, Tag("envelope")] | Annotated[Notice, Tag("notice")],
        Discriminator(_type_of),
    ]
)


def wording_of(edit: int, text: str) -> str:
    """What tells edits of one second apart; an original is one message, whatever it says."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() if edit else ""


def from_epoch(seconds: float) -> datetime:
    """Raise ValueError for a time outside of what a calendar knows."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"not a time: {seconds}") from error
