"""What a person granted on a tracker's own page, encrypted, and renewed by one worker at a time."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.exports.trackers.base import Tokens, Unasked
from tasktracker.lib.secrets import CannotDecrypt, EncryptedJSONField
from tasktracker.lib.workflow import TryLater

RENEWED_BEFORE = timedelta(minutes=10)  # it ends


class Connected(models.Model):
    """A tracker that may be connected; `credentials` is {} or {"access", "refresh", "ends_at"}."""

    plugin: Callable[[], Any]  # made from the settings of the row

    credentials = EncryptedJSONField(
        gettext_lazy("connection"), default=dict, blank=True, editable=False
    )

    class Meta:
        abstract = True

    # Mutators

    def connect(self, tokens: Tokens) -> None:
        self.credentials = {
            "access": tokens.access,
            "refresh": tokens.refresh,
            "ends_at": _now() + tokens.lasts.total_seconds() if tokens.lasts else None,
        }
        self.save(update_fields=["credentials"])

    def disconnect(self) -> None:
        self.credentials = {}
        self.save(update_fields=["credentials"])

    # Queries

    def access_token(self, refused: str = "") -> str:
        """One that works for a while, and is not the refused one; empty when nobody has connected.

        Raises GiveUp and TryLater.
        """
        kept = self._kept()
        if not _is_due(kept, refused):
            return str(kept.get("access", ""))
        # A token gives the next one only once: the others wait here, and find it. Nobody waits for long,
        # for the call ends after some seconds; and both tokens are kept before anybody uses one.
        with transaction.atomic():
            kept = self._kept(lock=True)
            if not _is_due(kept, refused):
                return str(kept.get("access", ""))
            return self._renewed(kept, refused)

    @property
    def is_connected(self) -> bool:
        """Also when nobody can open it any more."""
        try:
            return bool(self.credentials)
        except CannotDecrypt:
            return True

    def tokens(self) -> Tokens | None:
        kept = self._kept()
        return Tokens(kept["access"], kept.get("refresh", "")) if kept else None

    @property
    def ends_soon(self) -> bool:
        """Whether its token has ended, or does before it can be used."""
        kept = self._kept()
        return bool(kept) and _is_due(kept, "")

    def _renewed(self, kept: dict[str, Any], refused: str) -> str:
        if not kept.get("refresh"):
            raise Unasked(_("The connection has ended. Connect it again on the tracker's page."))
        try:
            tokens: Tokens = self.plugin().refresh(kept["refresh"])
        except TryLater:
            if kept["access"] == refused or _now() >= kept["ends_at"]:
                raise
            return str(kept["access"])
        self.connect(
            tokens if tokens.refresh else Tokens(tokens.access, kept["refresh"], tokens.lasts)
        )
        return tokens.access

    def _kept(self, *, lock: bool = False) -> dict[str, Any]:
        rows = type(self)._default_manager.filter(pk=self.pk)
        if lock:
            rows = rows.select_for_update(no_key=True)
        row = rows.only("credentials").first()
        try:
            return (row.credentials if row else None) or {}
        except CannotDecrypt as error:
            words = _(
                "The saved connection cannot be opened: no key of FIELD_ENCRYPTION_KEYS fits."
            )
            raise Unasked(words) from error


def _is_due(kept: dict[str, Any], refused: str) -> bool:
    if not kept:
        return False
    ends_at = kept.get("ends_at")
    ends_soon = ends_at is not None and _now() > ends_at - RENEWED_BEFORE.total_seconds()
    return ends_soon or bool(kept["access"] == refused)


def _now() -> float:
    return timezone.now().timestamp()
