"""The inlets of a project."""

import secrets
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.sources.adapters import ADAPTERS, able_to, asks_first
from apps.sources.adapters.base import reason_of
from apps.sources.models.project import Project
from tasktracker.lib import plugins
from tasktracker.lib.secrets import EncryptedJSONField


def new_webhook_secret() -> str:
    return secrets.token_urlsafe(32)


class Source(models.Model):
    """One configured inlet of a project, and how far it was read."""

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="sources"
    )
    kind = models.CharField(_("kind"), max_length=30)
    name = models.CharField(_("name"), max_length=100)
    config = EncryptedJSONField(_("settings"), default=dict, blank=True)
    webhook_secret = models.CharField(
        _("webhook secret"), max_length=100, unique=True, default=new_webhook_secret, editable=False
    )
    position = models.JSONField(_("read up to"), default=dict, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    last_error = models.TextField(_("last error"), blank=True, default="", editable=False)
    last_seen_at = models.DateTimeField(_("last message at"), null=True, editable=False)
    reached_at = models.DateTimeField(_("in contact until"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["project", "name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_source_per_name")
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Check the settings with the adapter's own model."""
        try:
            self.adapter()
        except plugins.UnknownPlugIn:
            raise ValidationError({"kind": _("Unknown kind of source.")}) from None
        except ValueError as error:
            raise ValidationError({"config": reason_of(error)}) from None

    # Queries

    def adapter(self) -> Any:
        """The plug-in with this source's settings; raises ValueError when they do not fit."""
        made = plugins.load(ADAPTERS, self.kind)
        return made(made.Config.model_validate(self.config), source_id=self.pk or 0)

    @classmethod
    def kinds(cls) -> list[tuple[str, Any]]:
        return plugins.choices(ADAPTERS)

    # Properties

    @property
    def asks_first(self) -> bool:
        """Whether its new chats wait for the operator's yes."""
        return asks_first(self.kind)

    @property
    def api_url(self) -> str:
        """Where the platform is, by the setting TELEGRAM_API_URL and its like; empty: the usual place."""
        return str(getattr(settings, f"{self.kind.upper()}_API_URL", ""))

    @property
    def webhook_path(self) -> str:
        """Where its platform posts to; empty when it does not."""
        if self.kind not in able_to("receive"):
            return ""
        return reverse("webhook-of-source", args=[self.kind, self.pk])
