"""One row per issue and tracker: the outbox."""

import uuid
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from apps.exports.models.tracker import Tracker
from apps.exports.trackers.base import ExternalIssue
from apps.issues.models import Change, Evidence, Issue
from tasktracker.lib.retell import retell
from tasktracker.lib.text import shorten
from tasktracker.lib.workflow import LostRace, WorkItem, WrongTransition

NOT_WANTED = "not_wanted"  # as it is stored: the issue was rejected or merged, or is new again
ELSEWHERE = "elsewhere"  # as it is stored: the issue's task is another tracker's
LEASE = timedelta(seconds=30)  # of one delivery, longer than everything that a door waits for
QUIET = timedelta(seconds=15)  # longer than a door waits for an answer
WAITS_FOR_ANSWER = gettext_noop("Waiting for what became of the last call.")
LONGEST_TOLD = 500  # of a refusal, in the issue's history


class TaskExport(WorkItem):
    """One issue in one tracker. The UUID is chosen before the first call, so a repeat is harmless."""

    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        CREATED = "created", _("Created")
        FAILED = "failed", _("Failed")

    class Held(models.TextChoices):
        """Why a pending one does not go; no status, for it is as wanted as any other."""

        BY_HAND = "by_hand", _("Waits for a person who sends it")
        TOO_MANY = "too_many", _("Waits: too many of this chat within an hour")
        AWAY = "away", _("Another tracker stands in")

    TRANSITIONS = {
        Status.PENDING: {Status.CREATED, Status.FAILED},
        Status.FAILED: {Status.PENDING},
        Status.CREATED: {Status.PENDING},  # only when it is gone there, see `retry`
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
    held = models.CharField(
        _("held"), max_length=10, choices=Held, blank=True, default="", editable=False
    )
    counted_at = models.DateTimeField(
        _("went without a person at"), null=True, blank=True, editable=False
    )
    is_live = models.BooleanField(
        _("live"),
        default=True,
        editable=False,
        help_text=_("Not any more, once the issue's task is another tracker's."),
    )
    called_at = models.DateTimeField(_("tried at"), null=True, blank=True, editable=False)
    #: What the tracker last said: title (its hash), status (in our words), status_name (in theirs),
    #: assignee; what the issue did not follow: their_title, refused (a status); and a hash of the
    #: template that the title is made by.
    remote = models.JSONField(_("as it is there"), default=dict, blank=True, editable=False)
    remote_updated_at = models.DateTimeField(
        _("changed there at"), null=True, blank=True, editable=False
    )
    is_gone = models.BooleanField(_("deleted there"), default=False, editable=False)
    looked_at = models.DateTimeField(_("last seen there at"), null=True, editable=False)
    #: The messages that the task was made from; empty for one that is older than this field.
    told_messages = ArrayField(
        models.BigIntegerField(), verbose_name=_("messages told"), null=True, editable=False
    )
    #: Tasks that were deleted there, as [{"uuid", "id": theirs, "has_note"}]: a bin keeps people's words.
    former = models.JSONField(_("earlier tasks"), default=list, blank=True, editable=False)
    rewritten_at = models.DateTimeField(_("without somebody since"), null=True, editable=False)
    is_left = models.BooleanField(_("nobody can change it"), default=False, editable=False)
    is_failure = models.GeneratedField(
        expression=models.Q(status="failed")  # type: ignore[arg-type]
        & ~models.Q(last_error__in=[NOT_WANTED, ELSEWHERE]),
        output_field=models.BooleanField(),
        db_persist=True,
        verbose_name=_("failed, and still wanted here"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    #: Of this delivery: what a call for many has made already.
    made: ExternalIssue | None = None

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
            models.Index(fields=["tracker", "external_id"], name="export_there"),
            models.Index(fields=["tracker", "status"], name="export_figures"),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} → {self.tracker}"

    # Mutators

    def note_call(self) -> None:
        """Before the call, and committed: whoever comes after a crash asks first what became of it."""
        self.renew(lease=LEASE, called_at=Now(), told_messages=self.told_messages)

    def note_messages(self) -> None:
        """Those of which the task is made, before they are read; whatever comes later is news."""
        self.told_messages = list(self.issue.evidence.values_list("message", flat=True))

    def forget_call(self) -> None:
        """Nothing came of it, for sure; what an earlier call made was looked for, and is not there."""
        TaskExport.objects.filter(pk=self.pk, status=self.status).update(
            called_at=None, external_id="", external_url=""
        )

    def keep_made(self, made: ExternalIssue) -> None:
        """It is there, also when the row is somebody else's by now, and still pending until it is complete."""
        rows = TaskExport.objects.filter(pk=self.pk, uuid=self.uuid, status=self.Status.PENDING)
        rows.update(external_id=made.id, external_url=made.url)

    def mark_created(self, external_id: str, url: str, *, remark: str = "") -> None:
        """A remark is shown where errors are: what the tracker left out."""
        fields = {"last_error": remark[:2000]} if remark else {}
        self.move_to(self.Status.CREATED, external_id=external_id, external_url=url, **fields)

    def retry(self) -> None:
        """Send it again. What was deleted there gets a new id: the old one may be taken for ever."""
        if self.status != self.Status.CREATED:
            self.move_to(self.Status.PENDING, held="")
            return
        if not self.is_gone:
            raise WrongTransition(f"export {self.pk} is there")
        wrote = ~models.Q(news__note_id="") | models.Q(news__called_at__isnull=False)
        rows = TaskExport.objects.filter(wrote, pk=self.pk, news__task=self.uuid)
        gone = {"uuid": str(self.uuid), "id": self.external_id, "has_note": rows.exists()}
        self.move_to(
            self.Status.PENDING,
            former=[*self.former, gone],
            uuid=uuid.uuid4(),
            external_id="",
            external_url="",
            called_at=None,
            remote={},
            remote_updated_at=None,
            is_gone=False,
            looked_at=None,
            told_messages=None,
            held="",
        )

    def give_up(self, reason: str) -> None:
        """With a line of the issue's history, where the task is still wanted here."""
        with transaction.atomic():
            super().give_up(reason)
            if reason not in (NOT_WANTED, ELSEWHERE):
                told = shorten(reason, LONGEST_TOLD)
                self.issue.record(Change.Kind.EXPORT, tracker=self.tracker.name, error=told)

    def release(self) -> None:
        """Let it go, also when its hour is full; raises LostRace when it is not held any more."""
        rows = TaskExport.objects.filter(pk=self.pk, status=self.Status.PENDING)
        held = rows.exclude(held__in=["", self.Held.AWAY])
        due_at = self.due_now(self.Status.PENDING)
        free = {"held": "", "due_at": due_at, "leased_until": None, "last_error": "", "attempts": 0}
        with transaction.atomic():
            # Nobody sends the issue somewhere else meanwhile.
            Issue.objects.select_for_update(no_key=True).filter(pk=self.issue_id).first()
            if not held.update(**free):
                raise LostRace(f"export {self.pk} is not held")
            self.announce([self.pk], self.Status.PENDING)
        self.held = ""

    # Queries

    @staticmethod
    def has_later_evidence() -> models.Q:
        """Of many, those with `later_evidence`."""
        reports = Evidence.objects.filter(issue=models.OuterRef("issue"))
        after = reports.filter(created_at__gt=models.OuterRef("status_changed_at"))
        among_told = models.Func(
            models.OuterRef("told_messages"),
            models.F("message"),
            function="array_position",
            output_field=models.IntegerField(),
        )
        untold = reports.alias(among_told=among_told).filter(among_told__isnull=True)
        is_old, is_new = models.Q(told_messages=None), models.Q(told_messages__isnull=False)
        return is_old & models.Exists(after) | is_new & models.Exists(untold)

    def later_evidence(self) -> models.QuerySet[Evidence]:
        """Reports that came after the task was made."""
        if self.told_messages is None:
            return self.issue.evidence.filter(created_at__gt=self.status_changed_at)
        return self.issue.evidence.exclude(message__in=self.told_messages)

    # Properties

    @property
    def can_be_retried(self) -> bool:
        """What we closed there ourselves has our id for ever."""
        return self.is_live and (self.status == self.Status.FAILED or self.is_gone)

    @property
    def may_be_there(self) -> bool:
        """Failed, and perhaps made all the same: nobody saw the end of its last call, or of completing it."""
        is_doubtful = self.called_at is not None or bool(self.external_id)
        return self.status == self.Status.FAILED and self.is_live and is_doubtful

    @property
    def status_there(self) -> str:
        """As people there call it; of what we have closed there nobody asks any more."""
        return str(self.remote.get("status_name", "")) if self.is_live else ""

    @property
    def assignee_there(self) -> str:
        return str(self.remote.get("assignee", "")) if self.is_live else ""

    @property
    def title_there(self) -> str:
        """The title that somebody wrote there, when the issue kept its own."""
        title = str(self.remote.get("their_title", ""))
        return title if title != self.issue.title else ""

    @property
    def refused_status(self) -> str:
        """The status that the issue should have by the tracker's word, and could not get."""
        wanted = str(self.remote.get("refused", ""))
        names = dict(Issue.Status.choices)
        return str(names.get(wanted, "")) if wanted != self.issue.status else ""

    @property
    def web_url(self) -> str:
        """The address there, when a browser may follow it."""
        is_web = self.external_url.startswith(("https://", "http://"))
        return self.external_url if is_web else ""

    @property
    def is_held(self) -> bool:
        return bool(self.held) and self.status == self.Status.PENDING

    @property
    def told_status(self) -> str:
        """The status in words; what nobody wants here has not failed."""
        if self.is_gone:
            return gettext("Deleted in the tracker")
        if self.is_held:
            return gettext("Held")
        if self.status == self.Status.FAILED and not self.is_failure:
            is_elsewhere = self.last_error == ELSEWHERE
            return gettext("In another tracker") if is_elsewhere else gettext("Not wanted")
        if self.status == self.Status.CREATED and not self.is_live:
            return gettext("Closed there")
        return self.get_status_display()

    @property
    def waits_for_leave(self) -> bool:
        """Held for a person, or for room in an hour."""
        return self.is_held and self.held != self.Held.AWAY

    @property
    def error(self) -> str:
        """Why it did not work, or does not go, for people."""
        if self.is_held:
            words = str(self.get_held_display())
            stand_in = getattr(self, "stand_in", None) if self.held == self.Held.AWAY else None
            why = retell(stand_in.last_error) if stand_in else ""
            return f"{words}: {why}" if why else words
        if self.last_error == NOT_WANTED:
            return gettext("Nobody wants it: the issue was rejected or merged, or is new again.")
        if self.last_error == ELSEWHERE:
            return gettext("The issue's task belongs to another tracker.")
        return retell(self.last_error)
