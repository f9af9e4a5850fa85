"""Which messages report an issue, what the duplicate search found, and what people said of pairs."""

from collections.abc import Iterable

from django.contrib.postgres.aggregates import BoolAnd
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.issues.models.issue import Issue
from apps.messages.models import Message


class Evidence(models.Model):
    """A message that reports an issue, and why we think so."""

    class Level(models.TextChoices):
        OPENED = "opened", _("Opened the issue")
        EXACT = "exact", _("Same text")
        FUZZY = "fuzzy", _("Similar words")
        SEMANTIC = "semantic", _("Similar meaning")
        JUDGED = "judged", _("Compared by the judge")
        REPLY = "reply", _("Said about it in the chat")
        RUN = "run", _("Moments later in the same chat")
        EDIT = "edit", _("Edit of a report")
        PERSON = "person", _("A person said so")

    #: They report nothing by themselves: no later report is compared with them.
    FOLLOW_UPS = frozenset({Level.REPLY, Level.RUN})

    issue = models.ForeignKey(
        Issue, models.CASCADE, verbose_name=_("issue"), related_name="evidence"
    )
    message = models.OneToOneField(
        Message, models.CASCADE, verbose_name=_("message"), related_name="evidence"
    )
    level = models.CharField(_("how it was found"), max_length=10, choices=Level)
    like = models.ForeignKey(
        Message,
        models.SET_NULL,
        verbose_name=_("the report that it resembles"),
        related_name="+",
        null=True,
        blank=True,
    )
    score = models.FloatField(_("score"), null=True)
    threshold = models.FloatField(_("threshold at that moment"), null=True)
    explanation = models.JSONField(_("explanation"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("evidence")
        verbose_name_plural = _("evidence")
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return f"{self.issue_id} <- {self.message_id} ({self.level})"

    # Queries

    @classmethod
    def only_archived(cls, issues: Iterable[int]) -> set[int]:
        """Those of these issues whose every report comes from an archive."""
        told = cls.objects.filter(issue__in=list(issues)).order_by().values("issue")
        archived = told.annotate(is_archived=BoolAnd("message__is_history"))
        return set(archived.filter(is_archived=True).values_list("issue", flat=True))


class Match(models.Model):
    """What the duplicate search found for a message, taken or only suggested.

    Never overwritten; what was suggested passes on to the edit of its message.
    """

    class Outcome(models.TextChoices):
        ATTACHED = "attached", _("Attached")
        SUGGESTED = "suggested", _("Suggested")

    message = models.ForeignKey(
        Message, models.CASCADE, verbose_name=_("message"), related_name="matches"
    )
    issue = models.ForeignKey(
        Issue, models.CASCADE, verbose_name=_("issue"), related_name="matches"
    )
    like = models.ForeignKey(
        Message,
        models.SET_NULL,
        verbose_name=_("the report that it resembles"),
        related_name="+",
        null=True,
        blank=True,
    )
    level = models.CharField(_("level"), max_length=10, choices=Evidence.Level)
    score = models.FloatField(_("score"))
    threshold = models.FloatField(_("threshold at that moment"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    explanation = models.JSONField(_("explanation"), default=dict, blank=True)
    model = models.CharField(_("embedding model"), max_length=100, blank=True, default="")
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("match")
        verbose_name_plural = _("matches")
        ordering = ["-score"]

    def __str__(self) -> str:
        return f"{self.message_id} ~ {self.issue_id} {self.score:.2f}"


class Filing(models.Model):
    """How one message was filed, with everything that the decision saw. Never overwritten."""

    class Outcome(models.TextChoices):
        OPENED = "opened", _("Opened an issue")
        ATTACHED = "attached", _("Attached")

    message = models.ForeignKey(
        Message, models.CASCADE, verbose_name=_("message"), related_name="filings"
    )
    issue = models.ForeignKey(
        Issue, models.CASCADE, verbose_name=_("issue"), related_name="filings"
    )
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome)
    level = models.CharField(
        _("level"), max_length=10, choices=Evidence.Level, blank=True, default=""
    )
    score = models.FloatField(_("score"), null=True)
    merge_threshold = models.FloatField(_("merge at"), null=True)
    suggest_threshold = models.FloatField(_("suggest at"), null=True)
    text_hash = models.CharField(_("fingerprint"), max_length=80, blank=True, default="")
    embedding_model = models.CharField(_("embedding model"), max_length=100, blank=True, default="")
    judge = models.CharField(_("version of the judge"), max_length=60, blank=True, default="")
    #: The project's windows at that moment: {"window_hours": 24, ...}.
    limits = models.JSONField(_("windows"), default=dict, blank=True)
    #: What it was compared with, best first: [{"message", "issue", "level", "score", "cosine"}].
    compared = models.JSONField(_("compared with"), default=list, blank=True)
    #: What it takes to decide again: {"candidates": [[message, issue], ...], "closed": [issue, ...],
    #: "without_vector": [message, ...], and short hashes: "text", its "words", "glossary", all "texts"}.
    saw = models.JSONField(_("what the decision saw"), default=dict, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("filing")
        verbose_name_plural = _("filings")
        ordering = ["created_at", "id"]

    def __str__(self) -> str:
        return f"{self.message_id} -> {self.issue_id} ({self.outcome})"
