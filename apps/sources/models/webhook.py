"""Where a platform was told to post the messages of a source."""

import ipaddress
import re
from datetime import datetime
from typing import Any, Self
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.sources.models.source import Source

_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_LONGEST = 200  # characters


def base_url_of(text: str) -> str:
    """`https://host` or `https://host:port`, as one writes it; raises ValidationError for anything else."""
    typed = text.strip()
    try:
        parts = urlsplit(typed)
        port = parts.port
        host = _host(parts)
    except ValueError:
        raise ValidationError(_("This is not an address.")) from None
    if parts.scheme not in ("http", "https") or not host or len(typed) > _LONGEST:
        raise ValidationError(_("An address begins with https:// and a host: https://example.com."))
    if "@" in parts.netloc or "\\" in typed or re.search(r"\s", typed):
        raise ValidationError(_("An address holds no spaces, no user and no password."))
    if parts.path not in ("", "/") or parts.query or parts.fragment or typed.endswith(("?", "#")):
        raise ValidationError(_("Only the scheme, the host and perhaps a port: the path is ours."))
    if port is None or port == {"http": 80, "https": 443}[parts.scheme]:
        return f"{parts.scheme}://{host}"
    return f"{parts.scheme}://{host}:{port}"


def _host(parts: SplitResult) -> str:
    """The host in small ASCII letters; empty when it is none, ValueError when it cannot be one."""
    host = parts.hostname or ""
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host)}]"
    plain = host if host.isascii() else host.encode("idna").decode()
    return plain.lower() if _HOST.fullmatch(plain.lower()) else ""


class Webhook(models.Model):
    """The webhook of one source: what we want, what we did, and what the platform last said of it."""

    source = models.OneToOneField(
        Source, models.CASCADE, verbose_name=_("source"), related_name="webhook"
    )
    base_url = models.CharField(
        _("base URL"),
        max_length=_LONGEST,
        blank=True,
        default="",
        help_text=_("Under which the internet reaches this installation: https://example.com"),
    )
    url = models.CharField(
        _("address that was set"), max_length=300, blank=True, default="", editable=False
    )
    is_active = models.BooleanField(_("set"), default=False, editable=False)
    last_set_at = models.DateTimeField(_("last set at"), null=True, editable=False)
    told = models.JSONField(_("what the platform says"), default=dict, editable=False)
    told_at = models.DateTimeField(_("asked at"), null=True, editable=False)

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(is_active=False) | ~models.Q(url=""),
                name="a_set_webhook_has_an_address",
            )
        ]

    def __str__(self) -> str:
        return self.wanted_url or str(self.source)

    def clean(self) -> None:
        self.base_url = base_url_of(self.base_url) if self.base_url else ""

    # Factories

    @classmethod
    def of(cls, source: Source) -> Self:
        """The webhook of this source; one that is not saved yet has the installation's own address."""
        found = cls.objects.filter(source=source).first()
        if found is None:
            found = cls(base_url=settings.WEBHOOK_BASE_URL.rstrip("/"))
        found.source = source  # the one that the caller has, with its project
        return found

    # Mutators

    def keep(self) -> None:
        """Make a row of what was only an offer so far."""
        if self._state.adding:
            self.save()

    def wish_for(self, base_url: str) -> None:
        """Keep the address; it counts as not set until the platform has taken it."""
        self.base_url = base_url_of(base_url) if base_url else ""
        self.is_active = False
        self._save("base_url", "is_active")

    def note_set(self, url: str) -> None:
        self.url, self.is_active, self.last_set_at = url, True, timezone.now()
        self._save("url", "is_active", "last_set_at")

    def note_deleted(self) -> None:
        """The base URL stays for the next time."""
        self.url, self.is_active, self.last_set_at = "", False, None
        self._save("url", "is_active", "last_set_at")

    def note_told(self, told: dict[str, Any], at: datetime) -> None:
        self.told, self.told_at = told, at
        self._save("told", "told_at")

    def _save(self, *fields: str) -> None:
        self.save(update_fields=None if self._state.adding else fields)

    # Properties

    @property
    def wanted_url(self) -> str:
        """Where the platform is to post to; its secret says for which source. Empty without a base URL."""
        if not self.base_url:
            return ""
        return self.base_url + reverse("webhook", args=[self.source.kind])
