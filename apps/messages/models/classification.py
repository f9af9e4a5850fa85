"""What classifiers answered about messages, and the figures of days that are over."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.fields.json import KeyTransform
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.messages.models.message import Category, Message, Priority
from apps.sources.models import Project


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
            # What an LLM said to the same question, newest first.
            models.Index(
                KeyTransform("asked", "raw"),
                models.F("created_at").desc(),
                name="answer_to_question",
                condition=models.Q(is_cached=False, classifier__startswith="llm:"),
            ),
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
