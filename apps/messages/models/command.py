"""What people ask of the bot in a chat: `/help`, `/report`, `/forget`."""

import re
from typing import Self

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.sources.envelope import Envelope
from apps.sources.models import Chat, Source
from tasktracker.lib.workflow import WorkItem

KIND = "command"  # the kind of an envelope that begins with one
_COMMAND = re.compile(r"/(?P<name>\w{1,32})(?:@(?P<bot>\w{1,64}))?(?:\s+|$)(?P<argument>.*)", re.S)


class ChatCommand(WorkItem):
    """One command, obeyed once and answered at most once; it is no message and is never classified."""

    class Name(models.TextChoices):
        START = "start", _("Greeting")
        HELP = "help", _("What the bot can do")
        STATUS = "status", _("What is open")
        REPORT = "report", _("Report a problem")
        MUTE = "mute", _("Let the bot be quiet")
        OPTOUT = "optout", _("Do not store my messages")
        OPTIN = "optin", _("Store my messages again")
        FORGET = "forget", _("Forget me")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        ANSWERING = "answering", _("Being answered")
        DONE = "done", _("Done")
        IGNORED = "ignored", _("Not for us")
        FAILED = "failed", _("Failed")

    TRANSITIONS = {
        Status.WAITING: {Status.ANSWERING, Status.DONE, Status.IGNORED, Status.FAILED},
        Status.ANSWERING: {Status.DONE, Status.FAILED},
    }
    WAITING = frozenset({Status.WAITING, Status.ANSWERING})

    source = models.ForeignKey(
        Source, models.CASCADE, verbose_name=_("source"), related_name="commands"
    )
    chat = models.ForeignKey(Chat, models.CASCADE, verbose_name=_("chat"), related_name="commands")
    external_id = models.CharField(_("id at the source"), max_length=200)
    topic = models.CharField(_("topic"), max_length=200, blank=True, default="")
    author_id = models.CharField(_("author's id"), max_length=200, blank=True, default="")
    author = models.CharField(_("author"), max_length=200, blank=True, default="")
    name = models.CharField(_("command"), max_length=10, choices=Name)
    bot = models.CharField(_("addressed to"), max_length=64, blank=True, default="")
    argument = models.TextField(_("what was said with it"), blank=True, default="")
    reply_to = models.CharField(_("answers, by id"), max_length=200, blank=True, default="")
    sent_at = models.DateTimeField(_("sent at"))
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.WAITING)
    answer = models.TextField(_("answer"), blank=True, default="")
    #: Set before the chat is called: with it and without an end nobody knows what the chat has.
    answer_began_at = models.DateTimeField(_("answering began at"), null=True, editable=False)
    created_at = models.DateTimeField(_("stored at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("command")
        verbose_name_plural = _("commands")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="command_obeyed_once")
        ]
        indexes = [
            models.Index(
                fields=["status", "due_at"],
                name="command_due",
                condition=models.Q(due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"/{self.name} {self.external_id}"

    # Factories

    @classmethod
    def is_one(cls, envelope: Envelope) -> bool:
        """Whether this is a command that we have, said just now."""
        return not envelope.is_history and _read(envelope) is not None

    @classmethod
    def take(cls, envelope: Envelope, chat: Chat) -> Self | None:
        """Store a command once; None when it is there already, only edited, or nobody listens there."""
        read = _read(envelope)
        if read is None or envelope.edit:
            return None
        if chat.state_of(envelope.topic) == Chat.State.OFF:
            return None
        command, is_new = cls.objects.get_or_create(
            source_id=envelope.source_id,
            external_id=envelope.external_id,
            defaults={
                "chat": chat,
                "topic": envelope.topic,
                "author_id": envelope.author_id,
                "author": envelope.author_name,
                "name": read["name"].lower(),
                "bot": read["bot"] or "",
                "argument": read["argument"].strip(),
                "reply_to": envelope.reply_to,
                "sent_at": envelope.sent_at,
                "due_at": cls.due_now(cls.Status.WAITING),
            },
        )
        if not is_new:
            return None
        cls.announce([command.pk], command.status, is_new=True)
        return command

    # Mutators

    def give_up(self, reason: str) -> None:
        """Nobody needs any more who said what."""
        with transaction.atomic():
            super().give_up(reason)
            type(self).objects.filter(pk=self.pk).update(author="", argument="")


def _read(envelope: Envelope) -> re.Match[str] | None:
    if envelope.kind != KIND:
        return None
    read = _COMMAND.match(envelope.text)
    return read if read and read["name"].lower() in ChatCommand.Name.values else None
