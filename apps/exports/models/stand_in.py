"""A task in one tracker that stands for the task of another."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.exports.models.policy import ExportPolicy
from apps.exports.models.task_export import TaskExport
from tasktracker.lib.workflow import WorkItem


class StandIn(WorkItem):
    """While `export` waits, `by` is the issue's task; then one of the two is, and knows of the other.

    The other one is held until then, so that an issue never has two.
    """

    class Status(models.TextChoices):
        STANDING = "standing", _("Stands in")
        MOVING = "moving", _("Moves")
        SETTLED = "settled", _("Settled")

    #: Whoever gives up is asked again each quarter of an hour: somebody may have mended it there.
    TRANSITIONS = {
        Status.STANDING: {Status.MOVING, Status.SETTLED},
        Status.MOVING: {Status.SETTLED},
        Status.SETTLED: {Status.STANDING},  # somebody moves it after all
    }
    WAITING = frozenset({Status.STANDING, Status.MOVING})

    export = models.OneToOneField(
        TaskExport, models.CASCADE, verbose_name=_("export"), related_name="stand_in"
    )
    by = models.ForeignKey(
        TaskExport, models.CASCADE, verbose_name=_("stands in"), related_name="stands_in_for"
    )
    how = models.CharField(
        _("what becomes of the two"),
        max_length=10,
        choices=ExportPolicy.OnRecovery,
        blank=True,  # as the policy says then
        default="",
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.STANDING)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("stand-in")
        verbose_name_plural = _("stand-ins")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["status", "due_at"],
                name="stand_in_due",
                condition=models.Q(due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.export_id} ↔ {self.by_id}"
