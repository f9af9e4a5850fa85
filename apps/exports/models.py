"""Trackers of a project, and one row per issue and tracker: the outbox."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.exports.trackers import TRACKERS
from apps.exports.trackers.base import Limited, Means
from apps.issues.models import Issue
from apps.sources.adapters.base import reason_of
from apps.sources.models import Project
from tasktracker.lib import plugins
from tasktracker.lib.secrets import EncryptedJSONField
from tasktracker.lib.workflow import NotNow, WorkItem

NOT_WANTED = "not_wanted"  # as it is stored: the issue was rejected or merged, or is new again
BREAK_AFTER = 5  # failures in a row
BREAK_FOR = timedelta(seconds=20)  # then one caller may try
TRY_FOR = timedelta(seconds=30)  # how long the others wait for what became of that
SOON = timedelta(seconds=5)
LEASE = timedelta(seconds=30)  # of one delivery, longer than everything that a door waits for
QUIET = timedelta(seconds=15)  # longer than a door waits for an answer
COUNTED = timedelta(hours=1)  # in which a vendor counts calls


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
    limited_until = models.DateTimeField(
        _("asked to wait until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("The tracker counts our calls, and has enough of them until then."),
    )
    catalogue = models.JSONField(_("choices"), default=dict, blank=True, editable=False)
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

    def admit(self) -> None:
        """Let somebody call it; raise NotNow while it rests or has asked us to wait.

        After a rest one caller tries, and the others wait for what becomes of that.
        """
        row = Tracker.objects.filter(pk=self.pk)
        failures, rests_until, waits_until, now = row.values_list(
            "failures_in_a_row", "closed_until", "limited_until", Now()
        ).get()
        if waits_until and waits_until > now:
            raise NotNow("the tracker asked us to wait", delay=waits_until - now)
        if rests_until is None:
            return
        if rests_until > now:
            raise NotNow(f"the tracker pauses after {failures} failures", delay=rests_until - now)
        if not row.filter(closed_until=rests_until).update(closed_until=Now() + TRY_FOR):
            raise NotNow("somebody else tries whether the tracker is back", delay=SOON)

    def note_answer(self, refusal: str = "") -> None:
        """It is there, whatever it says; a refusal is for a person to read."""
        Tracker.objects.filter(pk=self.pk).exclude(
            failures_in_a_row=0, closed_until=None, last_error=refusal[:2000]
        ).update(failures_in_a_row=0, closed_until=None, last_error=refusal[:2000])

    def note_failure(self, reason: str) -> None:
        """Count it; after BREAK_AFTER in a row nobody calls the tracker for BREAK_FOR."""
        row = Tracker.objects.filter(pk=self.pk)
        row.update(failures_in_a_row=models.F("failures_in_a_row") + 1, last_error=reason[:2000])
        row.filter(failures_in_a_row__gte=BREAK_AFTER).update(closed_until=Now() + BREAK_FOR)

    def wait(self, delay: timedelta) -> None:
        """Nobody calls it before that; it asked for it."""
        Tracker.objects.filter(pk=self.pk).update(limited_until=Now() + delay)

    def keep_choices(self) -> None:
        """Ask a tracker that offers choices what its settings may be; raises GiveUp or TryLater."""
        plugin = self.plugin()
        if not hasattr(plugin, "choices"):
            return
        self.catalogue = {
            name: [[choice.id, choice.label] for choice in offered]
            for name, offered in plugin.choices().items()
        }
        Tracker.objects.filter(pk=self.pk).update(catalogue=self.catalogue)

    # Queries

    def plugin(self) -> Any:
        """The plug-in with this tracker's settings; raises ValueError when they do not fit."""
        made = plugins.load(TRACKERS, self.kind)
        means = Means(
            folder=self.folder,
            api_url=getattr(settings, f"{self.kind.upper()}_API_URL", ""),
            count_call=CallCount.add,
            wait=self.wait,
        )
        return made(made.Config.model_validate(self.config), means)

    @classmethod
    def kinds(cls) -> list[tuple[str, Any]]:
        return plugins.choices(TRACKERS)

    # Properties

    @property
    def folder(self) -> Path:
        """Where a tracker that writes files may write."""
        return Path(settings.EXPORT_DIR) / f"{self.project.slug}-{self.pk or 0}"


class CallCount(models.Model):
    """Calls of one account in one minute; trackers with the same key share an account."""

    account = models.CharField(_("account"), max_length=64)
    minute = models.DateTimeField(_("minute"))
    calls = models.PositiveIntegerField(_("calls"), default=0)

    class Meta:
        verbose_name = _("count of calls")
        verbose_name_plural = _("counts of calls")
        ordering = ["account", "minute"]
        constraints = [
            models.UniqueConstraint(fields=["account", "minute"], name="calls_counted_once")
        ]

    def __str__(self) -> str:
        return f"{self.account[:8]} {self.minute:%H:%M}: {self.calls}"

    @classmethod
    def add(cls, account: str, per_hour: int) -> None:
        """Count one more call; raise Limited instead when the last hour has had `per_hour`."""
        now = timezone.now()
        rows = cls.objects.filter(account=account)
        minute, is_new = rows.get_or_create(
            account=account, minute=now.replace(second=0, microsecond=0)
        )
        if is_new:
            rows.filter(minute__lt=now - 2 * COUNTED).delete()
        this_one = rows.filter(pk=minute.pk)
        this_one.update(calls=models.F("calls") + 1)
        recent = rows.filter(minute__gt=now - COUNTED)
        if (recent.aggregate(calls=models.Sum("calls"))["calls"] or 0) > per_hour:
            this_one.update(calls=models.F("calls") - 1)
            first = recent.filter(calls__gt=0).order_by("minute").first()
            opens_at = (first.minute if first else now) + COUNTED + timedelta(minutes=1)
            raise Limited(f"{per_hour} calls in an hour were made", delay=opens_at - now)


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
    called_at = models.DateTimeField(_("tried at"), null=True, blank=True, editable=False)
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

    def note_call(self) -> None:
        """Before the call, and committed: whoever comes after a crash asks first what became of it."""
        self.renew(lease=LEASE, called_at=Now())

    def forget_call(self) -> None:
        """Nothing came of it, for sure."""
        TaskExport.objects.filter(pk=self.pk, status=self.status).update(called_at=None)

    def mark_created(self, external_id: str, url: str) -> None:
        self.move_to(self.Status.CREATED, external_id=external_id, external_url=url)

    def retry(self) -> None:
        self.move_to(self.Status.PENDING)

    # Properties

    @property
    def web_url(self) -> str:
        """The address there, when a browser may follow it."""
        is_web = self.external_url.startswith(("https://", "http://"))
        return self.external_url if is_web else ""

    @property
    def error(self) -> str:
        """Why it did not work, for people."""
        if self.last_error == NOT_WANTED:
            return gettext("Nobody wants it: the issue was rejected or merged, or is new again.")
        return self.last_error
