"""What a task was told after it was made: one note, and how it belongs to other tasks."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models.functions import Greatest, Now
from django.utils.translation import gettext_lazy as _

from apps.exports.models.task_export import LEASE, QUIET, TaskExport
from tasktracker.lib.workflow import WorkItem

SOON = timedelta(seconds=5)  # after something came; a second "+1" comes along
APART = timedelta(minutes=1)  # between two edits of one note


class ExportUpdate(WorkItem):
    """One row per task: it waits while there may be something to tell, whatever that is by then."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("To be told")
        TOLD = "told", _("Told")
        FAILED = "failed", _("Failed")

    TRANSITIONS = {
        Status.WAITING: {Status.TOLD, Status.FAILED},
        Status.TOLD: {Status.WAITING},
        Status.FAILED: {Status.WAITING},
    }
    WAITING = frozenset({Status.WAITING})

    export = models.OneToOneField(
        TaskExport, models.CASCADE, verbose_name=_("export"), related_name="news"
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.WAITING)
    #: Our own id of the note, chosen before it is written; of the task that has this id of ours.
    uuid = models.UUIDField(_("our id"), default=uuid.uuid4, unique=True, editable=False)
    task = models.UUIDField(_("our id of the task"), null=True, editable=False)
    note_id = models.CharField(_("note there"), max_length=200, blank=True, default="")
    #: Of the note's words, which are people's and not kept here.
    digest = models.CharField(_("fingerprint"), max_length=64, blank=True, default="")
    #: [{"id": ours, "to": an export, "task": our id of its task, "there": its id there, "kind": ..., "is_told": ...}]
    relations = models.JSONField(_("relations"), default=list, blank=True)
    called_at = models.DateTimeField(_("tried at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("news of a task")
        verbose_name_plural = _("news of tasks")
        ordering = ["created_at", "id"]
        indexes = [
            models.Index(
                fields=["status", "due_at"],
                name="news_due",
                condition=models.Q(due_at__isnull=False),
            ),
            models.Index(fields=["status"], name="news_untold", condition=~models.Q(status="told")),
        ]

    def __str__(self) -> str:
        return f"{self.export_id} {self.status}"

    # Factories

    @classmethod
    def ask_for(cls, exports: Iterable[int]) -> None:
        """Tell these tasks a little later, together with whatever comes until then.

        Nobody is told at once, for the sweep hands out what is due.
        """
        numbers = list(exports)
        soon = Now() + SOON
        new = [ExportUpdate(export_id=number, due_at=soon) for number in numbers]
        ExportUpdate.objects.bulk_create(new, ignore_conflicts=True)
        resting = cls.objects.filter(export__in=numbers).exclude(status=cls.Status.WAITING)
        due_at = Greatest(soon, models.F("status_changed_at") + APART)
        resting.update(**cls._changes(cls.Status.WAITING, {"due_at": due_at}))

    # Mutators

    def begin_anew(self) -> None:
        """The task is another one by now: it has no note of ours."""
        self._keep(task=self.export.uuid, uuid=uuid.uuid4(), note_id="", digest="", relations=[])

    def forget_note(self) -> None:
        """It is not there any more; the next one has another id."""
        self._keep(uuid=uuid.uuid4(), note_id="", digest="")

    def note_call(self) -> None:
        """Before the note is written, and committed."""
        self.renew(lease=LEASE, called_at=Now())

    def forget_call(self) -> None:
        """Nothing came of it, for sure."""
        self._keep(called_at=None)

    def note_written(self, note_id: str, digest: str) -> None:
        self._keep(note_id=note_id, digest=digest, called_at=None)

    def keep_relations(self, relations: Sequence[dict[str, Any]]) -> None:
        self._keep(relations=list(relations))

    def _keep(self, **fields: Any) -> None:
        type(self).objects.filter(pk=self.pk).update(**fields)
        for name, value in fields.items():
            setattr(self, name, value)

    # Properties

    @property
    def is_quiet(self) -> bool:
        """Whether no call is at work there that nobody saw the end of."""
        called = type(self).objects.filter(pk=self.pk, called_at__gt=Now() - QUIET)
        return not called.exists()
