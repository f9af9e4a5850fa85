"""Trackers in the admin: their settings, of which the tracker itself says what they may be."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.exports.admin.choices import with_choices
from apps.exports.models import Tracker
from apps.exports.trackers import TRACKERS
from apps.sources.adapters.base import Finding, reason_of
from apps.sources.admin.plugin_admin import KindFilter, PlugInAdmin
from apps.sources.admin.plugin_form import PlugInForm
from apps.sources.admin.scope import VisibleRelatedFilter, page_of
from tasktracker.lib.plugins import load
from tasktracker.lib.workflow import GiveUp, TryLater


@admin.register(Tracker)
class TrackerAdmin(PlugInAdmin):
    registry = TRACKERS
    check_title = gettext_lazy("Check connection")
    list_display = ["name", "kind_label", "project", "is_active", "closed_until", "trouble"]
    list_select_related = ["project"]
    list_filter = [("project", VisibleRelatedFilter), ("kind", KindFilter), "is_active"]
    search_fields = ["name"]
    state_fields = [
        "failures_in_a_row",
        "closed_until",
        "limited_until",
        "last_error",
        "created_at",
    ]

    def settings_form(self, row: Any) -> type[PlugInForm]:
        return with_choices(super().settings_form(row), self.registry, row)

    def check_row(self, row: Tracker) -> list[Finding]:
        """Ask the tracker itself whether it would take an issue from us, and what there is to choose."""
        findings: list[Finding] = row.plugin().check()
        row.keep_choices()
        return findings

    def save_model(self, request: HttpRequest, obj: Tracker, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if self._offers(obj):
            transaction.on_commit(partial(self._ask_for_choices, request, obj))

    def response_add(
        self, request: HttpRequest, obj: Tracker, post_url_continue: str | None = None
    ) -> HttpResponse:
        """What there is to choose is known only now, on the tracker's own page."""
        response = super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(page_of(obj)) if self._offers(obj) else response

    def _offers(self, row: Tracker) -> bool:
        return row.kind in self.registry and hasattr(load(self.registry, row.kind), "choices")

    def _ask_for_choices(self, request: HttpRequest, row: Tracker) -> None:
        try:
            row.keep_choices()
        except (GiveUp, TryLater) as error:
            reason = str(error)[:500]
        except ValueError as error:
            reason = reason_of(error)
        else:
            return
        text = _("It is saved, but the tracker did not say what there is to choose: %(reason)s")
        self.message_user(request, text % {"reason": reason}, messages.WARNING)
