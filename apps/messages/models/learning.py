"""What people set right, and the trainings that learned from it."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.messages.models.message import Message
from tasktracker.lib.workflow import WorkItem


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
