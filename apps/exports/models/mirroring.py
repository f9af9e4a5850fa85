"""How we hear from a tracker: what it calls us with, and when it was last asked."""

import secrets
from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.exports.models.tracker import Tracker
from tasktracker.lib.secrets import EncryptedJSONField

EVERY = timedelta(seconds=60)  # a tracker that calls nobody is asked
NET_EVERY = timedelta(hours=1)  # one that calls us is asked all the same
TRUSTED = timedelta(days=1)  # after its last call
TURN = timedelta(minutes=6)  # longer than a task may live
OVERLAP = timedelta(minutes=5)  # what is asked for again, for clocks and rows that were not ready


class Mirroring(models.Model):
    """The way back from one tracker."""

    tracker = models.OneToOneField(
        Tracker, models.CASCADE, verbose_name=_("tracker"), related_name="mirroring"
    )
    webhook = EncryptedJSONField(_("webhook"), default=dict, blank=True, editable=False)
    heard_at = models.DateTimeField(_("last call from there at"), null=True, editable=False)
    asked_at = models.DateTimeField(_("asked at"), null=True, editable=False)
    synced_until = models.DateTimeField(_("changes known until"), null=True, editable=False)
    due_at = models.DateTimeField(_("next question at"), null=True, editable=False)
    last_error = models.TextField(_("last error"), blank=True, default="", editable=False)

    class Meta:
        verbose_name = _("way back")
        verbose_name_plural = _("ways back")

    def __str__(self) -> str:
        return str(self.tracker)

    # Factories

    @classmethod
    def of(cls, tracker: Tracker) -> Self:
        """The tracker's own row, with the tracker that the caller has."""
        row, _is_new = cls.objects.get_or_create(tracker=tracker)
        row.tracker = tracker
        return row

    # Mutators

    def new_secret(self) -> str:
        """One that nobody knows yet; calls that are signed with an earlier one are refused from now on."""
        self.keep_secret(secrets.token_urlsafe(32))
        return self.secret

    def keep_secret(self, secret: str) -> None:
        """Nobody is trusted to call with it before the first call came."""
        self.webhook = {**self.webhook, "secret": secret}
        self.heard_at = None
        self.save(update_fields=["webhook", "heard_at"])

    def keep_subscription(self, subscription: str) -> None:
        """What the tracker calls our order to call us; empty: there is none that we made."""
        self.webhook = {**self.webhook, "subscription": subscription}
        self.save(update_fields=["webhook"])

    def note_call(self) -> None:
        """It called us; a moment is written once a minute."""
        row = Mirroring.objects.filter(pk=self.pk)
        row.filter(Q(heard_at=None) | Q(heard_at__lt=Now() - timedelta(minutes=1))).update(
            heard_at=Now()
        )

    def note_silence(self) -> None:
        """Something changed there and nobody called: ask often again."""
        Mirroring.objects.filter(pk=self.pk).update(heard_at=None)

    def take_turn(self) -> bool:
        """Whether it is time to ask; of all who try, one may."""
        row = Mirroring.objects.filter(pk=self.pk)
        return bool(row.filter(Q(due_at=None) | Q(due_at__lte=Now())).update(due_at=Now() + TURN))

    def end_turn(self, *, trouble: str = "", asked: bool = False, until: datetime | None) -> None:
        changes = {"due_at": Now() + EVERY, "last_error": trouble[:2000]}
        if asked:
            changes["asked_at"] = Now()
        Mirroring.objects.filter(pk=self.pk).update(synced_until=until, **changes)

    # Properties

    @property
    def secret(self) -> str:
        """What its calls are signed with; empty: none are taken. Raises CannotDecrypt."""
        return str(self.webhook.get("secret", ""))

    @property
    def subscription(self) -> str:
        return str(self.webhook.get("subscription", ""))
