"""What a language model thinks of a suggestion: whether two reports are about the same problem."""

from typing import Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.issues.models.evidence import Match
from apps.issues.models.issue import Issue
from tasktracker.lib.workflow import WorkItem


class Opinion(WorkItem):
    """One question about one pair; without an answer the suggestion stands as it is."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SAME = "same", _("The same problem")
        DIFFERENT = "different", _("Different problems")
        UNCLEAR = "unclear", _("It cannot tell")
        FAILED = "failed", _("Failed")
        DROPPED = "dropped", _("No longer wanted")

    TRANSITIONS = {
        Status.WAITING: {
            Status.SAME,
            Status.DIFFERENT,
            Status.UNCLEAR,
            Status.FAILED,
            Status.DROPPED,
        },
    }
    WAITING = frozenset({Status.WAITING})
    ANSWERED = frozenset({Status.SAME, Status.DIFFERENT, Status.UNCLEAR})

    match = models.OneToOneField(
        Match, models.CASCADE, verbose_name=_("match"), related_name="opinion"
    )
    #: The new issue of that moment; the older one is the match's.
    issue = models.ForeignKey(
        Issue, models.CASCADE, verbose_name=_("issue"), related_name="opinions"
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.WAITING)
    confidence = models.FloatField(_("confidence"), null=True)
    reason = models.CharField(_("why"), max_length=300, blank=True, default="")
    model = models.CharField(_("model"), max_length=100, blank=True, default="")
    prompt = models.CharField(_("version of the prompt"), max_length=40, blank=True, default="")
    tokens = models.PositiveIntegerField(_("tokens"), default=0)
    input_tokens = models.PositiveIntegerField(_("tokens read"), default=0)
    cost_usd = models.FloatField(_("estimated cost, USD"), default=0.0)
    latency_ms = models.FloatField(_("time, ms"), default=0.0)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("a model's opinion")
        verbose_name_plural = _("models' opinions")
        indexes = [
            models.Index(
                fields=["status", "due_at"],
                name="opinion_due",
                condition=models.Q(due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.match_id} {self.status}"

    # Factories

    @classmethod
    def ask_for(cls, match: Match, issue: Issue) -> Self:
        due_at = cls.due_now(cls.Status.WAITING)
        opinion = cls.objects.create(match=match, issue=issue, due_at=due_at)
        cls.announce([opinion.pk], opinion.status, is_new=True)
        return opinion

    # Properties

    @property
    def is_answered(self) -> bool:
        return self.status in self.ANSWERED
