"""What the bot does when somebody in a chat asks it to, and what it answers.

What a command does and the words of its answer are one transaction; the answer is sent after it, at most
once. Nothing that people wrote stands in an answer. docs/sources/people.md says who may do what.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.issues.models import Evidence, Issue
from apps.issues.triage import file, lock_project
from apps.messages.erase import erase_since
from apps.messages.ingest import store
from apps.messages.models import Category, ChatCommand, Message, Priority
from apps.sources.envelope import ChatReference, Envelope
from apps.sources.models import Author, Chat, Erasure
from apps.sources.post import adapter_of, button_to, post, senders
from tasktracker.lib.workflow import GiveUp, LostRace, TryLater

STALE = timedelta(hours=1)  # after it nobody waits for an answer any more
MOST_ANSWERS = 8  # per chat and minute; replies to reports are written there, too
DECIDED_BY = "command"

_N = ChatCommand.Name
_S = ChatCommand.Status
#: What a person may ask for however late it is, and in a chat where the bot is quiet.
RIGHTS = frozenset({_N.OPTOUT, _N.OPTIN, _N.FORGET})


def obey(command: ChatCommand) -> None:
    """Do what it asks for; then it waits for its answer."""
    chat = command.chat
    if not _is_for_us(command) or (_is_stale(command) and command.name not in RIGHTS):
        command.move_to(_S.IGNORED, author="", argument="")
        return
    may_mute = command.name == _N.MUTE and _is_administrator(command)
    if command.name == _N.REPORT and _brings_words(command):
        _store_words(
            command
        )  # not in the transaction below, where nothing else could come in meanwhile
    with transaction.atomic(), translation.override(chat.language_of_answers):
        was_muted = Chat.objects.values_list("is_muted", flat=True).get(pk=chat.pk)
        if command.name == _N.MUTE:
            said = _mute(command, may_mute=may_mute)
        elif was_muted and command.name not in RIGHTS:
            said = ""
        else:
            said = _OBEYED[_N(command.name)](command)
        is_heard = bool(said) and chat.source.kind in senders() and not _is_flooded(chat)
        status = _S.ANSWERING if is_heard else _S.DONE
        command.move_to(status, answer=said, author="", argument="")


def answer(command: ChatCommand) -> None:
    """Send the answer once: whoever finds a call without its end does not call again."""
    if command.answer_began_at is not None:
        raise GiveUp(_("It is not known whether the chat has the answer."))
    if _is_stale(command):
        command.move_to(_S.DONE)
        return
    chat = command.chat
    with translation.override(chat.language_of_answers):
        button = button_to(chat, _("Open the team page"), reverse("team"))
    _mark(command, before=None, after=timezone.now())
    try:
        post(
            chat,
            command.answer,
            topic=command.topic,
            reply_to=command.external_id,
            button=None if command.name in RIGHTS else button,
        )
    except TryLater:
        _mark(command, before=command.answer_began_at, after=None)
        raise
    command.move_to(_S.DONE)


def _mark(command: ChatCommand, *, before: datetime | None, after: datetime | None) -> None:
    """Committed before the chat is called; only one worker can be the first."""
    rows = ChatCommand.objects.filter(pk=command.pk, status=_S.ANSWERING, answer_began_at=before)
    if not rows.update(answer_began_at=after):
        raise LostRace(f"command {command.pk} is being answered by somebody else")
    command.answer_began_at = after


# Who asks, and whom


def _is_for_us(command: ChatCommand) -> bool:
    """`/help@OtherBot` is for another one; without a name it is for everybody."""
    source = command.chat.source
    if not (source.is_active and source.project.is_active):
        return False
    if not command.bot:
        return True
    adapter = adapter_of(command.chat)
    if not hasattr(adapter, "name"):
        return False
    return str(adapter.name(api_url=source.api_url)).lower() == command.bot.lower()


def _is_stale(command: ChatCommand) -> bool:
    return command.sent_at < timezone.now() - STALE


def _is_flooded(chat: Chat) -> bool:
    """Until the commit nobody else counts: of a burst each would see none of the others."""
    Chat.objects.select_for_update(no_key=True).get(pk=chat.pk)
    since = timezone.now() - timedelta(minutes=1)
    answered = Q(answer_began_at__gt=since) | Q(status=_S.ANSWERING)
    return chat.commands.filter(answered).count() >= MOST_ANSWERS


def _is_administrator(command: ChatCommand) -> bool:
    chat = command.chat
    if chat.kind == "private":
        return True
    adapter = adapter_of(chat)
    return hasattr(adapter, "is_administrator") and bool(
        adapter.is_administrator(chat.external_id, command.author_id, api_url=chat.source.api_url)
    )


def _is_a_person(command: ChatCommand) -> bool:
    """Anonymous administrators and channels speak as a chat, which has no rights of its own."""
    is_private = command.chat.kind == "private"
    return bool(command.author_id) and (is_private or not command.author_id.startswith("-"))


# What each does; each gives the words of its answer


def _help(command: ChatCommand) -> str:
    return "\n".join(
        [
            _("I read this chat and turn problems and requests into issues."),
            "",
            _(
                "/report – as an answer to a message: make it an issue; else the text after it is one"
            ),
            _("/status – what is open; as an answer to a message: what became of it"),
            _("/mute – I am quiet in this chat, until /mute off; for its administrators"),
            _("/optout – I store nothing that you write from now on; /optin ends that"),
            _("/forget – I erase what you wrote, and store nothing of you from now on"),
        ]
    )


def _status(command: ChatCommand) -> str:
    if command.reply_to:
        evidence = _evidence(command)
        return _("It is in no issue.") if evidence is None else _told(evidence.issue)
    if not _is_read(command):
        return _("This chat is not read yet.")
    project = command.chat.project_of(command.topic)
    open_issues = Issue.objects.filter(project=project, status__in=Issue.OPEN)
    total = open_issues.count()
    if not total:
        return _("Nothing is open.")
    return ngettext(
        "%(total)d issue is open: %(new)d new, %(work)d in work.",
        "%(total)d issues are open: %(new)d new, %(work)d in work.",
        total,
    ) % {
        "total": total,
        "new": open_issues.filter(status=Issue.Status.NEW).count(),
        "work": open_issues.exclude(status=Issue.Status.NEW).count(),
    }


def _report(command: ChatCommand) -> str:
    if not _is_read(command):
        return _("This chat is not read, so nothing can be reported here.")
    if _has_opted_out(command):
        return _("I store nothing that you write, so I cannot take your report. /optin ends that.")
    if not command.reply_to and not command.argument:
        return _("Answer a message with /report, or write what is wrong after it.")
    message = _message(command, command.reply_to or command.external_id)
    if message is None:
        return _("I do not have that message.")
    evidence = Evidence.objects.filter(message=message).select_related("issue").first()
    if evidence is not None:
        return _told(evidence.issue)
    _file(message)
    filed = Evidence.objects.select_related("issue").get(message=message)
    if filed.level == Evidence.Level.OPENED:
        return _("It is issue #%(id)d now.") % {"id": filed.issue_id}
    return _("It has been reported before. %(issue)s") % {"issue": _told(filed.issue)}


def _brings_words(command: ChatCommand) -> bool:
    """Whether the words after the command are a report that is to be stored."""
    is_muted = Chat.objects.values_list("is_muted", flat=True).get(pk=command.chat_id)
    has_words = bool(command.argument) and not command.reply_to
    return has_words and not is_muted and _is_read(command) and not _has_opted_out(command)


def _has_opted_out(command: ChatCommand) -> bool:
    author = Author.objects.filter(
        source=command.source_id, external_id=command.author_id, opted_out_at__isnull=False
    )
    return author.exists()


def _is_read(command: ChatCommand) -> bool:
    """Before somebody says yes to a chat, its people are told nothing of the project."""
    return command.chat.state_of(command.topic) == Chat.State.ON


def _mute(command: ChatCommand, *, may_mute: bool) -> str:
    if not may_mute:
        return _("Only administrators of the chat may do that.")
    is_muted = command.argument.casefold() != "off"
    Chat.objects.filter(pk=command.chat_id).update(is_muted=is_muted)
    if is_muted:
        return _("I am quiet here from now on. /mute off ends that.")
    return _("I answer here again.")


def _opt_out(command: ChatCommand) -> str:
    if not _is_a_person(command):
        return _("You speak for a chat here. Ask for it as yourself.")
    author = Author.known(command.source_id, command.author_id, command.author)
    author.opt_out()
    erase_since(author, command.sent_at)
    return _(
        "I store nothing that you write from now on. What is stored already stays; /forget erases it."
    )


def _opt_in(command: ChatCommand) -> str:
    for author in Author.objects.filter(source=command.source_id, external_id=command.author_id):
        author.opt_in()
    return _("I store what you write from now on.")


def _forget(command: ChatCommand) -> str:
    if not _is_a_person(command):
        return _("You speak for a chat here. Ask for it as yourself.")
    Erasure.ask_for(Author.known(command.source_id, command.author_id))
    return _(
        "What you wrote in the chats that I read is being erased, and nothing of it is stored from now on."
    )


_OBEYED: dict[ChatCommand.Name, Callable[[ChatCommand], str]] = {
    _N.START: _help,
    _N.HELP: _help,
    _N.STATUS: _status,
    _N.REPORT: _report,
    _N.OPTOUT: _opt_out,
    _N.OPTIN: _opt_in,
    _N.FORGET: _forget,
}


def _told(issue: Issue) -> str:
    meant = issue.duplicate_of or issue
    return _("It is issue #%(id)d: %(status)s.") % {
        "id": meant.pk,
        "status": meant.get_status_display().lower(),
    }


def _answered(command: ChatCommand) -> Message | None:
    return _message(command, command.reply_to)


def _message(command: ChatCommand, external_id: str) -> Message | None:
    rows = Message.objects.filter(source=command.source_id, external_id=external_id)
    return rows.filter(chat=command.chat_id, is_superseded=False).order_by("-edit", "-pk").first()


def _evidence(command: ChatCommand) -> Evidence | None:
    message = _answered(command)
    return Evidence.objects.filter(message=message).select_related("issue__duplicate_of").first()


def _store_words(command: ChatCommand) -> None:
    """The words after the command become a message like any other; twice, it is one."""
    chat = command.chat
    envelope = Envelope(
        source_id=command.source_id,
        external_id=command.external_id,
        chat=ChatReference(external_id=chat.external_id, title=chat.title),
        topic=command.topic,
        author_id=command.author_id,
        author_name=command.author,
        text=command.argument,
        sent_at=command.sent_at,
    )
    try:
        store(envelope)
    except Message.DoesNotExist:
        pass  # forgotten meanwhile, or the chat is left alone by now


def _file(message: Message) -> None:
    """As an issue, or as one more report of one; a person decides what it really is."""
    lock_project(message.project_id)
    message.refresh_from_db(from_queryset=Message.objects.select_for_update(no_key=True))
    if Evidence.objects.filter(message=message).exists():
        return  # filed meanwhile, like any other message
    answer = {
        "category": message.category if message.is_actionable else Category.BUG,
        "priority": message.priority if message.is_actionable else Priority.MEDIUM,
        "confidence": None,
        "decided_by": DECIDED_BY,
        "is_provisional": True,  # whoever asks in a chat approves nothing
    }
    if message.status == Message.Status.FAILED:
        message.move_to(Message.Status.RECEIVED)
    if message.status != Message.Status.ACTIONABLE:
        message.move_to(Message.Status.ACTIONABLE, **answer)
    file([message])
