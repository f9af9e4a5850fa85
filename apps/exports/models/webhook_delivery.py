"""What a tracker called to tell us."""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from pydantic import TypeAdapter

from apps.exports.models.tracker import Tracker
from apps.exports.trackers.base import RemoteState
from tasktracker.lib.text import storable
from tasktracker.lib.workflow import WorkItem

KEPT = timedelta(days=7)

_state: TypeAdapter[RemoteState] = TypeAdapter(RemoteState)
_states: TypeAdapter[list[RemoteState]] = TypeAdapter(list[RemoteState])


class WebhookDelivery(WorkItem):
    """One call, safe before it is answered; the hash of its body stays, so that none counts twice."""

    class Status(models.TextChoices):
        RECEIVED = "received", _("Received")
        APPLIED = "applied", _("Applied")
        FAILED = "failed", _("Failed")

    TRANSITIONS = {
        Status.RECEIVED: {Status.APPLIED, Status.FAILED},
        Status.FAILED: {Status.RECEIVED},
    }
    WAITING = frozenset({Status.RECEIVED})

    tracker = models.ForeignKey(
        Tracker, models.CASCADE, verbose_name=_("tracker"), related_name="deliveries"
    )
    digest = models.CharField(_("hash of the body"), max_length=64)
    states = models.JSONField(_("what it says"), default=list)  # gone once it is applied
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.RECEIVED)
    received_at = models.DateTimeField(_("received at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("call of a tracker")
        verbose_name_plural = _("calls of trackers")
        ordering = ["-received_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["tracker", "digest"], name="a_call_counts_once")
        ]
        indexes = [
            models.Index(
                fields=["status", "due_at"],
                name="delivery_due",
                condition=models.Q(due_at__isnull=False),
            ),
            models.Index(fields=["received_at"], name="delivery_age"),
        ]

    def __str__(self) -> str:
        return f"{self.tracker_id} {self.digest[:8]}"

    # Factories

    @classmethod
    def keep(cls, tracker: Tracker, body: bytes, states: Sequence[RemoteState]) -> bool:
        """Store what a call says; False when it was here before."""
        with transaction.atomic():
            row, is_new = cls.objects.get_or_create(
                tracker=tracker,
                digest=sha256(body).hexdigest(),
                defaults={
                    "states": [_storable(state) for state in states],
                    "due_at": cls.due_now(cls.Status.RECEIVED),
                },
            )
            if is_new:
                cls.announce([row.pk], cls.Status.RECEIVED, is_new=True)
        return is_new

    # Mutators

    @classmethod
    def prune(cls) -> None:
        """Forget calls that nobody would repeat any more."""
        cls.objects.filter(received_at__lt=Now() - KEPT).exclude(
            status=cls.Status.RECEIVED
        ).delete()

    # Properties

    @property
    def said(self) -> list[RemoteState]:
        return _states.validate_python(self.states)


def _storable(state: RemoteState) -> dict[str, Any]:
    """As JSON, without what PostgreSQL cannot store."""
    told: dict[str, Any] = _state.dump_python(state, mode="json")
    return {name: storable(said) if isinstance(said, str) else said for name, said in told.items()}
