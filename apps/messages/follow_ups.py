"""Which report a message adds to that reports nothing by itself: told by reply, author and time."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import F, Q
from django.db.models.functions import Now

from apps.messages.answers import status_for
from apps.messages.classifiers.follow_ups import (
    CHAIN,
    ECHO_WITHIN,
    OPEN,
    Meant,
    Said,
    Sign,
    is_bare_echo,
    is_only_echo,
    meant_by,
    sign_of,
)
from apps.messages.models import ACTIONABLE_CATEGORIES, Category, Classification, Message

LOOK_BACK = 20  # messages of the chat
LOST_FOR = timedelta(minutes=1)  # a reply may be stored so long before what it answers

_UNDECIDED = frozenset({Message.Status.RECEIVED, Message.Status.UNSURE})
_FACTS = (
    "author_id",
    "author",
    "sent_at",
    "category",
    "status",
    "text",
    "reply_to_external_id",
)


def status_of(message: Message, answer: Classification) -> str:
    """Where a message with this answer goes: what says nothing alone may still add to a report."""
    return _told(message, _status_of(message, answer))


def _status_of(message: Message, answer: Classification) -> str:
    status = status_for(answer.category)
    if _is_ruled_out(answer.raw):
        return status
    if status == Message.Status.ACTIONABLE and not is_bare_echo(message.text):
        return status
    if find(message) is not None:
        return Message.Status.FOLLOW_UP
    return Message.Status.NOISE if is_only_echo(message.text) else status


def status_without_words(message: Message) -> str:
    """Where a picture, a voice or a sticker goes that says nothing."""
    found = find(message)
    return _told(message, Message.Status.NOISE if found is None else Message.Status.FOLLOW_UP)


def _told(message: Message, status: str) -> str:
    """An issue that stands on the words before an edit has to hear that they are gone."""
    if status != Message.Status.NOISE or not message.edit:
        return status
    filed = Message.objects.filter(
        source=message.source_id, external_id=message.external_id, status=Message.Status.FILED
    )
    return Message.Status.FOLLOW_UP if filed.exists() else status


def status_alone(message: Message) -> str:
    """Where a follow-up goes that adds to nothing: filed as what it was taken for, or talk.

    What says nothing but "me too" names no problem, so it opens no issue, unless a person calls it one.
    """
    if is_only_echo(message.text) and "category" not in message.locked_fields:
        return Message.Status.NOISE
    return status_for(message.category)


def find(message: Message, *, is_last_word: bool = False) -> Meant | None:
    """What the message adds to; OPEN while that depends on messages that are still being read.

    As the last word, what is not decided by now counts as talk.
    """
    if message.is_from_bot or message.is_superseded:
        return None
    sign = sign_of(message.text, message.kind)
    if sign is None:
        return None
    is_reply = bool(message.reply_to_external_id)
    if is_reply and message.reply_to_id is None:
        return OPEN if not is_last_word and _may_still_come(message) else None
    found = meant_by(
        sign,
        _author(message),
        chain=_chain(message, is_last_word=is_last_word) if is_reply else (),
        recent=() if is_reply else _recent(message, sign, is_last_word=is_last_word),
        is_reply=is_reply,
        run=message.project.run_minutes * 60,
    )
    if found is not None and message.album and not message.text.strip():
        found = _beside_its_album(message, found)
    return None if is_last_word and found is OPEN else found


def _beside_its_album(message: Message, found: Meant) -> Meant | None:
    """A part of an album with words is a part of that message, and adds to nothing else.

    Albums have no end mark, and their parts come in any order.
    """
    parts = Message.objects.filter(chat=message.chat_id, album=message.album, is_superseded=False)
    if parts.exclude(text="").exists():
        return None
    return OPEN if _may_still_come(message) else found


def _is_ruled_out(raw: dict[str, object]) -> bool:
    """A project's rule has said what the message is."""
    return bool(raw.get("ignored") or raw.get("set_category"))


def _may_still_come(message: Message) -> bool:
    """Telegram may deliver an answer before its question; an archive is stored in its order."""
    rows = Message.objects.filter(pk=message.pk, created_at__gt=Now() - LOST_FOR)
    return not message.is_history and rows.exists()


def _chain(message: Message, *, is_last_word: bool) -> list[Said]:
    """What it replies to, and so on back."""
    found: list[Said] = []
    answered = message.reply_to_id
    while answered is not None and len(found) < CHAIN:
        other = Message.objects.only("reply_to", *_FACTS).get(pk=answered)
        category = _category(other, is_last_word=is_last_word)
        if other.status == Message.Status.FOLLOW_UP and not is_last_word:
            category = None
        elif other.status == Message.Status.FILED:
            category = Category.BUG  # whoever answers a follow-up means the same report
        found.append(_said(message, other, category))
        answered = other.reply_to_id
    return found


def _recent(message: Message, sign: Sign, *, is_last_word: bool) -> list[Said]:
    """The chat's last messages in its topic, newest first, as far back as can matter."""
    seconds = message.project.run_minutes * 60
    if sign in (Sign.ECHO, Sign.LOG):
        seconds = max(seconds, ECHO_WITHIN)
    rows: Iterable[Message] = (
        Message.shown()
        .filter(
            Q(sent_at__lt=message.sent_at) | Q(sent_at=message.sent_at, pk__lt=message.pk),
            chat_id=message.chat_id,
            topic=message.topic,
            project_id=message.project_id,
            sent_at__gte=message.sent_at - timedelta(seconds=seconds),
            is_superseded=False,
        )
        .exclude(external_id=message.external_id)
        .only(*_FACTS)
        .order_by(F("sent_at").desc(), F("pk").desc())[:LOOK_BACK]
    )
    return [_said(message, row, _category(row, is_last_word=is_last_word)) for row in rows]


def _category(message: Message, *, is_last_word: bool) -> str | None:
    if message.status in _UNDECIDED:
        return Category.INFO if is_last_word else None
    if message.status == Message.Status.NOISE and message.category in ACTIONABLE_CATEGORIES:
        return Category.INFO  # an edit speaks for it
    if message.reply_to_external_id and is_bare_echo(message.text):
        return Category.INFO  # it reports what it replies to, and nothing else
    return message.category or Category.INFO


def _said(message: Message, other: Message, category: str | None) -> Said:
    seconds = max(0.0, (message.sent_at - other.sent_at).total_seconds())
    return Said(other.pk, _author(other), seconds, category)


def _author(message: Message) -> str:
    return message.author_id or message.author
