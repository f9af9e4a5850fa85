"""Archives that people upload, and how far each was read."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tasktracker.lib.workflow import LostRace, WorkItem

KEPT_FOR = timedelta(days=7)  # the file of an import that failed or was cancelled
#: Counts of an import, as its summary calls them.
COUNTS = ("read", "published", "already_stored", "not_stored", "service", "invalid")


def new_file_name() -> str:
    return uuid4().hex


class HistoryImport(WorkItem):
    """One uploaded archive. It is read by a process that holds a lease, and begun again when that dies."""

    class Status(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("state of an import", "Waiting")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    # No task may take it: it can last for hours. apps.messages.imports looks for it instead.
    TRANSITIONS = {
        Status.WAITING: {Status.DONE, Status.FAILED, Status.CANCELLED},
        Status.FAILED: {Status.WAITING},
        Status.CANCELLED: {Status.WAITING},
    }

    source = models.ForeignKey(
        "sources.Source", models.CASCADE, verbose_name=_("source"), related_name="imports"
    )
    file = models.CharField(max_length=40, default=new_file_name, unique=True, editable=False)
    original_name = models.CharField(_("file"), max_length=200)
    is_live = models.BooleanField(
        _("also notify and export"),
        default=False,
        help_text=_(
            "Its messages count as if they came in now: people are told of them, and what the project's"
            " policy approves goes to the trackers. Otherwise all of it waits in the queue for a person."
        ),
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("by whom"),
        related_name="+",
        null=True,
        editable=False,
    )
    status = models.CharField(
        _("status"), max_length=12, choices=Status.choices, default=Status.WAITING
    )
    size = models.BigIntegerField(_("size"), default=0, editable=False)
    done = models.BigIntegerField(_("read so far"), default=0, editable=False)
    counts = models.JSONField(_("counts"), default=dict, editable=False)
    problems = models.JSONField(_("what could not be read"), default=list, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, editable=False)

    class Meta:
        verbose_name = _("history import")
        verbose_name_plural = _("history imports")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.original_name

    # Mutators

    @classmethod
    def claim_next(cls, lease: timedelta) -> Self | None:
        """The oldest one that waits and that nobody works on."""
        waiting = cls.objects.filter(status=cls.Status.WAITING).order_by("pk")
        for number in waiting.values_list("pk", flat=True)[:100]:
            for item in cls.claim([number], cls.Status.WAITING, lease=lease):
                return item
        return None

    def keep(self, lease: timedelta, **values: Any) -> bool:
        """Hold the lease on and note how far it is; False when it is cancelled or somebody else's."""
        try:
            self.renew(lease=lease, **values)
        except LostRace:
            return False
        return True

    def end(self, status: str, **values: Any) -> None:
        self.move_to(status, ended_at=Now(), **values)

    def cancel(self) -> None:
        self.end(self.Status.CANCELLED)

    def resume(self) -> None:
        """From the beginning: what is stored already costs next to nothing."""
        self.move_to(self.Status.WAITING, ended_at=None, done=0)

    # Properties

    @property
    def is_under_way(self) -> bool:
        """Whether somebody reads the file at this moment."""
        has_lease = self.leased_until is not None and self.leased_until > timezone.now()
        return self.status == self.Status.WAITING and has_lease

    @property
    def path(self) -> Path:
        return Path(settings.UPLOAD_DIR) / self.file

    @property
    def has_file(self) -> bool:
        return self.path.is_file()

    @property
    def can_resume(self) -> bool:
        return self.Status.WAITING in self.TRANSITIONS.get(self.status, ()) and self.has_file

    @classmethod
    def files_in_use(cls) -> set[str]:
        """Those of imports that wait, and of those that a person may still resume."""
        kept = models.Q(status=cls.Status.WAITING) | models.Q(ended_at__gt=Now() - KEPT_FOR)
        return set(cls.objects.filter(kept).values_list("file", flat=True))
