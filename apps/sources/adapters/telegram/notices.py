"""Telegram: what happens to chats and messages besides what is said. Plain Python."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from apps.sources.adapters.telegram.message import Chat, User
from apps.sources.envelope import Notice, from_epoch

#: Status of a chat member -> what the bot is there. Who is restricted may still be a member.
ROLES = {
    "creator": "administrator",
    "administrator": "administrator",
    "member": "member",
    "restricted": "member",
    "left": "left",
    "kicked": "left",
}


class _Topic(BaseModel):
    name: StrictStr = ""


class _Service(BaseModel):
    """A message that nobody wrote."""

    date: StrictInt
    chat: Chat
    message_thread_id: StrictInt | None = None
    forum_topic_created: _Topic | None = None
    forum_topic_edited: _Topic | None = None
    migrate_to_chat_id: StrictInt | None = None
    migrate_from_chat_id: StrictInt | None = None


class _Member(BaseModel):
    status: StrictStr
    is_member: StrictBool = True


class _MembershipUpdate(BaseModel):
    date: StrictInt
    chat: Chat
    new_chat_member: _Member


class _Emoji(BaseModel):
    """One reaction; custom and paid ones have no emoji."""

    emoji: StrictStr = ""


class _ReactionUpdate(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    date: StrictInt
    chat: Chat
    message_id: StrictInt
    user: User | None = None
    actor_chat: Chat | None = None
    old: list[_Emoji] = Field(default_factory=list, alias="old_reaction")
    new: list[_Emoji] = Field(default_factory=list, alias="new_reaction")


def read_service(raw: Mapping[str, Any], number: str, source_id: int) -> Notice | None:
    """A topic, or a group that has become a supergroup; nothing for all other service messages."""
    service = _Service.model_validate(raw)
    common: dict[str, Any] = {
        "source_id": source_id,
        "key": number,
        "happened_at": from_epoch(service.date),
    }
    chat = service.chat.reference
    topic = service.forum_topic_created or service.forum_topic_edited
    if topic and topic.name:
        told = {"topic": str(service.message_thread_id or ""), "title": topic.name}
        return Notice(notice="topic", chat=chat, data=told, **common)
    if service.migrate_to_chat_id is not None:
        to = {"to": str(service.migrate_to_chat_id)}
        return Notice(notice="moved", chat=chat, data=to, **common)
    if service.migrate_from_chat_id is not None:
        # Said in the new chat, about the one that it was.
        old = chat.model_copy(update={"external_id": str(service.migrate_from_chat_id)})
        to = {"to": chat.external_id}
        return Notice(notice="moved", chat=old, data=to, **common)
    return None


def _membership(raw: Mapping[str, Any], number: str, source_id: int) -> Notice | None:
    """Somebody has added us, made us an administrator or removed us; whoever talks to us is no chat."""
    update = _MembershipUpdate.model_validate(raw)
    member = update.new_chat_member
    role = ROLES.get(member.status) if member.is_member else "left"
    if role is None or update.chat.type == "private":
        return None
    return Notice(
        notice="membership",
        source_id=source_id,
        key=number,
        chat=update.chat.reference,
        happened_at=from_epoch(update.date),
        data={"role": role},
    )


def _reaction(raw: Mapping[str, Any], number: str, source_id: int) -> Notice | None:
    """Emoji that somebody has put under a message or taken back."""
    update = _ReactionUpdate.model_validate(raw)
    old, new = ([each.emoji for each in some if each.emoji] for some in (update.old, update.new))
    who = update.user or update.actor_chat
    return Notice(
        notice="reaction",
        source_id=source_id,
        key=number,
        chat=update.chat.reference,
        message=f"{update.chat.id}:{update.message_id}",
        happened_at=from_epoch(update.date),
        data={
            "author_id": str(who.id) if who else "",
            "added": [emoji for emoji in new if emoji not in old],
            "removed": [emoji for emoji in old if emoji not in new],
        },
    )


#: The kinds of updates that carry no message -> who reads them.
NOTICE_UPDATES: Mapping[str, Callable[[Mapping[str, Any], str, int], Notice | None]] = {
    "my_chat_member": _membership,
    "message_reaction": _reaction,
}
