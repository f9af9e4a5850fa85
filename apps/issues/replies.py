"""Tells reporters in their chat what became of a report: one reply, edited as the issue goes on.

Only where the project wants it, never about an archive, and slower than the platform allows: a reply
that has to wait is a row that is due later. Nothing that people wrote stands in it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from apps.issues.models import Evidence, Issue, StatusReply
from apps.messages.models import Message
from apps.sources.adapters.base import Moved
from apps.sources.envelope import Notice
from apps.sources.models import Chat, Project
from apps.sources.post import adapter_of, post, senders, why_not
from tasktracker.lib.workflow import GiveUp, LostRace, TryLater

FRESH = timedelta(days=1)  # to an older report nobody expects an answer
#: Between two in one chat. Telegram takes 20 a minute in a group, edits too, and commands are answered there.
APART = timedelta(seconds=6)
VOICES = {"👍": 1, "👎": -1}

_S = StatusReply.Status


def want(issues: Iterable[int]) -> None:
    """These issues are new or have changed: say so where they were reported."""
    telling = Issue.objects.filter(pk__in=list(issues), project__posts_replies=True)
    for issue in telling.select_related("project", "duplicate_of"):
        for message in _reported_in(issue):
            StatusReply.ask_for(issue, message)
        fresh = Q(created_at__gt=timezone.now() - FRESH) | ~Q(message_id="")
        told = Q(status=_S.SHOWN) | (Q(status=_S.DROPPED, chat__is_muted=False) & fresh)
        for reply in issue.replies.filter(told).select_related("chat"):
            if reply.text != text_of(issue, reply.chat):
                _want_again(reply)


def write(reply: StatusReply) -> None:
    """Post it, or edit what is there; then it says what is so now."""
    chat, issue = reply.chat, reply.issue
    if not issue.project.posts_replies or why_not(chat, _project_of(chat)):
        reply.move_to(_S.DROPPED)
        return
    if reply.post_began_at is not None and not reply.message_id:
        raise GiveUp(_("It is not known whether the chat has it."))
    text = text_of(issue, chat)
    if reply.message_id and reply.text == text:
        reply.move_to(_S.SHOWN)
        return
    _take_turn(reply)
    if reply.message_id and reply.chat_external_id != chat.external_id:
        reply.leave_behind()
    if reply.message_id:
        _edit(reply, text)
    else:
        _post(reply, text)
    posted = {"message_id": reply.message_id, "chat_external_id": reply.chat_external_id}
    reply.move_to(_S.SHOWN, text=text, **posted)
    issue.refresh_from_db()
    if text_of(issue, chat) != text:  # it went on meanwhile
        _want_again(reply)


def text_of(issue: Issue, chat: Chat) -> str:
    """Its number, how it stands, and its tasks in trackers."""
    meant = issue.duplicate_of or issue
    with translation.override(chat.language_of_answers):
        told = _("It is issue #%(id)d: %(status)s.") % {
            "id": meant.pk,
            "status": meant.get_status_display().lower(),
        }
    # By the name of the relation: exports belong to the next app.
    made = meant.exports.filter(status="created", is_live=True, is_gone=False)
    tasks = made.filter(external_url__startswith="http").order_by("pk")
    return "\n".join([told, *tasks.values_list("external_url", flat=True)])


@transaction.atomic
def note_reaction(notice: Notice, **_: Any) -> None:
    """A thumb on a reply of ours counts once per person, until it is taken back."""
    author_id = str(notice.data.get("author_id") or "")
    number = notice.message.removeprefix(f"{notice.chat.external_id}:")
    rows = StatusReply.objects.select_for_update(no_key=True).filter(
        chat=Chat.find(notice.source_id, notice.chat.external_id),
        chat_external_id=notice.chat.external_id,
        message_id=number,
    )
    reply = rows.exclude(message_id="").first()
    if reply is None or not author_id:
        return
    given = [VOICES[emoji] for emoji in notice.data.get("added") or () if emoji in VOICES]
    taken = [VOICES[emoji] for emoji in notice.data.get("removed") or () if emoji in VOICES]
    if given:
        reply.voices[author_id] = given[-1]
    elif reply.voices.get(author_id) in taken:
        del reply.voices[author_id]
    else:
        return
    reply.save(update_fields=["voices"])


def _reported_in(issue: Issue) -> Sequence[Message]:
    """The first live report in each chat that has no reply yet."""
    rows = Evidence.objects.filter(
        issue=issue,
        message__is_history=False,
        message__sent_at__gt=timezone.now() - FRESH,
        message__source__kind__in=senders(),
        message__chat__is_muted=False,
    ).exclude(message__chat__in=issue.replies.values("chat"))
    first: dict[int, Message] = {}
    for row in rows.select_related("message__chat").order_by("created_at", "pk"):
        first.setdefault(row.message.chat_id, row.message)
    return list(first.values())


def _want_again(reply: StatusReply) -> None:
    try:
        reply.move_to(_S.DUE)
    except LostRace:
        pass  # somebody else has just asked for it


def _project_of(chat: Chat) -> Project:
    return chat.project or chat.source.project


def _take_turn(reply: StatusReply) -> None:
    """Keep the chat's pace, one writer at a time; raises TryLater when it is too soon."""
    now = timezone.now()
    with transaction.atomic():
        Chat.objects.select_for_update(no_key=True).get(pk=reply.chat_id)
        written = StatusReply.objects.filter(chat=reply.chat_id)
        if written.filter(written_at__gt=now - APART).exists():
            raise TryLater("another reply was just written in this chat", delay=APART)
        reply.written_at = now
        reply.save(update_fields=["written_at"])


def _edit(reply: StatusReply, text: str) -> None:
    chat = reply.chat
    try:
        adapter_of(chat).edit(chat.external_id, reply.message_id, text, api_url=chat.source.api_url)
    except Moved as moved:
        Chat.move(chat.source, chat.reference, moved.to)
        raise TryLater("the chat has another id now", delay=APART) from moved


def _post(reply: StatusReply, text: str) -> None:
    _mark(reply, before=None, after=timezone.now())
    chat = reply.chat
    try:
        reply.message_id = post(chat, text, topic=reply.topic, reply_to=reply.reply_to)
    except TryLater:
        _mark(reply, before=reply.post_began_at, after=None)
        raise
    reply.chat_external_id = chat.external_id


def _mark(reply: StatusReply, *, before: datetime | None, after: datetime | None) -> None:
    """Committed before the chat is called; only one worker can be the first."""
    rows = StatusReply.objects.filter(pk=reply.pk, status=_S.DUE, post_began_at=before)
    if not rows.update(post_began_at=after):
        raise LostRace(f"reply {reply.pk} is being posted by somebody else")
    reply.post_began_at = after
