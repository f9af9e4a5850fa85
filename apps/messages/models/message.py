"""Stored messages: what they say, where they stand, and what was decided about them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import MD5, Now
from django.utils.translation import gettext_lazy as _

from apps.sources.envelope import Envelope
from apps.sources.models import Chat, Project, Source
from tasktracker.lib.text import fingerprint
from tasktracker.lib.workflow import WorkItem

if TYPE_CHECKING:
    from apps.messages.models.classification import Classification


class Category(models.TextChoices):
    BUG = "bug", _("Bug")
    FEATURE = "feature", _("Feature")
    QUESTION = "question", _("Question")
    INFO = "info", _("Info")


class Priority(models.TextChoices):
    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")
    CRITICAL = "critical", _("Critical")


ACTIONABLE_CATEGORIES = frozenset({Category.BUG, Category.FEATURE})


#: `Envelope.wording` of a row. Platforms tell the second of an edit, and people edit faster.
WORDING = models.Case(
    models.When(edit__gt=0, then=MD5("text")),
    default=models.Value(""),
    output_field=models.TextField(),
)


class Message(WorkItem):
    """A stored envelope; an edit is a row of its own, and the older one is superseded.

    Of two edits of one second the one that was stored later is the later one.
    """

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        UNSURE = "unsure", _("Unsure")
        ACTIONABLE = "actionable", _("Reports something")
        FOLLOW_UP = "follow_up", _("Adds to a report")
        FILED = "filed", _("Filed")
        NOISE = "noise", _("Nothing to do")
        FAILED = "failed", _("Failed")
        HELD = "held", _("Waits for a yes to its chat")

    TRANSITIONS = {
        Status.RECEIVED: {
            Status.UNSURE,
            Status.ACTIONABLE,
            Status.FOLLOW_UP,
            Status.NOISE,
            Status.FAILED,
        },
        Status.UNSURE: {Status.ACTIONABLE, Status.FOLLOW_UP, Status.NOISE, Status.FAILED},
        Status.ACTIONABLE: {Status.FILED, Status.NOISE, Status.FAILED},
        Status.FOLLOW_UP: {Status.FILED, Status.NOISE, Status.ACTIONABLE, Status.FAILED},
        Status.NOISE: {Status.RECEIVED, Status.ACTIONABLE},
        Status.FAILED: {Status.RECEIVED},
        Status.FILED: {Status.ACTIONABLE, Status.NOISE},
        Status.HELD: {Status.RECEIVED},
    }
    WAITING = frozenset({Status.RECEIVED, Status.UNSURE, Status.ACTIONABLE, Status.FOLLOW_UP})

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="messages"
    )
    source = models.ForeignKey(
        Source, models.CASCADE, verbose_name=_("source"), related_name="messages"
    )
    chat = models.ForeignKey(Chat, models.CASCADE, verbose_name=_("chat"), related_name="messages")
    external_id = models.CharField(_("id at the source"), max_length=200)
    edit = models.BigIntegerField(_("edited at, epoch seconds"), default=0)
    is_superseded = models.BooleanField(_("replaced by an edit"), default=False)
    topic = models.CharField(_("topic"), max_length=200, blank=True, default="")
    author_id = models.CharField(_("author's id"), max_length=200, blank=True, default="")
    author = models.CharField(_("author"), max_length=200, blank=True, default="")
    avatar_url = models.CharField(_("avatar"), max_length=500, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=30, blank=True, default="text")
    text = models.TextField(_("text"), blank=True, default="")
    text_hash = models.CharField(_("fingerprint"), max_length=80, blank=True, default="")
    sent_at = models.DateTimeField(_("sent at"))
    reply_to_external_id = models.CharField(
        _("answers, by id"), max_length=200, blank=True, default=""
    )
    reply_to = models.ForeignKey(
        "self",
        models.SET_NULL,
        verbose_name=_("answers"),
        null=True,
        blank=True,
        related_name="replies",
    )
    quote = models.TextField(_("quote"), blank=True, default="")
    forwarded_from = models.CharField(_("forwarded from"), max_length=200, blank=True, default="")
    album = models.CharField(_("album"), max_length=200, blank=True, default="")
    files = models.JSONField(_("files"), default=list, blank=True)
    url = models.CharField(_("address"), max_length=500, blank=True, default="")
    deleted_at = models.DateTimeField(_("deleted there at"), null=True, editable=False)
    is_from_bot = models.BooleanField(_("from a bot"), default=False)
    is_history = models.BooleanField(_("from an archive"), default=False)
    raw = models.JSONField(_("original"), default=dict, blank=True)
    created_at = models.DateTimeField(_("stored at"), db_default=Now())

    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.RECEIVED)
    category = models.CharField(
        _("category"), max_length=10, choices=Category, blank=True, default=""
    )
    priority = models.CharField(
        _("priority"), max_length=10, choices=Priority, blank=True, default=""
    )
    confidence = models.FloatField(_("confidence"), null=True)
    decided_by = models.CharField(_("decided by"), max_length=60, blank=True, default="")
    is_provisional = models.BooleanField(
        _("provisional"), default=False, help_text=_("No model was sure; a person should look.")
    )
    tags = models.JSONField(_("tags"), default=list, blank=True)
    alert_key = models.CharField(_("alert"), max_length=80, blank=True, default="", editable=False)
    locked_fields = models.JSONField(_("set by a person"), default=list, blank=True, editable=False)

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["-sent_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                "source", "external_id", "edit", WORDING, name="message_stored_once"
            )
        ]
        indexes = [
            # The inbox, the API's list and the team page: newest first within a project.
            models.Index(fields=["project", "-sent_at"], name="message_newest"),
            # The same lists of those who see every project.
            models.Index(fields=["-sent_at", "-id"], name="message_newest_of_all"),
            # The conversation around a message.
            models.Index(fields=["chat", "topic", "-sent_at"], name="message_in_chat"),
            # Replies that came before what they answer.
            models.Index(
                fields=["source", "reply_to_external_id"],
                name="message_orphan_reply",
                condition=models.Q(reply_to=None) & ~models.Q(reply_to_external_id=""),
            ),
            # Repeats of one alert.
            models.Index(
                fields=["project", "alert_key"],
                name="message_alert",
                condition=~models.Q(alert_key=""),
            ),
            # Near-identical questions to the LLM, and the author's own last messages.
            models.Index(fields=["project", "text_hash"], name="message_same_text"),
            models.Index(fields=["chat", "author_id", "-sent_at"], name="message_of_author"),
            # The sweep of due rows.
            models.Index(
                fields=["status", "due_at"],
                name="message_due",
                condition=models.Q(due_at__isnull=False),
            ),
            # What is kept of chats that wait for a yes: few rows, settled chat by chat.
            models.Index(
                fields=["chat", "topic"], name="message_held", condition=models.Q(status="held")
            ),
            # The other parts of an album.
            models.Index(
                fields=["chat", "album"], name="message_of_album", condition=~models.Q(album="")
            ),
            # What no classifier could read: few rows that people and alerts look for.
            models.Index(
                fields=["project"], name="message_failed", condition=models.Q(status="failed")
            ),
            # Search by part of a word.
            GinIndex(fields=["text"], name="message_text", opclasses=["gin_trgm_ops"]),
            GinIndex(fields=["author"], name="message_author", opclasses=["gin_trgm_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.author or '?'}: {self.text[:60]}"

    # Factories

    @classmethod
    def from_envelope(cls, envelope: Envelope, chat: Chat, status: str = Status.RECEIVED) -> Self:
        """An unsaved row; `ingest` saves a batch with one statement."""
        return cls(
            project_id=chat.project_of(envelope.topic).pk,
            source_id=envelope.source_id,
            chat=chat,
            external_id=envelope.external_id,
            edit=envelope.edit,
            topic=envelope.topic,
            author_id=envelope.author_id,
            author=envelope.author_name,
            avatar_url=envelope.avatar_url,
            kind=envelope.kind,
            text=envelope.text,
            text_hash=fingerprint(envelope.text),
            sent_at=envelope.sent_at,
            reply_to_external_id=envelope.reply_to,
            quote=envelope.quote,
            forwarded_from=envelope.forwarded_from,
            album=envelope.album,
            files=list(envelope.files),
            url=envelope.url,
            is_from_bot=envelope.is_from_bot,
            is_history=envelope.is_history,
            raw=envelope.raw,
            status=status,
            due_at=cls.due_now(status),
        )

    # Mutators

    def decide(
        self, status: str, classification: "Classification", *, is_provisional: bool
    ) -> None:
        """Take this classification as the answer and move on; what a person has set stays."""
        answer = {
            "category": classification.category,
            "priority": classification.priority,
            "confidence": classification.confidence,
            "decided_by": classification.classifier,
            "is_provisional": is_provisional,
        }
        ruled = {"project_id": self.project_id, "tags": self.tags, "alert_key": self.alert_key}
        if "priority" in self.locked_fields:
            del answer["priority"]
        if "category" in self.locked_fields:
            status = self.Status.ACTIONABLE if self.is_actionable else self.Status.NOISE
            answer = {name: answer[name] for name in answer if name == "priority"}
        self.move_to(status, **ruled, **answer)

    # Queries

    @classmethod
    def shown(cls) -> "models.QuerySet[Self]":
        """Without what waits for a yes to its chat."""
        return cls.objects.exclude(status=cls.Status.HELD)

    def rest_of_album(self) -> "models.QuerySet[Message]":
        """What was sent together with it."""
        if not self.album:
            return Message.objects.none()
        parts = Message.objects.filter(chat=self.chat_id, album=self.album, is_superseded=False)
        return parts.exclude(external_id=self.external_id).order_by("sent_at", "pk")

    @classmethod
    def in_order(cls, messages: Iterable[Self]) -> list[Self]:
        return sorted(messages, key=lambda message: (message.sent_at, message.pk))

    # Properties

    @property
    def is_actionable(self) -> bool:
        return self.category in ACTIONABLE_CATEGORIES
