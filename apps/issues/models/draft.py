"""What a language model is asked to word: a new issue's title and description."""

from typing import Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.issues.models.issue import Issue
from tasktracker.lib.workflow import WorkItem


class Draft(WorkItem):
    """A new issue's words, asked of a language model; without an answer the extracted ones stand."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        WRITTEN = "written", _("Written")
        FAILED = "failed", _("Failed")
        DROPPED = "dropped", _("No longer wanted")

    TRANSITIONS = {
        Status.WAITING: {Status.WRITTEN, Status.FAILED, Status.DROPPED},
        Status.FAILED: {Status.WAITING},
    }
    WAITING = frozenset({Status.WAITING})

    issue = models.OneToOneField(
        Issue, models.CASCADE, verbose_name=_("issue"), related_name="draft"
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.WAITING)
    model = models.CharField(_("model"), max_length=100, blank=True, default="")
    answer = models.JSONField(_("answer"), default=dict, blank=True)
    tokens = models.PositiveIntegerField(_("tokens"), default=0)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        indexes = [
            models.Index(
                fields=["status", "due_at"],
                name="draft_due",
                condition=models.Q(due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.status}"

    # Factories

    @classmethod
    def ask_for(cls, issue: Issue) -> Self:
        draft = cls.objects.create(issue=issue, due_at=cls.due_now(cls.Status.WAITING))
        cls.announce([draft.pk], draft.status, is_new=True)
        return draft
