"""Trackers in the admin: their settings, of which the tracker itself says what they may be."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from unfold.decorators import display

from apps.exports.admin.choices import with_choices
from apps.exports.admin.connect import ConnectPages
from apps.exports.admin.outbox import ORDERS
from apps.exports.admin.parting import TrackerPartingAdmin
from apps.exports.admin.way_back import WayBackPages, tells
from apps.exports.feed import lines
from apps.exports.models import Tracker
from apps.exports.trackers import TRACKERS, able_to
from apps.sources.adapters.base import Finding, reason_of
from apps.sources.admin.display import link
from apps.sources.admin.plugin_admin import KindFilter, PlugInAdmin
from apps.sources.admin.plugin_form import PlugInForm
from apps.sources.admin.scope import VisibleRelatedFilter, back_or_to, page_of
from tasktracker.lib.plugins import load
from tasktracker.lib.retell import retell
from tasktracker.lib.streaming import streamed
from tasktracker.lib.workflow import GiveUp, TryLater


@admin.register(Tracker)
class TrackerAdmin(TrackerPartingAdmin, ConnectPages, WayBackPages, PlugInAdmin):
    registry = TRACKERS
    never_listed = ["config", "credentials"]
    change_form_template = "admin/exports/tracker/change_form.html"
    check_title = gettext_lazy("Check connection")
    list_display = ["name", "kind_label", "project", "is_active", "closed_until", "trouble"]
    list_select_related = ["project"]
    list_filter = [("project", VisibleRelatedFilter), ("kind", KindFilter), "is_active"]
    search_fields = ["name"]
    state_fields = [
        "forced",
        "failures_in_a_row",
        "opened_at",
        "closed_until",
        "limited_until",
        "way_back_page",
        "told_error",
        "created_at",
    ]

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        order, feed = wrap(require_POST(self.order)), wrap(require_GET(self.feed))
        return [
            path("<int:row_id>/order/", order, name="exports_tracker_order"),
            path("<int:row_id>/feed/", feed, name="exports_tracker_feed"),
            *super().get_urls(),
        ]

    def order(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """Whether it is called is decided by a person, or by its failures again."""
        row = self.get_object(request, str(row_id))
        order = request.POST.get("order", "-")
        if row is None or not self.has_change_permission(request, row) or order not in ORDERS:
            return self.gone(request, row_id)
        Tracker.objects.filter(pk=row.pk).update(forced=order)
        self.log_change(request, row, str(ORDERS[order]))
        text = _("%(tracker)s: %(order)s.") % {"tracker": row.name, "order": ORDERS[order]}
        self.message_user(request, text, messages.SUCCESS)
        return back_or_to(request, page_of(row))

    def feed(self, request: HttpRequest, row_id: int) -> HttpResponseBase:
        """Every task that was made there, a line of JSON each."""
        rows = self.get_queryset(request).filter(pk=row_id).defer("config", "credentials")
        row = rows.select_related("project").first()
        if row is None or not request.user.has_perm("exports.view_taskexport"):
            return self.gone(request, row_id)
        name = f"{row.project.slug}-{row.pk}.jsonl"
        found = lines(row.exports.all())
        return streamed(request, found, content_type="application/x-ndjson", name=name)

    @display(description=gettext_lazy("what comes back"))
    def way_back_page(self, tracker: Tracker) -> str:
        if not tells(tracker):
            return _("Nothing: this kind of tracker only takes.")
        return link(
            reverse("admin:exports_tracker_way_back", args=[tracker.pk]), _("Webhook and questions")
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tracker]:
        """Saving a page must not put back a connection that was renewed meanwhile: what is not read is not saved."""
        rows: QuerySet[Tracker] = super().get_queryset(request)
        return rows.defer("credentials")

    def settings_form(self, row: Any) -> type[PlugInForm]:
        return with_choices(super().settings_form(row), self.registry, row)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """With the switch of what only some kinds can do."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is not None and obj.kind in able_to("note"):
            first, *others = fieldsets
            title, options = first
            return [(title, {**options, "fields": [*options["fields"], "tells_news"]}), *others]
        return fieldsets

    def check_row(self, row: Tracker) -> list[Finding]:
        """Ask the tracker itself whether it would take an issue from us, and what there is to choose."""
        findings: list[Finding] = row.plugin().check()
        row.keep_choices()
        if not any(finding.remedy for finding in findings):
            row.note_answer()  # an error of before is none any more
        return findings

    def save_model(self, request: HttpRequest, obj: Tracker, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if self._offers(obj):
            transaction.on_commit(partial(self._ask_for_choices, request, obj))

    def response_post_save_add(self, request: HttpRequest, obj: Tracker) -> HttpResponse:
        """What there is to choose is known only now, on the tracker's own page."""
        response = super().response_post_save_add(request, obj)
        return HttpResponseRedirect(page_of(obj)) if self._offers(obj) else response

    def response_post_save_change(self, request: HttpRequest, obj: Tracker) -> HttpResponse:
        """The same: a team that was chosen has projects, statuses, members."""
        response = super().response_post_save_change(request, obj)
        return HttpResponseRedirect(page_of(obj)) if self._offers(obj) else response

    def _offers(self, row: Tracker) -> bool:
        return row.kind in self.registry and hasattr(load(self.registry, row.kind), "choices")

    def _ask_for_choices(self, request: HttpRequest, row: Tracker) -> None:
        try:
            row.keep_choices()
        except (GiveUp, TryLater) as error:
            reason = retell(str(error))[:500]
        except ValueError as error:
            reason = reason_of(error)
        else:
            return
        text = _("It is saved, but the tracker did not say what there is to choose: %(reason)s")
        self.message_user(request, text % {"reason": reason}, messages.WARNING)
