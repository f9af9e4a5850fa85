"""Trackers of a project, and one row per issue and tracker: the outbox."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.exports.trackers import TRACKERS
from apps.issues.models import Issue
from apps.sources.adapters.base import reason_of
from apps.sources.models import Project
from tasktracker.lib import plugins
from tasktracker.lib.secrets import EncryptedJSONField
from tasktracker.lib.workflow import WorkItem

NOT_WANTED = "not_wanted"  # as it is stored: the issue was rejected or merged, or is new again
BREAK_AFTER = 5  # failures in a row
BREAK_FOR = timedelta(seconds=60)


class Tracker(models.Model):
    """One configured target of a project, with its circuit breaker."""

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="trackers"
    )
    kind = models.CharField(_("kind"), max_length=30)
    name = models.CharField(_("name"), max_length=100)
    config = EncryptedJSONField(_("settings"), default=dict, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    failures_in_a_row = models.PositiveIntegerField(
        _("failures in a row"), default=0, editable=False
    )
    closed_until = models.DateTimeField(
        _("pauses until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("After several failures the tracker is left alone for a while."),
    )
    last_error = models.TextField(_("last error"), blank=True, default="", editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("tracker")
        verbose_name_plural = _("trackers")
        ordering = ["project", "name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_tracker_per_name")
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Check the settings with the plug-in's own model, which needs no project."""
        try:
            plugins.load(TRACKERS, self.kind).Config.model_validate(self.config)
        except plugins.UnknownPlugIn:
            raise ValidationError({"kind": _("Unknown kind of tracker.")}) from None
        except ValueError as error:
            raise ValidationError({"config": reason_of(error)}) from None

    # Mutators

    def note_success(self) -> None:
        if self.failures_in_a_row or self.closed_until:
            Tracker.objects.filter(pk=self.pk).update(
                failures_in_a_row=0, closed_until=None, last_error=""
            )

    def note_failure(self, reason: str) -> None:
        """Count it; after BREAK_AFTER in a row nobody calls the tracker for BREAK_FOR."""
        row = Tracker.objects.filter(pk=self.pk)
        row.update(failures_in_a_row=models.F("failures_in_a_row") + 1, last_error=reason[:2000])
        row.filter(failures_in_a_row__gte=BREAK_AFTER).update(closed_until=Now() + BREAK_FOR)

    # Queries

    def plugin(self) -> Any:
        """The plug-in with this tracker's settings; raises ValueError when they do not fit."""
        made = plugins.load(TRACKERS, self.kind)
        return made(made.Config.model_validate(self.config), folder=self.folder)

    @classmethod
    def kinds(cls) -> list[tuple[str, Any]]:
        return plugins.choices(TRACKERS)

    # Properties

    @property
    def folder(self) -> Path:
        """Where a tracker that writes files may write."""
        return Path(settings.EXPORT_DIR) / f"{self.project.slug}-{self.pk or 0}"


class TaskExport(WorkItem):
    """One issue in one tracker. The UUID is chosen before the first call, so a repeat is harmless."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        CREATED = "created", _("Created")
        FAILED = "failed", _("Failed")

    TRANSITIONS = {
        Status.PENDING: {Status.CREATED, Status.FAILED},
        Status.FAILED: {Status.PENDING},
    }
    WAITING = frozenset({Status.PENDING})

    issue = models.ForeignKey(
        Issue, models.CASCADE, verbose_name=_("issue"), related_name="exports"
    )
    tracker = models.ForeignKey(
        Tracker, models.CASCADE, verbose_name=_("tracker"), related_name="exports"
    )
    uuid = models.UUIDField(_("our id"), default=uuid.uuid4, unique=True, editable=False)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    external_id = models.CharField(_("id there"), max_length=200, blank=True, default="")
    external_url = models.CharField(_("address there"), max_length=500, blank=True, default="")
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("export")
        verbose_name_plural = _("exports")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["issue", "tracker"], name="one_export_per_tracker")
        ]
        indexes = [
            models.Index(
                fields=["status", "due_at"],
                name="export_due",
                condition=models.Q(due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tracker_id} <- {self.issue_id}"

    # Mutators

    def mark_created(self, external_id: str, url: str) -> None:
        self.move_to(self.Status.CREATED, external_id=external_id, external_url=url)

    def retry(self) -> None:
        self.move_to(self.Status.PENDING)

    # Properties

    @property
    def error(self) -> str:
        """Why it did not work, for people."""
        if self.last_error == NOT_WANTED:
            return gettext("Nobody wants it: the issue was rejected or merged, or is new again.")
        return self.last_error
