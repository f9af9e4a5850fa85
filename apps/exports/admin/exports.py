"""Exports in the admin: where issues went, and sending them again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.exports.models import TaskExport
from apps.sources.admin.display import badge, link, outside_link
from apps.sources.admin.scope import (
    CappedPaginator,
    ProjectScopedAdmin,
    VisibleRelatedFilter,
    back_or_to,
    page_of,
)
from tasktracker.lib.text import shorten
from tasktracker.lib.workflow import LostRace, WrongTransition

STATUS_COLOURS = {"pending": "info", "created": "success", "failed": "danger"}


@admin.register(TaskExport)
class TaskExportAdmin(ProjectScopedAdmin):
    project_path = "tracker__project"
    list_display = [
        "created_at",
        "issue_link",
        "tracker",
        "state",
        "attempts",
        "due_at",
        "trouble",
        "there",
    ]
    list_display_links = ["created_at"]
    list_select_related = ["issue", "tracker"]
    never_listed = ["tracker__config"]
    list_filter = [("status", ChoicesDropdownFilter), ("tracker", VisibleRelatedFilter)]
    search_fields = ["issue__title", "external_id"]
    date_hierarchy = "created_at"
    list_before_template = "admin/live_list.html"
    paginator = CappedPaginator
    actions = ["retry_selected"]
    fields = [
        "issue_link",
        "tracker",
        "state",
        "there",
        "uuid",
        "attempts",
        "due_at",
        "error",
        "created_at",
        "status_changed_at",
    ]
    readonly_fields = fields
    change_form_template = "admin/exports/taskexport/change_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("exports.change_taskexport"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.retry_one))
        return [
            path("<int:export_id>/retry/", view, name="exports_taskexport_retry"),
            *super().get_urls(),
        ]

    @display(description=gettext_lazy("issue"), ordering="issue__title")
    def issue_link(self, export: TaskExport) -> str:
        return link(page_of(export.issue), shorten(export.issue.title, 80))

    @display(description=gettext_lazy("status"), ordering="status")
    def state(self, export: TaskExport) -> str:
        return badge(export.get_status_display(), STATUS_COLOURS.get(export.status, ""))

    @display(description=gettext_lazy("last error"))
    def trouble(self, export: TaskExport) -> str:
        return shorten(export.error, 100)

    @display(description=gettext_lazy("last error"))
    def error(self, export: TaskExport) -> str:
        return export.error

    @display(description=gettext_lazy("there"))
    def there(self, export: TaskExport) -> str:
        return outside_link(export.external_url, export.external_id or export.external_url)

    @admin.action(description=gettext_lazy("Export again"), permissions=["retry"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[TaskExport]) -> None:
        self._retry(request, queryset)

    def retry_one(self, request: HttpRequest, export_id: int) -> HttpResponse:
        rows = self.get_queryset(request).filter(pk=export_id)
        export = rows.first()
        if export is None or not self.has_retry_permission(request):
            return self.gone(request, export_id)
        self._retry(request, rows)
        return back_or_to(request, page_of(export))

    def _retry(self, request: HttpRequest, queryset: QuerySet[TaskExport]) -> None:
        done = 0
        for export in queryset.select_related(None):
            try:
                export.retry()
            except (WrongTransition, LostRace):
                text = _("Export %(id)s is “%(status)s”: only failed ones are exported again.")
                details = {"id": export.pk, "status": export.get_status_display()}
                self.message_user(request, text % details, messages.WARNING)
            else:
                done += 1
        if done:
            text = ngettext("%(n)d export queued.", "%(n)d exports queued.", done)
            self.message_user(request, text % {"n": done}, messages.SUCCESS)
