"""Times in which messages may have been lost."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class Gap(models.Model):
    """A chat and a time from which its platform forgot what we had not fetched.

    It closes when an import has brought that time, or when a person says that nothing is missing.
    """

    source = models.ForeignKey(
        "sources.Source", models.CASCADE, verbose_name=_("source"), related_name="gaps"
    )
    chat = models.ForeignKey(
        "sources.Chat", models.CASCADE, verbose_name=_("chat"), related_name="gaps"
    )
    since = models.DateTimeField(_("from"))
    until = models.DateTimeField(_("until"))
    found_at = models.DateTimeField(_("found at"), db_default=Now(), editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)
    closed_by = models.ForeignKey(
        "sources.HistoryImport",
        models.SET_NULL,
        verbose_name=_("closed by the import"),
        related_name="closed_gaps",
        null=True,
        editable=False,
    )
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("closed by"),
        related_name="+",
        null=True,
        editable=False,
    )

    class Meta:
        verbose_name = _("gap")
        verbose_name_plural = _("gaps")
        ordering = ["-since", "chat"]
        constraints = [
            models.UniqueConstraint(fields=["chat", "since"], name="one_gap_per_outage"),
            models.CheckConstraint(
                condition=models.Q(since__lt=models.F("until")), name="gap_has_a_length"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.chat}: {self.since:%Y-%m-%d %H:%M} - {self.until:%Y-%m-%d %H:%M}"

    # Mutators

    def narrow(self, first: datetime, last: datetime, closed_by: Any = None) -> None:
        """All that was said from `first` to `last` is there now: what is left of the gap, if anything."""
        if first <= self.since and last >= self.until:
            self._update(closed_at=Now(), closed_by=closed_by)
        elif first <= self.since < last:
            self._update(since=last)
        elif first < self.until <= last:
            self._update(until=first)

    @classmethod
    def dismiss(cls, ids: list[int], by: Any) -> int:
        """A person says that nothing is missing there."""
        return cls.objects.filter(pk__in=ids, closed_at=None).update(
            closed_at=Now(), dismissed_by=by
        )

    def _update(self, **values: Any) -> None:
        type(self).objects.filter(pk=self.pk, closed_at=None).update(**values)
