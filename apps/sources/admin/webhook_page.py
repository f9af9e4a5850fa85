"""The page of a source's webhook: what is wanted, what the platform says, and buttons that change it."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from apps.sources import doctor, webhook_settings
from apps.sources.adapters.base import Finding, WrongAddress
from apps.sources.admin.scope import ProjectScopedAdmin, page_of
from apps.sources.models import Source, Webhook
from tasktracker.lib.secrets import CannotDecrypt
from tasktracker.lib.workflow import GiveUp, TryLater

TEMPLATE = "admin/sources/source/webhook.html"
LONGEST_URL = 300  # characters of a base URL that is shown again


class WebhookPages(ProjectScopedAdmin):
    """Put before the admin of sources: the page, and what its buttons do."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:row_id>/webhook/",
                view(require_GET(self.webhook_page)),
                name="sources_source_webhook",
            ),
            path(
                "<int:row_id>/webhook/<slug:verb>/",
                view(self.webhook_verb),
                name="sources_source_webhook_verb",
            ),
            *super().get_urls(),
        ]

    def webhook_page(self, request: HttpRequest, row_id: int) -> HttpResponse:
        source = self._hooked(request, row_id)
        if source is None:
            return self.gone(request, row_id)
        return self._show_webhook(request, source)

    def webhook_verb(self, request: HttpRequest, row_id: int, verb: str) -> HttpResponse:
        """Do it, say what came of it, and show the page again."""
        source = self._hooked(request, row_id)
        if (
            source is None
            or not self.has_change_permission(request, source)
            or verb not in (*VERBS, "doctor")
        ):
            return self.gone(request, row_id)
        if request.method != "POST":  # somebody comes back to what the doctor said
            return _to_page(source)
        typed = request.POST.get("base_url", "").strip()
        try:
            if verb == "doctor":
                return self._show_webhook(request, source, findings=doctor.examine(source))
            messages.success(request, VERBS[verb](source, typed))
        except ValidationError as error:
            return self._show_webhook(request, source, typed=typed, wrong=" ".join(error.messages))
        except WrongAddress as error:
            return self._show_webhook(request, source, typed=typed, wrong=str(error))
        except (GiveUp, TryLater) as error:
            messages.error(request, str(error)[:500])
        return _to_page(source)

    def _hooked(self, request: HttpRequest, row_id: int) -> Source | None:
        """The source, if the person may see it and its platform is told where to post."""
        source: Source | None = self.get_object(request, str(row_id))
        if source is None or not self.has_view_permission(request, source):
            return None
        return source if source.kind in webhook_settings.kinds() else None

    def _show_webhook(
        self,
        request: HttpRequest,
        source: Source,
        *,
        typed: str | None = None,
        wrong: str = "",
        findings: list[Finding] | None = None,
    ) -> HttpResponse:
        webhook = Webhook.of(source)
        try:
            drift = webhook_settings.drift(webhook)
            is_pushed = webhook_settings.is_pushed(source)
        except (CannotDecrypt, GiveUp, ValueError):
            text = _("The settings do not fit; open the source and save it again.")
            messages.error(request, text)
            return HttpResponseRedirect(reverse("admin:sources_source_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Webhook of %(name)s") % {"name": source.name},
            "opts": self.opts,
            "original": source,  # for the way back above the page
            "source": source,
            "source_page": page_of(source),
            "webhook": webhook,
            "base_url": (webhook.base_url if typed is None else typed)[:LONGEST_URL],
            "wrong": wrong,
            "is_pushed": is_pushed,
            "drift": drift,
            "can_repair": bool(drift) and (bool(webhook.base_url) or not is_pushed),
            "told": _told(webhook),
            "may_change": self.has_change_permission(request, source),
            "findings": findings,
            "troubles": sum(1 for finding in findings or () if finding.remedy),
            "media": self.media,
        }
        return render(request, TEMPLATE, context)


def _to_page(source: Source) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:sources_source_webhook", args=[source.pk]))


def _set(source: Source, typed: str) -> str:
    was_pushed = webhook_settings.is_pushed(source)
    webhook = webhook_settings.set_webhook(source, typed)
    if was_pushed:
        return _("The webhook is set: %(url)s") % {"url": webhook.url}
    text = _("The webhook is set: %(url)s. The mode of this source is webhook now.")
    return text % {"url": webhook.url}


def _refresh(source: Source, typed: str) -> str:
    webhook_settings.refresh(source)
    return _("This is what Telegram says now.")


def _delete(source: Source, typed: str) -> str:
    webhook_settings.delete_webhook(source)
    if webhook_settings.is_pushed(source):
        return _(
            "The webhook is deleted. Nothing comes in until it is set again or the mode of the source is polling."
        )
    return _("The webhook is deleted. The source is polled.")


def _repair(source: Source, typed: str) -> str:
    webhook_settings.repair(source)
    return _("Repaired: Telegram and this page say the same.")


VERBS: dict[str, Callable[[Source, str], str]] = {
    "set": _set,
    "refresh": _refresh,
    "delete": _delete,
    "repair": _repair,
}


def _told(webhook: Webhook) -> dict[str, Any] | None:
    """The platform's last answer for the template; None while it was never asked."""
    if webhook.told_at is None:
        return None
    failed = webhook.told.get("last_error_date")
    return {
        "url": webhook.told.get("url", ""),
        "pending": webhook.told.get("pending_update_count", 0),
        "failed_at": datetime.fromtimestamp(failed, UTC) if isinstance(failed, int) else None,
        "reason": webhook.told.get("last_error_message", ""),
        "updates": ", ".join(webhook.told.get("allowed_updates") or ()),
    }
