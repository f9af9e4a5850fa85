"""What came in and could not be read."""

import json
import logging
from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.sources.envelope import Envelope, Notice, read
from apps.sources.models.source import Source

logger = logging.getLogger(__name__)


class DeadLetter(models.Model):
    """Something that came in and could not be read: kept with its reason, and replayed by a person."""

    source = models.ForeignKey(
        Source, models.SET_NULL, verbose_name=_("source"), null=True, related_name="dead_letters"
    )
    subject = models.CharField(_("subject"), max_length=200, blank=True, default="")
    sequence = models.BigIntegerField(_("number in the stream"), null=True)
    payload = models.BinaryField(_("payload"))
    reason = models.TextField(_("reason"))
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    replayed_at = models.DateTimeField(_("replayed at"), null=True, editable=False)

    class Meta:
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["-created_at"], name="newest_dead_letters"),
            models.Index(
                fields=["source"], name="open_dead_letters", condition=models.Q(replayed_at=None)
            ),
        ]
        constraints = [
            # A redelivered poison envelope is one dead letter.
            models.UniqueConstraint(
                fields=["subject", "sequence"],
                name="one_dead_letter_per_delivery",
                condition=models.Q(sequence__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject or '-'} {self.reason[:60]}"

    # Factories

    @classmethod
    def bury_update(
        cls, source: tuple[str, int], *, number: int, payload: Any, reason: str
    ) -> None:
        """Keep a platform's own payload; the same one again is the same dead letter."""
        kind, source_id = source
        logger.warning("dead letter %s.%d #%d: %s", kind, source_id, number, reason)
        cls.objects.get_or_create(
            subject=f"{kind}.{source_id}",
            sequence=number,
            defaults={
                "source_id": source_id,
                "payload": json.dumps(payload).encode(),
                "reason": reason.replace("\0", ""),
            },
        )

    # Properties

    @property
    def text(self) -> str:
        """The payload as people can read it."""
        return bytes(self.payload).decode("utf-8", "replace").replace("\0", "\ufffd")

    def envelope(self) -> Envelope | Notice:
        """Raise ValueError when it still cannot be read."""
        return read(bytes(self.payload))
