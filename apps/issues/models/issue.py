"""Issues and the history of every change."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.postgres.indexes import GinIndex
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.messages.models import Category, Priority
from apps.sources.models import Project
from tasktracker.lib.workflow import WorkItem

#: Whoever decides: a user, or None for the system.
Person = AbstractBaseUser | AnonymousUser | None


class Issue(WorkItem):
    """One real problem or request, with every message that reports it."""

    class Status(models.TextChoices):
        NEW = "new", _("New")
        APPROVED = "approved", _("Approved")
        IN_PROGRESS = "in_progress", _("In progress")
        DONE = "done", _("Done")
        REJECTED = "rejected", _("Rejected")
        DUPLICATE = "duplicate", _("Duplicate")

    TRANSITIONS = {
        Status.NEW: {Status.APPROVED, Status.REJECTED, Status.DUPLICATE},
        # Back to new only when the merge that brought the approval is undone.
        Status.APPROVED: {
            Status.NEW,
            Status.IN_PROGRESS,
            Status.DONE,
            Status.REJECTED,
            Status.DUPLICATE,
        },
        Status.IN_PROGRESS: {Status.DONE, Status.APPROVED, Status.DUPLICATE},
        Status.DONE: {Status.APPROVED},
        Status.REJECTED: {Status.NEW},
        Status.DUPLICATE: {Status.NEW},
    }
    # What was approved waits until its exports are opened, however fast people go on with it; then
    # it is settled in the same status.
    WAITING = frozenset({Status.APPROVED, Status.IN_PROGRESS, Status.DONE})
    OPEN = frozenset({Status.NEW, Status.APPROVED, Status.IN_PROGRESS})
    CLOSED = frozenset({Status.DONE, Status.REJECTED})

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="issues"
    )
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True, default="")
    category = models.CharField(_("category"), max_length=10, choices=Category)
    priority = models.CharField(_("priority"), max_length=10, choices=Priority)
    confidence = models.FloatField(_("confidence"), null=True, editable=False)
    entities = models.JSONField(_("entities"), default=dict, blank=True)
    labels = models.JSONField(_("labels"), default=list, blank=True)
    locked_fields = models.JSONField(_("set by a person"), default=list, editable=False)
    origin = models.CharField(_("came from"), max_length=30, default="chat", editable=False)
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.NEW)
    duplicate_of = models.ForeignKey(
        "self",
        models.RESTRICT,  # it has their reports
        verbose_name=_("duplicate of"),
        related_name="duplicates",
        null=True,
        blank=True,
        editable=False,
    )
    is_provisional = models.BooleanField(_("provisional"), default=False, editable=False)
    reported_at = models.DateTimeField(_("first reported at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("issue")
        verbose_name_plural = _("issues")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(fields=["project", "status", "-created_at"], name="issue_newest"),
            models.Index(
                fields=["status", "due_at"],
                name="issue_due",
                condition=models.Q(due_at__isnull=False),
            ),
            GinIndex(fields=["title"], name="issue_title", opclasses=["gin_trgm_ops"]),
        ]

    def __str__(self) -> str:
        return self.title

    # Mutators

    def move_to(self, status: str, **fields: Any) -> None:
        """Of one approval the exports are opened once: who goes on with the issue, or back, asks for no more."""
        if {self.status, status} <= self.WAITING:
            fields.setdefault("due_at", models.F("due_at"))
        super().move_to(status, **fields)

    def change_status(
        self,
        status: str,
        *,
        by: Person = None,
        reason: str = "",
        details: Mapping[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        """Move and write it into the history; raises WrongTransition or LostRace."""
        before = self.status
        with transaction.atomic():
            self.move_to(status, **fields)
            told = {"before": before, "after": status, **(details or {})}
            self.record(Change.Kind.STATUS, by=by, reason=reason, **told)

    def edit(
        self,
        changes: Mapping[str, Any],
        *,
        by: Person = None,
        reason: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Set fields, except those that a person has set; only what really changes is recorded."""
        with transaction.atomic():
            # Read anew: a person may have locked a field since this row was read.
            rows = type(self).objects.select_for_update(no_key=True)
            locked = rows.values_list("locked_fields", flat=True).get(pk=self.pk)
            free = {name: value for name, value in changes.items() if name not in locked}
            self._write(free, by=by, reason=reason, details=details or {})

    def correct(self, changes: Mapping[str, Any], *, by: Person, reason: str = "") -> None:
        """A person sets fields: from now on only people change them."""
        with transaction.atomic():
            changed = self._write(changes, by=by, reason=reason)
            self.lock(changed)

    def lock(self, names: Iterable[str]) -> None:
        self._set_locks({*self.locked_fields, *names})

    def unlock(self, names: Iterable[str], *, by: Person = None) -> None:
        """Let the system change these fields again."""
        opened = sorted(set(self.locked_fields) & set(names))
        with transaction.atomic():
            self._set_locks(set(self.locked_fields) - set(opened))
            for name in opened:
                self.record(Change.Kind.EDIT, by=by, field=name, unlocked=True)

    def _set_locks(self, names: set[str]) -> None:
        if names != set(self.locked_fields):
            self.locked_fields = sorted(names)
            self.save(update_fields=["locked_fields"])

    def _write(
        self,
        changes: Mapping[str, Any],
        *,
        by: Person,
        reason: str,
        details: Mapping[str, Any] = MappingProxyType({}),
    ) -> list[str]:
        """Write and record what really changes; the names of it."""
        changed = {name: value for name, value in changes.items() if getattr(self, name) != value}
        if not changed:
            return []
        with transaction.atomic():
            for name, value in changed.items():
                self.record(
                    Change.Kind.EDIT,
                    by=by,
                    reason=reason,
                    field=name,
                    before=getattr(self, name),
                    after=value,
                    **details,
                )
                setattr(self, name, value)
            self.save(update_fields=[*changed, "updated_at"])
            self.announce([self.pk], self.status)
        return list(changed)

    def be_reported_at(self, moment: datetime) -> None:
        """The first of its reports is another one now."""
        self.reported_at = moment
        self.save(update_fields=["reported_at", "updated_at"])

    def record(self, kind: str, *, by: Person = None, reason: str = "", **details: Any) -> "Change":
        return Change.objects.create(
            issue=self, kind=kind, user_id=by.pk if by else None, reason=reason, details=details
        )

    # Queries

    @classmethod
    def open_in(cls, project: Project) -> "models.QuerySet[Self]":
        return cls.objects.filter(project=project, status__in=cls.OPEN)

    # Properties

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN


class Change(models.Model):
    """One moment in an issue's life: what, who, why."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("Opened")
        STATUS = "status", _("Status")
        EDIT = "edit", _("Edit")
        EVIDENCE = "evidence", _("One more report")
        MERGED = "merged", _("Merged")
        SPLIT = "split", _("Split")
        APART = "apart", _("Not a duplicate")
        RELATED = "related", _("Related")
        EXPORT = "export", _("Export")

    #: Of those about exports, what says that a tracker has it; others tell why none has.
    EXPORTED = models.Q(kind=Kind.EXPORT, details__has_key="id")

    issue = models.ForeignKey(
        Issue, models.CASCADE, verbose_name=_("issue"), related_name="changes"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("who"),
        null=True,
        related_name="+",
        help_text=_("Empty: the system."),
    )
    reason = models.TextField(_("why"), blank=True, default="")
    details = models.JSONField(_("details"), default=dict, blank=True)
    created_at = models.DateTimeField(_("when"), db_default=Now())

    class Meta:
        verbose_name = _("change")
        verbose_name_plural = _("history")
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["created_at"], name="change_age")]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.kind}"
