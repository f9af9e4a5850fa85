"""Sources, with a form that the adapter's own settings make."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.sources.adapters import ADAPTERS
from apps.sources.adapters.base import Finding
from apps.sources.admin.mapping_preview import (
    PreviewedForm,
    can_preview,
    preview_of,
    sample_field,
)
from apps.sources.admin.plugin_admin import KindFilter, PlugInAdmin
from apps.sources.admin.scope import VisibleRelatedFilter
from apps.sources.models import Source


@admin.register(Source)
class SourceAdmin(PlugInAdmin):
    registry = ADAPTERS
    list_display = [
        "name",
        "kind_label",
        "project",
        "chats",
        "is_active",
        "last_seen_at",
        "trouble",
    ]
    list_select_related = ["project"]
    list_filter = [("project", VisibleRelatedFilter), ("kind", KindFilter), "is_active"]
    search_fields = ["name"]
    state_fields = ["webhook_address", "read_up_to", "last_seen_at", "last_error", "created_at"]
    check_title = _("Check connection")
    change_form_template = "admin/sources/source/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        rows: QuerySet[Source] = super().get_queryset(request)
        return rows.annotate(chat_count=Count("chats"))

    def check_row(self, row: Source) -> list[Finding]:
        found: list[Finding] = row.adapter().check(api_url=row.api_url)
        return found

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type("SourceForm", (PreviewedForm, form), {}) if can_preview(obj) else form

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        source, form = context["original"], context["adminform"].form
        context |= {"may_preview": False, "preview": None}
        if can_preview(source) and self._may_edit(request, source):
            context |= {"may_preview": True, "sample": sample_field(form)}
            if form.is_bound and form.is_previewed:
                context["preview"] = preview_of(form)
        return super().render_change_form(request, context, *args, **kw)

    @display(description=_("chats"), ordering="chat_count")
    def chats(self, source: Any) -> int:
        return int(source.chat_count)

    @display(description=_("read up to"))
    def read_up_to(self, source: Source) -> str:
        """In the words of its platform: an offset, or a number per channel or folder."""
        return ", ".join(f"{name} {value}" for name, value in source.position.items())

    @display(description=_("webhook address"))
    def webhook_address(self, source: Source) -> str:
        """Where the platform posts to; the secret that opens it is not shown."""
        return source.webhook_path
