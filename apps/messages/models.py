"""Stored messages, their vectors, and every classifier's answer about them."""

from collections.abc import Iterable
from typing import Any, Self

import numpy as np
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pgvector.django import VectorField

from apps.messages.classifiers import rules
from apps.messages.classifiers.base import Vector
from apps.sources.envelope import Envelope
from apps.sources.models import Chat, Project, Source
from tasktracker.lib.text import fingerprint
from tasktracker.lib.workflow import WorkItem


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


class Message(WorkItem):
    """A stored envelope; an edit is a row of its own, and the older one is superseded."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        UNSURE = "unsure", _("Unsure")
        ACTIONABLE = "actionable", _("Reports something")
        FILED = "filed", _("Filed")
        NOISE = "noise", _("Nothing to do")
        FAILED = "failed", _("Failed")

    TRANSITIONS = {
        Status.RECEIVED: {Status.UNSURE, Status.ACTIONABLE, Status.NOISE, Status.FAILED},
        Status.UNSURE: {Status.ACTIONABLE, Status.NOISE, Status.FAILED},
        Status.ACTIONABLE: {Status.FILED, Status.NOISE, Status.FAILED},
        Status.NOISE: {Status.RECEIVED, Status.ACTIONABLE},
        Status.FAILED: {Status.RECEIVED},
        Status.FILED: {Status.ACTIONABLE, Status.NOISE},
    }
    WAITING = frozenset({Status.RECEIVED, Status.UNSURE, Status.ACTIONABLE})

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
    forwarded_from = models.CharField(_("forwarded from"), max_length=200, blank=True, default="")
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
                fields=["source", "external_id", "edit"], name="message_stored_once"
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
    def from_envelope(cls, envelope: Envelope, chat: Chat) -> Self:
        """An unsaved row; `ingest` saves a batch with one statement."""
        return cls(
            project_id=chat.project_id_of_messages,
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
            forwarded_from=envelope.forwarded_from,
            is_from_bot=envelope.is_from_bot,
            is_history=envelope.is_history,
            raw=envelope.raw,
            due_at=cls.due_now(cls.Status.RECEIVED),
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
    def in_order(cls, messages: Iterable[Self]) -> list[Self]:
        return sorted(messages, key=lambda message: (message.sent_at, message.pk))

    # Properties

    @property
    def is_actionable(self) -> bool:
        return self.category in ACTIONABLE_CATEGORIES


class Embedding(models.Model):
    """A message's vector by one model; vectors of different models are never compared."""

    message = models.ForeignKey(
        Message, models.CASCADE, verbose_name=_("message"), related_name="embeddings"
    )
    model = models.CharField(_("model"), max_length=100)
    vector = VectorField(_("vector"))  # as long as its model makes them
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("embedding")
        verbose_name_plural = _("embeddings")
        constraints = [
            models.UniqueConstraint(fields=["message", "model"], name="one_embedding_per_model")
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.message_id}"


class Classification(models.Model):
    """One classifier's answer about one message. Never overwritten."""

    message = models.ForeignKey(
        Message, models.CASCADE, verbose_name=_("message"), related_name="classifications"
    )
    classifier = models.CharField(_("classifier"), max_length=60)
    version = models.CharField(_("version"), max_length=60)
    category = models.CharField(_("category"), max_length=10, choices=Category)
    priority = models.CharField(_("priority"), max_length=10, choices=Priority)
    confidence = models.FloatField(_("confidence"))
    scores = models.JSONField(_("scores"), default=dict, blank=True)
    entities = models.JSONField(_("entities"), default=dict, blank=True)
    raw = models.JSONField(_("answer"), default=dict, blank=True)
    latency_ms = models.FloatField(_("time, ms"), default=0.0)
    tokens = models.PositiveIntegerField(_("tokens"), default=0)
    input_tokens = models.PositiveIntegerField(_("tokens of the question"), default=0)
    cost_usd = models.FloatField(_("estimated cost, USD"), default=0.0)
    is_cached = models.BooleanField(_("from the cache"), default=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("classification")
        verbose_name_plural = _("classifications")
        ordering = ["created_at", "id"]
        indexes = [
            # Figures per day.
            models.Index(fields=["created_at", "classifier"], name="classification_of_day"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confidence__gte=0.0) & models.Q(confidence__lte=1.0),
                name="confidence_is_a_ratio",
            )
        ]

    def __str__(self) -> str:
        return f"{self.classifier}: {self.category}/{self.priority} {self.confidence:.2f}"

    # Properties

    @property
    def ruled(self) -> dict[str, Any] | None:
        """Which rule had its say in this answer."""
        return self.raw if "rule" in self.raw else None


