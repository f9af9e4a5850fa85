"""Archives that people upload: how far each is, cancel and resume."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.decorators import display

from apps.sources.admin.display import badge, grouped
from apps.sources.admin.import_form import ImportForm
from apps.sources.admin.scope import (
    CappedPaginator,
    ProjectScopedAdmin,
    VisibleRelatedFilter,
    page_of,
)
from apps.sources.archives import kinds_with_history, problem_in_words
from apps.sources.models import HistoryImport, Project, Source
from apps.sources.uploads import store_upload
from tasktracker.lib.retell import retell
from tasktracker.lib.workflow import LostRace, WrongTransition

COLOURS = {"waiting": "info", "done": "success", "failed": "danger", "cancelled": "warning"}
COUNT_LABELS = {
    "read": gettext_lazy("Messages in the file"),
    "published": gettext_lazy("New"),
    "already_stored": gettext_lazy("Already there"),
    "not_stored": gettext_lazy("Not kept: their chats are not monitored"),
    "service": gettext_lazy("Service entries"),
    "invalid": gettext_lazy("Unreadable"),
}


@admin.register(HistoryImport)
class HistoryImportAdmin(ProjectScopedAdmin):
    """Whoever may change sources imports into them."""

    project_path = "source__project"
    form = ImportForm
    empty_text = gettext_lazy("What a team wrote before: press Import history among the sources.")
    list_display = ["original_name", "source", "state", "told", "created_by", "created_at"]
    list_select_related = ["source", "created_by"]
    never_listed = ["source__config"]
    list_filter = [("source", VisibleRelatedFilter), "status"]
    search_fields = ["original_name"]
    date_hierarchy = "created_at"
    paginator = CappedPaginator
    change_form_template = "admin/sources/historyimport/change_form.html"
    add_fieldsets = [
        (None, {"fields": ["upload", "source", "project", "name"]}),
        (gettext_lazy("What happens with it"), {"fields": ["is_live"]}),
    ]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "original_name",
                    "source",
                    "file_size",
                    "is_live",
                    "created_by",
                    "created_at",
                    "ended_at",
                ]
            },
        )
    ]
    readonly_fields = ["original_name", "file_size", "created_by", "created_at", "ended_at"]

    # Permissions

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("sources.view_source"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("sources.change_source"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("sources.delete_source"))  # they go with their source

    # Columns

    @display(description=gettext_lazy("status"), ordering="status")
    def state(self, row: HistoryImport) -> str:
        return _badge(row)

    @display(description=gettext_lazy("new messages"))
    def told(self, row: HistoryImport) -> str:
        return grouped(row.counts["published"]) if "published" in row.counts else ""

    @display(description=gettext_lazy("size"))
    def file_size(self, row: HistoryImport) -> str:
        return filesizeformat(row.size)

    # Pages

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj:
            return self.fieldsets
        if request.user.has_perm("sources.add_source"):
            return self.add_fieldsets
        return [(None, {"fields": ["upload", "source"]}), *self.add_fieldsets[1:]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else []

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kw: Any
    ) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **{**kw, "form": forms.ModelForm})
        form = super().get_form(request, obj, change, **kw)
        own = Project.visible_to(request.user)
        may_add = request.user.has_perm("sources.add_source")
        return type("OwnImportForm", (form,), {"projects": own, "may_add_source": may_add})

    def get_urls(self) -> list[URLPattern]:
        def decision(verb: str, move: Callable[[HistoryImport], None]) -> URLPattern:
            def view(request: HttpRequest, row_id: int) -> HttpResponse:
                return self._decide(request, row_id, move)

            wrapped = self.admin_site.admin_view(require_POST(view))
            name = f"sources_historyimport_{verb}"
            pattern: URLPattern = path(f"<int:row_id>/{verb}/", wrapped, name=name)
            return pattern

        return [
            decision("cancel", HistoryImport.cancel),
            decision("resume", HistoryImport.resume),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        source, upload = form.cleaned_data["source"], form.cleaned_data["upload"]
        if source.pk is None:
            source.save()
        obj.source, obj.created_by = source, request.user
        obj.original_name = (upload.name or "")[-200:]
        store_upload(upload, obj)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        text = _("The file is here; its messages come in now. You may leave this page.")
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(page_of(obj))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        row = context.get("original")
        context |= {"upload_limit": settings.UPLOAD_MAX_BYTES}
        if row is not None:
            context |= {"progress": _progress(row), "may_import": self.has_add_permission(request)}
        return super().render_change_form(request, context, *args, **kw)

    def _decide(
        self, request: HttpRequest, row_id: int, move: Callable[[HistoryImport], None]
    ) -> HttpResponse:
        row = self.get_queryset(request).filter(pk=row_id).first()
        if row is None or not self.has_add_permission(request):
            return self.gone(request, row_id)
        try:
            move(row)
        except (LostRace, WrongTransition):
            text = _("It was not possible any more: the import has moved on.")
            self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(page_of(row))


def _badge(row: HistoryImport) -> str:
    words = _("Under way") if row.is_under_way else row.get_status_display()
    return badge(words, COLOURS.get(row.status, ""))


def _progress(row: HistoryImport) -> dict[str, Any]:
    """What the page tells of a running or ended import."""
    return {
        "badge": _badge(row),
        "is_running": row.status == HistoryImport.Status.WAITING,
        "is_under_way": row.is_under_way,
        "is_read": row.size > 0 and row.done >= row.size,
        "done": row.done,
        "size": row.size,
        "percent": f"{row.done / row.size:.0%}" if row.size else "",
        "counts": [
            (label, grouped(row.counts[name]))
            for name, label in COUNT_LABELS.items()
            if name in row.counts
        ],
        "problems": [problem_in_words(problem) for problem in row.problems],
        "error": retell(row.last_error),
        "can_resume": row.can_resume,
    }


def import_address(source: Source | None = None) -> str:
    """Where a file is uploaded for this source."""
    address = reverse("admin:sources_historyimport_add")
    return f"{address}?source={source.pk}" if source else address


def may_import_into(request: HttpRequest, source: Source) -> bool:
    may = request.user.has_perm("sources.change_source")
    return bool(may) and source.kind in kinds_with_history()
