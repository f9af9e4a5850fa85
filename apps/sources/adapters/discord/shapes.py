"""What we need of what Discord sends, and of what the listener puts beside it; the rest stays in `raw`."""

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, Field, StrictBool, StrictInt, StrictStr

from apps.sources.envelope import ChatKind, ChatReference

TEXT, PRIVATE, VOICE, PRIVATE_GROUP, ANNOUNCEMENTS, STAGE = 0, 1, 2, 3, 5, 13
THREADS = (10, 11, 12)
FORUMS = (15, 16)  # have threads only, and each begins with a message of its own
WITH_THREADS = (TEXT, ANNOUNCEMENTS, *FORUMS)
WITH_MESSAGES = (TEXT, VOICE, ANNOUNCEMENTS, STAGE, *THREADS)

Snowflake = Annotated[StrictStr, Field(pattern=r"^[0-9]{1,20}$")]


class User(BaseModel):
    id: Snowflake
    username: StrictStr = ""
    global_name: StrictStr | None = None
    bot: StrictBool = False


class Member(BaseModel):
    nick: StrictStr | None = None


class Mentioned(User):
    member: Member | None = None

    @property
    def shown_name(self) -> str:
        nick = self.member.nick if self.member else None
        return nick or self.global_name or self.username


class File(BaseModel):
    filename: StrictStr = ""
    content_type: StrictStr | None = None


class Reference(BaseModel):
    type: StrictInt = 0
    channel_id: Snowflake | None = None
    message_id: Snowflake | None = None


class Snapshot(BaseModel):
    message: dict[str, Any]


class Question(BaseModel):
    text: StrictStr | None = None


class Poll(BaseModel):
    question: Question


class Message(BaseModel):
    id: Snowflake
    channel_id: Snowflake
    type: StrictInt = 0
    author: User
    member: Member | None = None
    content: StrictStr
    timestamp: AwareDatetime
    edited_timestamp: AwareDatetime | None = None
    webhook_id: Snowflake | None = None
    mentions: list[Mentioned] = []
    attachments: list[File] = []
    embeds: list[dict[str, Any]] = []
    sticker_items: list[dict[str, Any]] = []
    poll: Poll | None = None
    message_reference: Reference | None = None
    message_snapshots: list[Snapshot] = []


class Channel(BaseModel):
    id: Snowflake
    type: StrictInt
    name: StrictStr | None = None


class Place(BaseModel):
    """Where it was said; a thread has its channel as `parent`, a private talk has no server."""

    channel: Channel
    parent: Channel | None = None
    server_id: StrictStr = ""
    server: StrictStr = ""

    @property
    def chat(self) -> ChatReference:
        known = self.parent or self.channel
        name = known.name or ""
        if self.server_id and name:
            name = f"{self.server} #{name}".strip()
        return ChatReference(external_id=known.id, title=name, kind=self._kind)

    @property
    def topic(self) -> str:
        return self.channel.id if self.parent else ""

    @property
    def beginning(self) -> str:
        """The message that the thread hangs on; its number is the thread's own."""
        if self.parent is None:
            return ""
        home = self.channel if self.parent.type in FORUMS else self.parent
        return f"{home.id}:{self.channel.id}"

    @property
    def _kind(self) -> ChatKind:
        match self.channel.type:
            case 1:
                return "private"
            case 3:
                return "group"
            case _:
                return "channel"


class Remaining(BaseModel):
    """The messages that a channel still has of those between two numbers."""

    channel_id: Snowflake
    ids: list[Snowflake]
    since: Snowflake
    until: Snowflake


class Told(BaseModel):
    """What the listener adds."""

    place: Place
    names: dict[str, StrictStr] = {}
    bot: StrictStr = ""
    heard_at: float = 0
