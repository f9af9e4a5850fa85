"""The review queue: what was found, why it was found, and what people decide about it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from apps.issues.admin.columns import IssueColumns
from apps.issues.admin.decide import VERBS, decide, run
from apps.issues.admin.issue_form import EDITABLE, NAMED, IssueForm
from apps.issues.admin.issue_page import context_of
from apps.issues.admin.pairs import PairPages, SuggestionsFilter
from apps.issues.admin.reports import in_full
from apps.issues.corrections import correct, unlock
from apps.issues.decisions import open_by_hand
from apps.issues.models import Issue
from apps.issues.suggestions import LIKELY, suggestions_for
from apps.issues.wording import ask_again
from apps.sources.admin.scope import (
    CappedPaginator,
    DaysFilter,
    VisibleRelatedFilter,
    back_or_to,
    page_of,
)


class WordsFilter(ChoicesDropdownFilter):  # type: ignore[misc]
    """Issues by what came of asking a model for their words."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("words by a model")


class TrackersFilter(DropdownFilter):  # type: ignore[misc]
    """Approved issues that went nowhere: their project had no tracker then."""

    title = gettext_lazy("trackers")
    parameter_name = "in_trackers"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("none", _("Approved, and in no tracker"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Issue]) -> QuerySet[Issue]:
        if self.value() != "none":
            return queryset
        return queryset.filter(status__in=Issue.WAITING, exports__isnull=True)


@admin.register(Issue)
class IssueAdmin(IssueColumns, PairPages):
    form = IssueForm
    list_display = [
        "short_title",
        "buttons",
        "suggested",
        "category_label",
        "priority_label",
        "sureness",
        "reports",
        "reported_at",
        "state",
        "exported",
    ]
    list_display_links = ["short_title"]
    list_filter = [
        ("project", VisibleRelatedFilter),
        ("status", ChoicesDropdownFilter),
        SuggestionsFilter,
        ("category", ChoicesDropdownFilter),
        ("priority", ChoicesDropdownFilter),
        "is_provisional",
        ("draft__status", WordsFilter),
        TrackersFilter,
        ("reported_at", DaysFilter),
    ]
    list_fullwidth = True
    list_before_template = "admin/issues/issue/before_list.html"
    search_fields = ["title__holds", "description__holds"]
    search_help_text = gettext_lazy("Title or description")
    ordering = ["-reported_at", "-id"]
    date_hierarchy = "reported_at"
    paginator = CappedPaginator
    actions = [
        "approve_selected",
        "reject_selected",
        "merge_into_oldest",
        "merge_into",
        "mark_not_duplicates",
        "mark_related",
        "reopen_selected",
    ]
    change_form_template = "admin/issues/issue/change_form.html"
    warn_unsaved_form = True

    class Media:
        js = ["admin/suggestions.js"]

    # Rows and forms

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        exports = Issue._meta.get_field("exports").related_model  # the next app, not imported here
        rows = changelist.result_list.prefetch_related(
            Prefetch("exports", exports._default_manager.only("issue_id", "status", "is_failure"))
        )
        counts = dict(
            Issue.objects.filter(pk__in=[row.pk for row in rows])
            .annotate(reports=Count("evidence"))
            .values_list("pk", "reports")
        )
        found = suggestions_for(rows, at_least=LIKELY)
        for row in rows:
            row.suggestions = found.get(row.pk, [])
            row.report_count = counts.get(row.pk, 0)
            row.is_decidable = self.has_decide_permission(request)
        changelist.result_list = rows
        return changelist

    def get_fieldsets(self, request: HttpRequest, obj: Issue | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["project", *EDITABLE]})]
        may_change = self.has_change_permission(request, obj)
        found = ["project", "state", "sureness", "reported_at", "came_from"]
        found += ["found_in_text", "label_list"]
        if obj.duplicate_of_id:
            found.append("original_issue")
        named = (gettext_lazy("Named in the reports"), {"classes": ["collapse"], "fields": NAMED})
        return [
            (None, {"fields": [*EDITABLE, *(["reason"] if may_change else [])]}),
            (gettext_lazy("Found"), {"fields": found}),
            *([named] if may_change else []),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Issue | None = None) -> list[str]:
        computed = [
            "state",
            "sureness",
            "came_from",
            "found_in_text",
            "label_list",
            "original_issue",
        ]
        return ["project", "reported_at", *computed] if obj else computed

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through the model's own verbs, so that the history knows who and why."""
        data = form.cleaned_data
        if change:
            fresh = Issue.objects.get(pk=obj.pk)
            correct(fresh, form.changes(), by=request.user, reason=data.get("reason", ""))
            return
        values = {name: data[name] for name in ("project", *EDITABLE)}
        obj.pk = open_by_hand(**values, origin="admin", by=request.user).pk
        obj.refresh_from_db()

    # Pages

    def changelist_address(self) -> str:
        return reverse("admin:issues_issue_changelist")

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            *self.pair_urls(),
            path(
                "<int:issue_id>/decide/<str:verb>/",
                wrap(require_POST(self.decide_view)),
                name="issues_issue_decide",
            ),
            path(
                "<int:issue_id>/unlock/<str:field>/",
                wrap(require_POST(self.unlock_view)),
                name="issues_issue_unlock",
            ),
            path(
                "<int:issue_id>/ask_for_words/",
                wrap(require_POST(self.ask_for_words_view)),
                name="issues_issue_ask_for_words",
            ),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        issue = context.get("original")
        if issue is not None:
            may_decide = self.has_decide_permission(request)
            before = request.GET.get("before", "")
            context |= context_of(issue, may_decide=may_decide, before=before)
            context["evidence"] = in_full(issue, context["evidence"])
            context["just_merged"] = request.GET.get("merged", "").split(",")
        return super().render_change_form(request, context, *args, **kw)

    def decide_view(self, request: HttpRequest, issue_id: int, verb: str) -> HttpResponse:
        issue = self.deciding(request, issue_id)
        if issue is None or verb not in VERBS:
            return self.gone(request, issue_id)
        decide(request, [issue], verb, reason=request.POST.get("reason", "")[:500])
        return back_or_to(request, page_of(issue))

    def unlock_view(self, request: HttpRequest, issue_id: int, field: str) -> HttpResponse:
        issue = self.deciding(request, issue_id)
        if issue is None:
            return self.gone(request, issue_id)
        run(request, [issue], lambda chosen: unlock(chosen, field, by=request.user))
        return HttpResponseRedirect(page_of(issue))

    def ask_for_words_view(self, request: HttpRequest, issue_id: int) -> HttpResponse:
        issue = self.deciding(request, issue_id)
        if issue is None:
            return self.gone(request, issue_id)
        if ask_again(issue):
            self.message_user(request, _("A model is asked for the words."), messages.SUCCESS)
        else:
            text = _("No model can be asked for the words of this issue now.")
            self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(page_of(issue))

    # Actions

    @admin.action(description=gettext_lazy("Approve"), permissions=["decide"])
    def approve_selected(self, request: HttpRequest, queryset: QuerySet[Issue]) -> None:
        decide(request, queryset, "approve")

    @admin.action(description=gettext_lazy("Reject"), permissions=["decide"])
    def reject_selected(self, request: HttpRequest, queryset: QuerySet[Issue]) -> None:
        decide(request, queryset, "reject")

    @admin.action(description=gettext_lazy("Reopen"), permissions=["decide"])
    def reopen_selected(self, request: HttpRequest, queryset: QuerySet[Issue]) -> None:
        decide(request, queryset, "reopen")
