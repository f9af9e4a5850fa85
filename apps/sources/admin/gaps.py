"""Gaps: chats and times in which messages may be missing, and what to do about each."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext
from django.views.decorators.http import require_POST
from unfold.decorators import display

from apps.sources.admin.display import badge, link
from apps.sources.admin.imports import import_address, may_import_into
from apps.sources.admin.scope import ProjectScopedAdmin, VisibleRelatedFilter, back_or_to, page_of
from apps.sources.models import Gap


class ClosedFilter(admin.EmptyFieldListFilter):
    """Open or closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("state")

    def choices(self, changelist: Any) -> Any:
        titles = [_("All"), _("Open"), _("Closed")]
        for title, choice in zip(titles, super().choices(changelist), strict=True):
            yield {**choice, "display": title}


@admin.register(Gap)
class GapAdmin(ProjectScopedAdmin):
    """Found by the collector; closed by an import, or by a person who knows better."""

    project_path = "source__project"
    list_display = ["chat", "source", "since", "until", "length", "state", "remedy"]
    list_select_related = ["source", "chat", "closed_by", "dismissed_by"]
    never_listed = ["source__config"]
    list_filter = [("source", VisibleRelatedFilter), ("closed_at", ClosedFilter)]
    list_before_template = "admin/sources/gap/explanation.html"
    empty_text = gettext_lazy("No gap: nothing is known to be missing.")
    change_form_template = "admin/sources/gap/change_form.html"
    actions = ["dismiss_selected"]
    fields = ["chat", "source", "since", "until", "length", "found_at", "state", "remedy"]
    readonly_fields = fields

    # Permissions: as for the sources that they belong to

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("sources.view_source"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("sources.delete_source"))  # they go with their source

    def has_dismiss_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("sources.change_source"))

    # Columns

    @display(description=gettext_lazy("length"))
    def length(self, gap: Gap) -> str:
        hours = (gap.until - gap.since) // timedelta(hours=1)
        if not hours:
            return _("less than an hour")
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}

    @display(description=gettext_lazy("state"))
    def state(self, gap: Gap) -> Any:
        if gap.closed_at is None:
            return badge(pgettext("state of a gap", "Open"), "danger")
        if gap.dismissed_by is not None:
            return badge(_("Closed by %(name)s") % {"name": gap.dismissed_by}, "success")
        return badge(_("Closed by an import"), "success")

    @display(description=gettext_lazy("what to do"))
    def remedy(self, gap: Gap) -> Any:
        if gap.closed_by is not None:
            return link(page_of(gap.closed_by), gap.closed_by)
        if gap.closed_at is not None:
            return ""
        return link(import_address(gap.source), _("Import the history of this chat"))

    # Pages

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.dismiss_one))
        return [
            path("<int:gap_id>/dismiss/", view, name="sources_gap_dismiss"),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        gap = context.get("original")
        may = gap is not None and gap.closed_at is None and self.has_dismiss_permission(request)
        context |= {
            "may_dismiss": may,
            "may_import": may and may_import_into(request, gap.source),
            "import_address": import_address(gap.source) if gap else "",
        }
        return super().render_change_form(request, context, *args, **kw)

    @admin.action(description=gettext_lazy("Nothing is missing there"), permissions=["dismiss"])
    def dismiss_selected(self, request: HttpRequest, queryset: QuerySet[Gap]) -> None:
        self._dismiss(request, list(queryset.values_list("pk", flat=True)))

    def dismiss_one(self, request: HttpRequest, gap_id: int) -> HttpResponse:
        gap = self.get_queryset(request).filter(pk=gap_id).first()
        if gap is None or not self.has_dismiss_permission(request):
            return self.gone(request, gap_id)
        self._dismiss(request, [gap.pk])
        return back_or_to(request, page_of(gap))

    def _dismiss(self, request: HttpRequest, ids: list[int]) -> None:
        count = Gap.dismiss(ids, by=request.user)
        text = ngettext("%(n)d gap closed.", "%(n)d gaps closed.", count) % {"n": count}
        self.message_user(request, text, messages.SUCCESS)
