"""Sources, with a form that the adapter's own settings make."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.sources import webhook_settings
from apps.sources.adapters import ADAPTERS
from apps.sources.adapters.base import Finding
from apps.sources.admin.first_message import FirstMessage, waiting_for
from apps.sources.admin.imports import import_address, may_import_into
from apps.sources.admin.last_seen import last_seen
from apps.sources.admin.mapping_preview import (
    PreviewedForm,
    can_preview,
    preview_of,
    sample_field,
)
from apps.sources.admin.plugin_admin import KindFilter, PlugInAdmin
from apps.sources.admin.scope import VisibleRelatedFilter, page_of
from apps.sources.admin.unhooking import UnhookingAdmin
from apps.sources.admin.webhook_page import WebhookPages
from apps.sources.models import Source
from tasktracker.lib.plugins import load

RECENT = timedelta(hours=24)


@admin.register(Source)
class SourceAdmin(UnhookingAdmin, WebhookPages, FirstMessage, PlugInAdmin):
    path_from_source = "pk"
    registry = ADAPTERS
    list_display = [
        "name",
        "kind_label",
        "project",
        "chats",
        "is_active",
        "rate",
        "last_seen_at",
        "trouble",
    ]
    list_select_related = ["project"]
    list_filter = [("project", VisibleRelatedFilter), ("kind", KindFilter), "is_active"]
    search_fields = ["name"]
    state_fields = [
        "webhook_address",
        "read_up_to",
        "reached_at",
        "last_seen_at",
        "told_error",
        "created_at",
    ]
    check_title = _("Check connection")
    change_form_template = "admin/sources/source/change_form.html"
    list_before_template = "admin/sources/source/import_history.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        rows: QuerySet[Source] = super().get_queryset(request)
        return rows.annotate(chat_count=Count("chats"))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the messages of the last day: one question for the page."""
        changelist = super().get_changelist_instance(request)
        rows = {row.pk: row for row in changelist.result_list}
        recent = Source.objects.filter(
            pk__in=rows, messages__sent_at__gte=timezone.now() - RECENT
        ).order_by()
        counts = dict(recent.values_list("pk").annotate(count=Count("messages")))
        for number, row in rows.items():
            row.recent_count = counts.get(number, 0)
        return changelist

    def save_model(self, request: HttpRequest, obj: Source, form: Any, change: bool) -> None:
        before = Source.objects.filter(pk=obj.pk).first() if change else None
        super().save_model(request, obj, form, change)
        transaction.on_commit(lambda: self._follow(request, obj, before))

    def _follow(self, request: HttpRequest, source: Source, before: Source | None) -> None:
        """The platform is told what changed, and the person what came of it."""
        for found in webhook_settings.follow(source, before):
            text = f"{found.sentence} {found.remedy}".strip()
            self.message_user(request, text, messages.WARNING if found.remedy else messages.INFO)

    def response_add(
        self, request: HttpRequest, obj: Source, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The page of a new source says what to do next."""
        answer: HttpResponse = super().response_add(request, obj, post_url_continue)
        if "_addanother" in request.POST or IS_POPUP_VAR in request.POST:
            return answer
        return HttpResponseRedirect(page_of(obj))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        may_import = request.user.has_perm("sources.change_source")
        context = {"import_address": import_address() if may_import else ""}
        page: HttpResponse = super().changelist_view(request, context | (extra_context or {}))
        return page

    def check_row(self, row: Source) -> list[Finding]:
        found: list[Finding] = row.adapter().check(api_url=row.api_url)
        return [*found, last_seen(row)]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type("SourceForm", (PreviewedForm, form), {}) if can_preview(obj) else form

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        source, form = context["original"], context["adminform"].form
        may_edit = self._may_edit(request, source)
        context |= {"webhook_page": "", "first_message": waiting_for(source) if may_edit else None}
        if source is not None and source.kind in webhook_settings.kinds():
            context["webhook_page"] = reverse("admin:sources_source_webhook", args=[source.pk])
        context |= {"may_preview": False, "preview": None, "import_address": ""}
        if source is not None and may_import_into(request, source):
            context["import_address"] = import_address(source)
        if can_preview(source) and may_edit:
            label = load(ADAPTERS, source.kind).sample_label
            context |= {"may_preview": True, "sample": sample_field(form), "sample_label": label}
            if form.is_bound and form.is_previewed:
                context["preview"] = preview_of(form)
        return super().render_change_form(request, context, *args, **kw)

    @display(description=_("chats"), ordering="chat_count")
    def chats(self, source: Any) -> int:
        return int(source.chat_count)

    @display(description=_("last 24 h"))
    def rate(self, source: Any) -> int:
        return int(source.recent_count)

    @display(description=_("read up to"))
    def read_up_to(self, source: Source) -> str:
        """In the words of its platform: an offset, or a number per channel or folder."""
        return ", ".join(f"{name} {value}" for name, value in source.position.items())

    @display(description=_("webhook address"))
    def webhook_address(self, source: Source) -> str:
        """Where the platform posts to, if it does; the secret that opens it is not shown."""
        return webhook_settings.address_of(source)
