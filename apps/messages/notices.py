"""Act on what a platform tells besides messages. Said twice or too early, it does no harm."""

from collections.abc import Callable, Mapping

from django.db.models import QuerySet
from django.dispatch import Signal
from pydantic import AwareDatetime, BaseModel

from apps.messages.models import EarlyDeletion, Message
from apps.sources.envelope import Notice
from apps.sources.models import Chat, Source, Topic

#: Somebody has put an emoji under a message or taken it back; sent with `notice`, in the transaction
#: that stores it. It may come twice, and most messages are not ours.
reacted = Signal()


class _Remaining(BaseModel):
    messages: list[str]
    topic: str
    since: AwareDatetime
    until: AwareDatetime


def heed(notice: Notice) -> None:
    """Do what the notice asks for; what nobody here needs is left alone."""
    _HEED[notice.notice](notice)


def _mark_deleted(notice: Notice) -> None:
    """The words stay, because an issue may stand on them, and people see that they are gone there."""
    if not _revisions(notice).exists():
        EarlyDeletion.keep(notice.source_id, notice.message, notice.happened_at)
    _revisions(notice).filter(deleted_at=None).update(deleted_at=notice.happened_at)


def _mark_missing(notice: Notice) -> None:
    """What was deleted while nobody listened: all that we have of that time and the platform has not."""
    said = _Remaining.model_validate(notice.data)
    gone = Message.objects.filter(
        chat__source_id=notice.source_id,
        chat__external_id=notice.chat.external_id,
        topic=said.topic,
        sent_at__range=(said.since, said.until),
        deleted_at=None,
    ).exclude(external_id__in=said.messages)
    gone.update(deleted_at=notice.happened_at)


def _move(notice: Notice) -> None:
    """Either of the two that Telegram sends may be the only one that comes."""
    to = str(notice.data.get("to") or "")
    if to and to != notice.chat.external_id:
        Chat.move(_source(notice), notice.chat, to)


def _note_membership(notice: Notice) -> None:
    """Who is added to a chat makes it appear here; who leaves one that nobody knew does not."""
    role = str(notice.data.get("role") or "")
    chat = Chat.find(notice.source_id, notice.chat.external_id)
    if chat is None and role == "left":
        return
    Chat.known(_source(notice), notice.chat).note_role(role, notice.happened_at)


def _name_topic(notice: Notice) -> None:
    title = str(notice.data.get("title") or "")[:200]
    topic = str(notice.data.get("topic") or "")[:200]
    Topic.known(Chat.known(_source(notice), notice.chat), topic, title)


def _tell_reaction(notice: Notice) -> None:
    reacted.send(Notice, notice=notice)


def _source(notice: Notice) -> Source:
    return Source.objects.select_related("project").defer("config").get(pk=notice.source_id)


def _revisions(notice: Notice) -> QuerySet[Message]:
    return Message.objects.filter(source_id=notice.source_id, external_id=notice.message)


_HEED: Mapping[str, Callable[[Notice], None]] = {
    "deleted": _mark_deleted,
    "remaining": _mark_missing,
    "moved": _move,
    "membership": _note_membership,
    "topic": _name_topic,
    "reaction": _tell_reaction,
}
