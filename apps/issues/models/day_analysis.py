"""What a day of a project was like."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.sources.models import Project
from tasktracker.lib.workflow import WorkItem


class DayAnalysis(WorkItem):
    """What a day of a project was like: figures, advice, perhaps a model's words; posted once at most."""

    class Status(models.TextChoices):
        WORDING = "wording", _("A model is writing")
        POSTING = "posting", _("Being posted")
        READY = "ready", _("Ready")
        POSTED = "posted", _("Posted to the chat")
        FAILED = "failed", _("Could not be posted")

    TRANSITIONS = {
        Status.WORDING: {Status.READY, Status.POSTING, Status.POSTED},
        Status.POSTING: {Status.POSTED, Status.FAILED, Status.READY},
        Status.READY: {Status.WORDING, Status.POSTING},
        Status.POSTED: {Status.WORDING},
        Status.FAILED: {Status.WORDING, Status.POSTING},
    }
    WAITING = frozenset({Status.WORDING, Status.POSTING})

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="analyses"
    )
    day = models.DateField(_("day"))
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.READY)
    figures = models.JSONField(_("figures"), default=dict)
    text = models.TextField(_("text"), blank=True, default="")
    llm_text = models.TextField(_("a model's words"), blank=True, default="")
    llm_model = models.CharField(_("model"), max_length=100, blank=True, default="")
    llm_tokens = models.PositiveIntegerField(_("tokens"), default=0)
    is_to_be_posted = models.BooleanField(_("goes to the chat"), default=False)
    #: Set before the chat is called: with it and without `posted_at` nobody knows what the chat has.
    post_began_at = models.DateTimeField(_("posting began at"), null=True)
    posted_at = models.DateTimeField(_("posted at"), null=True)
    posted_message_id = models.CharField(_("message in the chat"), max_length=100, default="")
    analysed_at = models.DateTimeField(_("analysed at"), db_default=Now())
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("analysis of a day")
        verbose_name_plural = _("analyses of days")
        ordering = ["-day", "project"]
        constraints = [
            models.UniqueConstraint(fields=["project", "day"], name="one_analysis_per_day")
        ]
        indexes = [
            models.Index(
                fields=["status", "due_at"],
                name="analysis_due",
                condition=models.Q(due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.project} {self.day}"
