"""Deletions that came before what they delete."""

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.sources.models import Source

#: Longer than a platform tries again to bring a message that was refused.
KEPT = timedelta(days=1)


class EarlyDeletion(models.Model):
    """A message that is not here yet and is deleted already: a refused delivery comes again, after minutes."""

    source = models.ForeignKey(Source, models.CASCADE, verbose_name=_("source"), related_name="+")
    external_id = models.CharField(_("external id"), max_length=200)
    happened_at = models.DateTimeField(_("deleted at"))
    created_at = models.DateTimeField(_("created at"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("early deletion")
        verbose_name_plural = _("early deletions")
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], name="one_early_deletion_per_message"
            )
        ]

    def __str__(self) -> str:
        return self.external_id

    @classmethod
    def keep(cls, source_id: int, external_id: str, happened_at: datetime) -> None:
        """Until the message comes, and no longer than it may."""
        cls.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
        cls.objects.get_or_create(
            source_id=source_id, external_id=external_id, defaults={"happened_at": happened_at}
        )
