"""What the bot says in a chat about an issue that was reported there."""

from typing import Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.issues.models.issue import Issue
from apps.messages.models import Message
from apps.sources.models import Chat
from tasktracker.lib.workflow import WorkItem


class StatusReply(WorkItem):
    """One quiet reply per issue and chat, posted once and then only edited."""

    class Status(models.TextChoices):
        DUE = "due", _("To be written")
        SHOWN = "shown", _("In the chat")
        DROPPED = "dropped", _("No longer wanted")
        FAILED = "failed", _("Failed")

    TRANSITIONS = {
        Status.DUE: {Status.SHOWN, Status.DROPPED, Status.FAILED},
        Status.SHOWN: {Status.DUE},
        Status.DROPPED: {Status.DUE},  # the chat is no longer muted
    }
    WAITING = frozenset({Status.DUE})

    issue = models.ForeignKey(
        Issue, models.CASCADE, verbose_name=_("issue"), related_name="replies"
    )
    chat = models.ForeignKey(Chat, models.CASCADE, verbose_name=_("chat"), related_name="+")
    topic = models.CharField(_("topic"), max_length=200, blank=True, default="")
    reply_to = models.CharField(_("answers, by id"), max_length=200)
    message_id = models.CharField(_("message in the chat"), max_length=100, blank=True, default="")
    #: The chat's id of then: in the supergroup that a group becomes, the numbers begin anew.
    chat_external_id = models.CharField(max_length=200, blank=True, default="", editable=False)
    text = models.TextField(_("text"), blank=True, default="")
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.DUE)
    #: Set before the chat is called: with it and without a message nobody knows what the chat has.
    post_began_at = models.DateTimeField(_("posting began at"), null=True, editable=False)
    written_at = models.DateTimeField(_("written at"), null=True, editable=False)
    #: What people think of it, by their ids: 1 or -1.
    voices = models.JSONField(_("reactions"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("reply in a chat")
        verbose_name_plural = _("replies in chats")
        ordering = ["created_at", "id"]
        constraints = [models.UniqueConstraint(fields=["issue", "chat"], name="one_reply_per_chat")]
        indexes = [
            models.Index(
                fields=["status", "due_at"],
                name="reply_due",
                condition=models.Q(due_at__isnull=False),
            ),
            # The pace of a chat, and reactions to what was written there.
            models.Index(fields=["chat", "written_at"], name="reply_in_chat"),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.chat_id} {self.status}"

    # Factories

    @classmethod
    def ask_for(cls, issue: Issue, message: Message) -> Self:
        reply, is_new = cls.objects.get_or_create(
            issue=issue,
            chat=message.chat,
            defaults={
                "topic": message.topic,
                "reply_to": message.external_id,
                "due_at": cls.due_now(cls.Status.DUE),
            },
        )
        if is_new:
            cls.announce([reply.pk], reply.status, is_new=True)
        return reply

    # Mutators

    def leave_behind(self) -> None:
        """What was posted stands in a chat that is no more: nobody can edit it there."""
        posted = {"message_id": "", "chat_external_id": "", "post_began_at": None}
        type(self).objects.filter(pk=self.pk, status=self.status).update(**posted)
        for name, value in posted.items():
            setattr(self, name, value)

    # Properties

    @property
    def likes(self) -> int:
        return list(self.voices.values()).count(1)

    @property
    def dislikes(self) -> int:
        return list(self.voices.values()).count(-1)
