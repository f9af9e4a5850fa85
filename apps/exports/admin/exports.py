"""Exports in the admin: where issues went, and sending them again."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.exports.admin.moving import MovingMany
from apps.exports.admin.outbox import NEWS, lines
from apps.exports.admin.preview import PreviewPages
from apps.exports.admin.sending import AGAIN, SendingMany
from apps.exports.models import ExportUpdate, TaskExport, Tracker
from apps.exports.moving import CannotMove, move, places_for, why_not_again
from apps.sources.admin.display import badge, link, outside_link
from apps.sources.admin.scope import (
    CappedPaginator,
    VisibleRelatedFilter,
    back_or_to,
    page_of,
)
from tasktracker.lib.retell import retell
from tasktracker.lib.text import shorten

STATUS_COLOURS = {"pending": "info", "created": "success", "failed": "danger"}


@admin.register(TaskExport)
class TaskExportAdmin(SendingMany, MovingMany, PreviewPages):
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
        "as_it_is_there",
    ]
    list_display_links = ["created_at"]
    list_select_related = ["issue", "tracker", "stand_in"]
    never_listed = ["tracker__config", "tracker__credentials"]
    list_filter = [
        ("status", ChoicesDropdownFilter),
        ("held", ChoicesDropdownFilter),
        ("tracker", VisibleRelatedFilter),
    ]
    search_fields = ["issue__title", "external_id"]
    date_hierarchy = "created_at"
    ordering = ["-pk"]  # as they were made, by an index
    list_before_template = "admin/live_list.html"
    paginator = CappedPaginator
    actions = ["retry_selected", "release_selected", "move_selected"]
    fields = [
        "issue_link",
        "tracker",
        "state",
        "there",
        "as_it_is_there",
        "title_there",
        "remote_updated_at",
        "looked_at",
        "uuid",
        "attempts",
        "due_at",
        "error",
        "later",
        "created_at",
        "status_changed_at",
    ]
    readonly_fields = fields
    change_form_template = "admin/exports/taskexport/change_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # what knows of no task makes a second one, and forgets nobody there

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("exports.change_taskexport"))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == NEWS or super().lookup_allowed(lookup, value, request)

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        retry, move = wrap(require_POST(self.retry_one)), wrap(require_POST(self.move_one))
        return [
            path("outbox/", wrap(self.outbox_view), name="exports_taskexport_outbox"),
            path("<int:export_id>/retry/", retry, name="exports_taskexport_retry"),
            path("<int:export_id>/move/", move, name="exports_taskexport_move"),
            *super().get_urls(),
        ]

    @display(description=gettext_lazy("issue"), ordering="issue__title")
    def issue_link(self, export: TaskExport) -> str:
        return link(page_of(export.issue), shorten(export.issue.title, 80))

    @display(description=gettext_lazy("status"), ordering="status")
    def state(self, export: TaskExport) -> str:
        if export.is_gone or export.is_held:
            return badge(export.told_status, "warning")
        is_over = not export.is_live or (export.status == "failed" and not export.is_failure)
        colour = "" if is_over else STATUS_COLOURS.get(export.status, "")
        return badge(export.told_status, colour)

    @display(description=gettext_lazy("last error"))
    def trouble(self, export: TaskExport) -> str:
        return shorten(export.error, 100)

    @display(description=gettext_lazy("last error"))
    def error(self, export: TaskExport) -> str:
        return export.error

    @display(description=gettext_lazy("later messages"))
    def later(self, export: TaskExport) -> str:
        """Whether the task there was told what came after it was made."""
        update = ExportUpdate.objects.filter(export=export).first()
        if update is None:
            return ""
        return ": ".join(filter(None, [update.get_status_display(), retell(update.last_error)]))

    @display(description=gettext_lazy("there"))
    def there(self, export: TaskExport) -> str:
        return outside_link(export.external_url, export.external_id or export.external_url)

    @display(description=gettext_lazy("as it is there"))
    def as_it_is_there(self, export: TaskExport) -> str:
        return ", ".join(filter(None, [export.status_there, export.assignee_there]))

    @display(description=gettext_lazy("another title there"))
    def title_there(self, export: TaskExport) -> str:
        return export.title_there

    def retry_one(self, request: HttpRequest, export_id: int) -> HttpResponse:
        rows = self.get_queryset(request).filter(pk=export_id)
        export = rows.first()
        if export is None or not self.has_retry_permission(request):
            return self.gone(request, export_id)
        self.send_each(request, rows, AGAIN)
        return back_or_to(request, page_of(export))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        export = context.get("original")
        context |= {"others": [], "is_sendable": False, "why_not_again": ""}
        if export is not None and self.has_retry_permission(request):
            context["others"] = places_for(export).only("name")
            if export.can_be_retried:
                context["why_not_again"] = why_not_again(export)
                context["is_sendable"] = not context["why_not_again"]
        return super().render_change_form(request, context, *args, **kwargs)

    def move_one(self, request: HttpRequest, export_id: int) -> HttpResponse:
        """The issue's task goes to another tracker of its project."""
        export = self.get_queryset(request).filter(pk=export_id).first()
        number = request.POST.get("tracker", "")
        target = Tracker.objects.filter(pk=int(number)).first() if number.isdecimal() else None
        if export is None or target is None or not self.has_retry_permission(request):
            return self.gone(request, export_id)
        try:
            moved = move(export.issue, target, leaving=export)
        except CannotMove as error:
            self.message_user(request, str(error), messages.WARNING)
            return back_or_to(request, page_of(export))
        self.log_change(request, export, _("Moved to %(tracker)s.") % {"tracker": target.name})
        text = _("The task goes to %(tracker)s; the one here is closed first.")
        self.message_user(request, text % {"tracker": target.name}, messages.SUCCESS)
        return HttpResponseRedirect(page_of(moved))

    def outbox_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": _("Outbox"),
            "lines": lines(request),
            "may_order": request.user.has_perm("exports.change_tracker"),
        }
        return TemplateResponse(request, "admin/exports/outbox.html", context)
