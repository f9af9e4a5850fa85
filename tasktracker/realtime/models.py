"""Events that went out to browsers, so that one that was away can ask for what it missed."""

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.sources.models import Project


class Event(models.Model):
    """One live event; its id is the `seq` of the frame."""

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="+"
    )
    type = models.CharField(_("type"), max_length=30)
    data = models.JSONField(_("data"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), db_index=True)

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.pk} {self.type}"
