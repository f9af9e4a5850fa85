"""Where the approved issues of a project go, and whether it can be called now."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.exports.models.calls import CallCount
from apps.exports.models.connection import Connected
from apps.exports.trackers import TRACKERS
from apps.exports.trackers.base import ExternalIssue, Means, Pairs
from apps.sources.adapters.base import reason_of
from apps.sources.models import Project
from tasktracker.lib import plugins
from tasktracker.lib.secrets import CannotDecrypt, EncryptedJSONField
from tasktracker.lib.workflow import GiveUp, NotNow, TryLater

BREAK_AFTER = 5  # failures in a row
BREAK_FOR = timedelta(seconds=20)  # then one caller may try
TRY_FOR = timedelta(seconds=30)  # how long the others wait for what became of that
SOON = timedelta(seconds=5)
AWAY_AFTER = timedelta(minutes=2)  # of an open circuit; before that waiting is the smaller trouble
LOOK_AGAIN = timedelta(seconds=30)  # at a circuit that a person holds open
PROOFS = 3  # tasks, one of which must be there before a tracker goes somewhere else
#: Why it is not called now, as it is stored; `retell` has it in the reader's language.
LEFT_ALONE = gettext_noop("Somebody has ordered to leave the tracker alone.")
ASKED_TO_WAIT = gettext_noop("The tracker asked us to wait.")
PAUSES = gettext_noop("The tracker pauses after %(n)s failures.")
IS_TRIED = gettext_noop("Somebody else tries whether the tracker is back.")


class Rests(NotNow):
    """Nobody calls the tracker for a while."""


class Tracker(Connected):
    """One configured target of a project, with its circuit breaker."""

    class Forced(models.TextChoices):
        OPEN = "open", _("Left alone until somebody says otherwise")
        CLOSED = "closed", _("Called, however often it fails")

    class Circuit(models.TextChoices):
        """As the field calls them: https://martinfowler.com/bliki/CircuitBreaker.html"""

        CLOSED = "closed", _("In order")
        HALF_OPEN = "half_open", _("Being tried")
        OPEN = "open", _("Resting")

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="trackers"
    )
    kind = models.CharField(_("kind"), max_length=30)
    name = models.CharField(_("name"), max_length=100)
    config = EncryptedJSONField(_("settings"), default=dict, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    tells_news = models.BooleanField(
        _("tells what comes later"),
        default=True,
        help_text=_("Later messages about an issue become one comment on its task there."),
    )
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
    opened_at = models.DateTimeField(_("fails since"), null=True, blank=True, editable=False)
    forced = models.CharField(
        _("by order"), max_length=10, choices=Forced, blank=True, default="", editable=False
    )
    limited_until = models.DateTimeField(
        _("asked to wait until"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("The tracker counts our calls, and has enough of them until then."),
    )
    account = models.CharField(
        _("account"), max_length=64, blank=True, default="", editable=False
    )  # whose calls are counted
    calls_per_hour = models.PositiveIntegerField(
        _("calls an hour at most"), null=True, blank=True, editable=False
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
        if self.pk and self._is_elsewhere():
            self._look_for_tasks()

    def _is_elsewhere(self) -> bool:
        """Whether it may be another installation or account than the one that was saved."""
        names = getattr(plugins.load(TRACKERS, self.kind), "place", ())
        try:
            before = Tracker.objects.only("config").get(pk=self.pk).config
        except CannotDecrypt:
            return bool(names)
        return any(before.get(name) != self.config.get(name) for name in names)

    def _look_for_tasks(self) -> None:
        """One of the last tasks must be there, or we would hear from strangers' issues and write to them."""
        tasks = self.exports.filter(status="created", is_gone=False).order_by("-pk")[:PROOFS]
        made = {one.uuid: ExternalIssue(one.external_id, one.external_url) for one in tasks}
        try:
            is_proven = not made or _are_there(self.plugin(is_trial=True), made)
        except (GiveUp, TryLater) as error:
            words = _("It is not known whether the tasks of this tracker are there: %(reason)s")
            raise ValidationError(words, params={"reason": str(error)[:500]}) from error
        if not is_proven:
            raise ValidationError(
                _(
                    "The tasks of this tracker are not there. For another address or account make another tracker."
                )
            )

    # Mutators

    def admit(self) -> datetime | None:
        """Let somebody call it; raise Rests while it rests or has asked us to wait.

        After a rest one caller tries, and the others wait for what becomes of that, until the moment
        that is given. One who calls nobody gives it back: `calling.admitted`.
        """
        row = Tracker.objects.filter(pk=self.pk)
        forced, failures, rests_until, waits_until, now = row.values_list(
            "forced", "failures_in_a_row", "closed_until", "limited_until", Now()
        ).get()
        if forced == self.Forced.OPEN:
            raise Rests(LEFT_ALONE, delay=LOOK_AGAIN)
        if waits_until and waits_until > now:
            raise Rests(ASKED_TO_WAIT, delay=waits_until - now)
        if rests_until is None or forced == self.Forced.CLOSED:
            return None
        if rests_until > now:
            raise Rests(PAUSES % {"n": failures}, delay=rests_until - now)
        tries_until: datetime = now + TRY_FOR
        if not row.filter(closed_until=rests_until).update(closed_until=tries_until):
            raise Rests(IS_TRIED, delay=SOON)
        return tries_until

    def give_back(self, tries_until: datetime) -> None:
        """The trial was not made, or nobody knows how it went: whoever comes next tries."""
        Tracker.objects.filter(pk=self.pk, closed_until=tries_until).update(closed_until=Now())

    def note_answer(self, refusal: str = "") -> None:
        """It is there, whatever it says; a refusal is for a person to read."""
        well: dict[str, Any] = {
            "failures_in_a_row": 0,
            "closed_until": None,
            "opened_at": None,
            "last_error": refusal[:2000],
        }
        Tracker.objects.filter(pk=self.pk).exclude(**well).update(**well)

    def note_failure(self, reason: str) -> None:
        """Count it; after BREAK_AFTER in a row nobody calls the tracker for BREAK_FOR."""
        row = Tracker.objects.filter(pk=self.pk)
        row.update(failures_in_a_row=models.F("failures_in_a_row") + 1, last_error=reason[:2000])
        row.filter(failures_in_a_row__gte=BREAK_AFTER).update(
            closed_until=Now() + BREAK_FOR, opened_at=Coalesce("opened_at", Now())
        )

    def note_trouble(self, reason: str) -> None:
        """For a person to read; nobody has called it."""
        Tracker.objects.filter(pk=self.pk).update(last_error=reason[:2000])

    def count_call(self, account: str, per_hour: int) -> None:
        """One more call of this account; raises Limited when it has had enough."""
        self._note_account(account, per_hour)
        CallCount.add(account, per_hour)

    def pace(self, account: str, per_minute: int) -> None:
        """The same where it is a minute that has room for so many."""
        self._note_account(account, per_minute * 60)
        CallCount.pace(account, per_minute)

    def _note_account(self, account: str, per_hour: int) -> None:
        if (account, per_hour) != (self.account, self.calls_per_hour):
            self.account, self.calls_per_hour = account, per_hour
            Tracker.objects.filter(pk=self.pk).update(account=account, calls_per_hour=per_hour)

    def wait(self, delay: timedelta) -> None:
        """Nobody calls it before that, nor before what it asked for earlier."""
        Tracker.objects.filter(pk=self.pk).update(
            limited_until=Greatest("limited_until", Now() + delay)
        )

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

    def learn(self, pairs: Pairs) -> None:
        """Besides what there is to choose."""
        if not pairs.items() <= self.catalogue.items():
            self.catalogue = {**self.catalogue, **pairs}
            Tracker.objects.filter(pk=self.pk).update(catalogue=self.catalogue)

    # Queries

    @classmethod
    def away(cls) -> models.QuerySet[Self]:
        """Those that will not be called for a while: by order, or because they have failed for long."""
        fails = models.Q(opened_at__lt=Now() - AWAY_AFTER) & ~models.Q(forced=cls.Forced.CLOSED)
        return cls.objects.filter(models.Q(forced=cls.Forced.OPEN) | fails)

    def plugin(self, *, is_trial: bool = False, token: Callable[..., str] | None = None) -> Any:
        """The plug-in with this tracker's settings; raises ValueError when they do not fit.

        In a trial nothing that is learned is kept: it may be another installation, or no row any more,
        which needs `token` for its connection.
        """
        made = plugins.load(TRACKERS, self.kind)
        means = Means(
            folder=self.folder,
            api_url=getattr(settings, f"{self.kind.upper()}_API_URL", ""),
            token=token or self.access_token,
            known=self.catalogue if isinstance(self.catalogue, dict) else {},
        )
        if not is_trial:
            means = replace(
                means,
                count_call=self.count_call,
                pace=self.pace,
                wait=self.wait,
                learn=self.learn,
            )
        return made(made.Config.model_validate(self.config), means)

    @classmethod
    def kinds(cls) -> list[tuple[str, Any]]:
        return plugins.choices(TRACKERS)

    # Properties

    @property
    def circuit(self) -> Circuit:
        if self.forced:
            return self.Circuit(self.forced)
        if self.closed_until is None:
            return self.Circuit.CLOSED
        rests = self.closed_until > timezone.now()
        return self.Circuit.OPEN if rests else self.Circuit.HALF_OPEN

    @property
    def folder(self) -> Path:
        """Where a tracker that writes files may write: made under one slug, it stays under every other."""
        number = self.pk or 0
        there = sorted(Path(settings.EXPORT_DIR).glob(f"*-{number}"))
        return there[0] if there else Path(settings.EXPORT_DIR) / f"{self.project.slug}-{number}"


def _are_there(plugin: Any, made: Mapping[UUID, ExternalIssue]) -> bool:
    """Whether one of them is seen there, or would be if it were not hidden or deleted."""
    states = plugin.states(made).values()
    if any(state is not None and not state.is_gone for state in states):
        return True
    return hasattr(plugin, "made_here") and bool(plugin.made_here(list(made.values())))