class AnswersOfDay(models.Model):
    """What a classifier answered on a day that is over, so that nobody counts its rows again."""

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="+"
    )
    day = models.DateField(_("day"))
    classifier = models.CharField(_("classifier"), max_length=60)
    category = models.CharField(_("category"), max_length=10, choices=Category)
    answers = models.PositiveIntegerField(_("answers"))
    cached = models.PositiveIntegerField(_("from the cache"))
    tokens = models.PositiveBigIntegerField(_("tokens"))
    input_tokens = models.PositiveBigIntegerField(_("tokens of the question"))
    cost_usd = models.FloatField(_("estimated cost, USD"))
    latency_ms = models.FloatField(_("time, ms"))
    #: How many answers fell between the edges of apps.messages.measure.
    latencies = ArrayField(models.PositiveIntegerField(), verbose_name=_("times"))
    confidences = ArrayField(models.PositiveIntegerField(), verbose_name=_("confidences"))

    class Meta:
        verbose_name = _("answers of a day")
        verbose_name_plural = _("answers by day")
        constraints = [
            models.UniqueConstraint(
                fields=["day", "project", "classifier", "category"], name="day_closed_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.classifier} {self.category}: {self.answers}"


class Rule(models.Model):
    """A project's own rule: when all its conditions hold, its actions are taken."""

    class Language(models.TextChoices):
        UKRAINIAN = "uk", _("Ukrainian")
        ENGLISH = "en", _("English")

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="rules"
    )
    name = models.CharField(_("name"), max_length=100)
    position = models.PositiveIntegerField(
        _("order"), default=100, help_text=_("The first rule that fits wins.")
    )
    is_active = models.BooleanField(_("active"), default=True)

    contains = models.TextField(
        _("contains one of"),
        blank=True,
        default="",
        max_length=2000,
        help_text=_("A phrase per line; case does not matter, a star stands for any ending."),
    )
    pattern = models.CharField(
        _("matches the expression"),
        max_length=500,
        blank=True,
        default="",
        help_text=_(
            "A regular expression, searched for anywhere in the text; case does not matter."
        ),
    )
    author = models.CharField(_("author is"), max_length=200, blank=True, default="")
    chat = models.ForeignKey(
        Chat,
        models.CASCADE,
        verbose_name=_("chat is"),
        related_name="+",
        null=True,
        blank=True,
    )
    language = models.CharField(
        _("language is"), max_length=2, choices=Language, blank=True, default=""
    )
    entity = models.CharField(
        _("names"), max_length=100, blank=True, default="", help_text=_("As in: Kafka, @olena")
    )

    is_ignored = models.BooleanField(_("ignore the message"), default=False)
    category = models.CharField(
        _("category"), max_length=10, choices=Category, blank=True, default=""
    )
    priority = models.CharField(
        _("priority"), max_length=10, choices=Priority, blank=True, default=""
    )
    route_to = models.ForeignKey(
        Project,
        models.SET_NULL,
        verbose_name=_("route to"),
        related_name="+",
        null=True,
        blank=True,
    )
    tag = models.CharField(_("tag"), max_length=50, blank=True, default="")
    timeouts = models.PositiveIntegerField(
        _("how often the expression took too long"), default=0, editable=False
    )
    last_timeout_at = models.DateTimeField(_("last time"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["project", "position", "id"]

    def __str__(self) -> str:
        return self.name

    # Mutators

    @classmethod
    def note_timeouts(cls, project_id: int, patterns: Iterable[str]) -> None:
        """Expressions that took too long: the rule's page tells it."""
        rows = cls.objects.filter(project=project_id, pattern__in=list(patterns))
        rows.update(timeouts=models.F("timeouts") + 1, last_timeout_at=Now())

    # Properties

    @property
    def phrases(self) -> tuple[str, ...]:
        return tuple(line.strip() for line in self.contains.splitlines() if line.strip())

    @property
    def plain(self) -> rules.Rule:
        """As the classifier takes it."""
        return rules.Rule(
            id=self.pk,
            name=self.name,
            contains=self.phrases,
            pattern=self.pattern,
            author=self.author.strip(),
            chat_id=self.chat_id,
            chat=str(self.chat) if self.chat_id else "",
            language=self.language,
            entity=self.entity.strip(),
            is_ignored=self.is_ignored,
            category=self.category,
            priority=self.priority,
            route_to_id=self.route_to_id,
            tag=self.tag.strip(),
            project_id=self.project_id,
        )

    def clean(self) -> None:
        """Refuse what could never fit or never do anything, at the field where it is wrong."""
        errors: dict[str, Any] = {}
        if problem := rules.problem_of(self.pattern):
            errors["pattern"] = _in_words(problem)
        if any(not rules.has_word(phrase) for phrase in self.phrases):
            errors["contains"] = gettext("Each phrase needs a word.")
        if self.is_ignored and (self.category or self.priority):
            errors["is_ignored"] = gettext(
                "A message that is ignored needs no category and no priority."
            )
        if self.route_to_id is not None and self.route_to_id == self.project_id:
            errors["route_to"] = gettext("The messages are in this project already.")
        conditions = (self.contains.strip(), self.pattern, self.author.strip(), self.chat_id)
        if not any((*conditions, self.language, self.entity.strip())):
            errors.setdefault("__all__", []).append(
                gettext("Set at least one condition: a rule without any would fit every message.")
            )
        actions = (self.is_ignored, self.category, self.priority, self.route_to_id)
        if not any((*actions, self.tag.strip())):
            errors.setdefault("__all__", []).append(
                gettext("Set at least one action: this rule would change nothing.")
            )
        if errors:
            raise ValidationError(errors)


def _in_words(problem: rules.Problem) -> str:
    """What is wrong with an expression, in the reader's language where we have its words."""
    known = _PROBLEMS.get(problem.reason)
    details = {"reason": known or problem.reason, "position": problem.position}
    if problem.position is None:
        return gettext("This expression cannot be read: %(reason)s.") % details
    return (
        gettext("This expression cannot be read: %(reason)s, at character %(position)d.") % details
    )


#: What `regex` says, as it says it.
_PROBLEMS = {
    "missing )": _("a closing bracket is missing"),
    "unbalanced parenthesis": _("a closing bracket stands alone"),
    "unterminated character set": _("a square bracket is not closed"),
    "nothing to repeat": _("there is nothing to repeat"),
    "multiple repeat": _("a repetition is repeated"),
    "bad escape (end of pattern)": _("it ends with a backslash"),
    "bad character range": _("the range is the wrong way round"),
    "unknown property": _("no such property"),
    "unknown extension": _("no such extension"),
    "unknown group": _("no such group"),
    "missing >": _("the name of a group is not closed"),
    "min repeat greater than max repeat": _("the range is the wrong way round"),
    "too many repetitions": _("too many repetitions"),
}


class Correction(models.Model):
    """What a person set right: it locks the field, and the next training learns from it."""

    class Field(models.TextChoices):
        CATEGORY = "category", _("Category")
        PRIORITY = "priority", _("Priority")
        ENTITIES = "entities", _("Entities")
        TITLE = "title", _("Title")
        IS_ISSUE = "is_issue", _("Is an issue")

    message = models.ForeignKey(
        Message, models.CASCADE, verbose_name=_("message"), related_name="corrections"
    )
    field = models.CharField(_("field"), max_length=10, choices=Field)
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("who"),
        null=True,
        related_name="+",
    )
    created_at = models.DateTimeField(_("when"), db_default=Now())

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.message_id} {self.field}: {self.before} -> {self.after}"


class ModelVersion(WorkItem):
    """One training of the local classifier; without an active one the shipped weights answer."""

    class Status(models.TextChoices):
        WANTED = "wanted", _("Waits for training")
        CANDIDATE = "candidate", _("Not promoted")
        ACTIVE = "active", _("Active")
        RETIRED = "retired", _("Retired")
        FAILED = "failed", _("Failed")

    TRANSITIONS = {
        Status.WANTED: {Status.CANDIDATE, Status.ACTIVE, Status.FAILED},
        Status.CANDIDATE: {Status.ACTIVE},
        Status.ACTIVE: {Status.RETIRED},
        Status.RETIRED: {Status.ACTIVE},
        Status.FAILED: {Status.WANTED},
    }
    WAITING = frozenset({Status.WANTED})

    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.WANTED)
    version = models.CharField(_("version"), max_length=60, blank=True, default="", editable=False)
    embedding_model = models.CharField(
        _("embedding model"), max_length=100, blank=True, default="", editable=False
    )
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("who asked"),
        null=True,
        related_name="+",
        editable=False,
        help_text=_("Empty: the system."),
    )
    corrections = models.PositiveIntegerField(_("corrections"), default=0, editable=False)
    figures = models.JSONField(_("figures"), default=dict, editable=False)
    report = models.JSONField(_("what changed"), default=dict, editable=False)
    weights = models.BinaryField(_("weights"), null=True, editable=False)
    trained_at = models.DateTimeField(_("trained at"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["status"],
                name="one_active_model",
                condition=models.Q(status="active"),
            )
        ]

    def __str__(self) -> str:
        return self.version or f"#{self.pk}"


def vectors_of(message_ids: Iterable[int], model: str) -> dict[int, Vector]:
    """Stored vectors by message id, float32 arrays of shape (384,)."""
    rows = Embedding.objects.filter(message_id__in=list(message_ids), model=model)
    return {
        message_id: np.asarray(vector, np.float32)
        for message_id, vector in rows.values_list("message_id", "vector")
    }
