"""Reviews of days: the list, a page for each, one to print, and the buttons."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.issues.admin.day_report import report_of
from apps.issues.analysis import analyse, may_be_posted, neighbours, send_to_chat, today, yesterday
from apps.issues.models import DayAnalysis
from apps.sources.admin.display import badge
from apps.sources.admin.scope import ProjectScopedAdmin, VisibleRelatedFilter, back_or_to, page_of
from apps.sources.api.days import SENSIBLE
from apps.sources.models import Project
from tasktracker.lib.workflow import LostRace, WrongTransition

STATUS_COLOURS = {"posted": "success", "failed": "danger", "wording": "info", "posting": "info"}


class DayForm(forms.Form):
    """Which day of which project."""

    project = forms.ModelChoiceField(Project.objects.none(), label=gettext_lazy("Project"))
    day = forms.DateField(
        label=gettext_lazy("Day"),
        validators=SENSIBLE,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = Project.visible_to(user)
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]
        first = projects.first()
        if first is not None:
            self.initial = {"project": first.pk, "day": yesterday(first), **self.initial}

    def clean(self) -> dict[str, Any]:
        """A day that has not begun in its project's zone has nothing to count."""
        data = super().clean() or self.cleaned_data
        project, day = data.get("project"), data.get("day")
        if project is not None and day is not None and day > today(project):
            raise forms.ValidationError(_("This day has not begun yet."))
        return data


@admin.register(DayAnalysis)
class DayAnalysisAdmin(ProjectScopedAdmin):
    list_display = [
        "day",
        "project",
        "messages_total",
        "new_total",
        "growing_total",
        "overdue_total",
        "silent_total",
        "state",
    ]
    list_filter = [("project", VisibleRelatedFilter), ("status", ChoicesDropdownFilter)]
    list_select_related = ["project"]
    list_before_template = "admin/issues/dayanalysis/analyse.html"
    date_hierarchy = "day"
    ordering = ["-day", "project"]

    # Who sees issues sees what is said about them.

    def has_view_permission(self, request: HttpRequest, obj: DayAnalysis | None = None) -> bool:
        return bool(request.user.has_perm("issues.view_issue"))

    def has_change_permission(self, request: HttpRequest, obj: DayAnalysis | None = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_analyse_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("issues.change_issue"))

    # The list

    @display(description=gettext_lazy("messages"))
    def messages_total(self, analysis: DayAnalysis) -> int:
        return int(analysis.figures["messages"]["total"])

    @display(description=gettext_lazy("new"))
    def new_total(self, analysis: DayAnalysis) -> int:
        return int(analysis.figures["totals"]["new"])

    @display(description=gettext_lazy("growing"))
    def growing_total(self, analysis: DayAnalysis) -> int:
        return int(analysis.figures["totals"]["growing"])

    @display(description=gettext_lazy("overdue"))
    def overdue_total(self, analysis: DayAnalysis) -> Any:
        return _alarm(analysis.figures["totals"]["overdue"])

    @display(description=gettext_lazy("left alone"))
    def silent_total(self, analysis: DayAnalysis) -> Any:
        return _alarm(analysis.figures["totals"]["silent"])

    @display(description=gettext_lazy("status"), ordering="status")
    def state(self, analysis: DayAnalysis) -> str:
        return badge(analysis.get_status_display(), STATUS_COLOURS.get(analysis.status, ""))

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        form = DayForm(user=request.user) if self.has_analyse_permission(request) else None
        return super().changelist_view(request, {**(extra_context or {}), "day_form": form})

    # Pages

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "analyse/",
                wrap(require_POST(self.analyse_view)),
                name="issues_dayanalysis_analyse",
            ),
            path(
                "<int:analysis_id>/post/",
                wrap(require_POST(self.post_view)),
                name="issues_dayanalysis_post",
            ),
            path(
                "<int:analysis_id>/print/",
                wrap(self.print_view),
                name="issues_dayanalysis_print",
            ),
            *super().get_urls(),
        ]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        analysis = self.get_object(request, unquote(object_id))
        if not self.has_view_permission(request, analysis):
            raise PermissionDenied
        if analysis is None:
            return self.gone(request, object_id)
        may_analyse = self.has_analyse_permission(request)
        context = {
            **self.admin_site.each_context(request),
            **report_of(analysis),
            **neighbours(analysis),
            "title": str(analysis),
            "opts": self.opts,
            "original": analysis,
            "is_print": False,
            "may_analyse": may_analyse,
            "may_post": may_analyse and may_be_posted(analysis),
        }
        return TemplateResponse(request, "admin/issues/dayanalysis/page.html", context)

    def print_view(self, request: HttpRequest, analysis_id: int) -> HttpResponse:
        """The report alone, on white."""
        analysis = self._seen(request, analysis_id)
        if analysis is None:
            return self.gone(request, analysis_id)
        context = {**report_of(analysis), "original": analysis, "is_print": True}
        return render(request, "admin/issues/dayanalysis/print.html", context)

    def analyse_view(self, request: HttpRequest) -> HttpResponse:
        back = reverse("admin:issues_dayanalysis_changelist")
        if not self.has_analyse_permission(request):
            raise PermissionDenied
        form = DayForm(request.POST, user=request.user)
        if not form.is_valid():
            words = " ".join(map(str, form.non_field_errors()))
            messages.error(request, words or _("Choose a project of yours and a day."))
            return back_or_to(request, back)
        analysis = analyse(form.cleaned_data["project"], form.cleaned_data["day"])
        messages.success(request, _("The day is analysed."))
        return HttpResponseRedirect(page_of(analysis))

    def post_view(self, request: HttpRequest, analysis_id: int) -> HttpResponse:
        analysis = self._seen(request, analysis_id)
        if analysis is None or not self.has_analyse_permission(request):
            return self.gone(request, analysis_id)
        try:
            if not may_be_posted(analysis):
                raise WrongTransition("post")
            send_to_chat(analysis)
        except (LostRace, WrongTransition):
            messages.warning(request, _("It cannot be posted now."))
        else:
            messages.success(request, _("It goes to the chat."))
        return HttpResponseRedirect(page_of(analysis))

    def _seen(self, request: HttpRequest, analysis_id: int) -> DayAnalysis | None:
        if not self.has_view_permission(request):
            return None
        rows = self.get_queryset(request).select_related("project")
        found: DayAnalysis | None = rows.filter(pk=analysis_id).first()
        return found


def _alarm(number: int) -> Any:
    return badge(number, "danger") if number else 0
