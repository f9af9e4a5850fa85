"""The simulator's page: what other thresholds would have done, and the button that keeps them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.issues.comparison import check_thresholds, thresholds_of
from apps.issues.dedup.levels import Thresholds, calibration
from apps.issues.what_if import Figures, WhatIf, what_if
from apps.sources.admin.display import percent, rounded
from apps.sources.models import Project

PERIODS = (7, 14, 30, 90, 365)  # days
DAYS = 30
#: Reports that are filed again on the page, so that it answers in seconds. The command has no limit.
LIMIT = 500
PATIENCE = 8.0  # seconds, after which the table gets no further rows


class SimulatorForm(forms.Form):
    """Which thresholds, for which project. Numbers are plain: a browser sends them with a dot."""

    project = forms.ModelChoiceField(
        Project.objects.none(), to_field_name="slug", label=gettext_lazy("Project")
    )
    days = forms.TypedChoiceField(
        choices=[(str(days), str(days)) for days in PERIODS],
        coerce=int,
        required=False,
        label=gettext_lazy("Days up to the newest report"),
    )
    merge = forms.FloatField(min_value=0, max_value=1, label=gettext_lazy("Merge at"))
    suggest = forms.FloatField(min_value=0, max_value=1, label=gettext_lazy("Suggest at"))

    def __init__(self, *args: Any, projects: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        merge, suggest = data.get("merge"), data.get("suggest")
        if merge is not None and suggest is not None:
            check_thresholds(self.thresholds)
        return data

    @property
    def complaints(self) -> list[str]:
        """Each error with the name of its field."""
        return [
            f"{self.fields[name].label}: {error}" if name in self.fields else str(error)
            for name, errors in self.errors.items()
            for error in errors
        ]

    @property
    def thresholds(self) -> Thresholds:
        data = self.cleaned_data
        return Thresholds(merge=data["merge"], suggest=data["suggest"])


class Row(NamedTuple):
    """One figure, as it is and as it would be."""

    title: Any
    today: str
    chosen: str


class Point(NamedTuple):
    """One merge threshold of the curve. `width` is for a style sheet."""

    figures: Figures
    merge: str
    width: str
    link: str
    is_chosen: bool
    is_today: bool
    precision: str
    recall: str


def simulated(request: HttpRequest) -> dict[str, Any]:
    """Context of the page: the form alone at first, the answer when thresholds were asked for."""
    projects = _projects(request)
    project = projects.filter(slug=request.GET.get("project", "")).first() or projects.first()
    context: dict[str, Any] = {
        "title": _("Simulator of duplicates"),
        "projects": projects,
        "project": project,
        "periods": PERIODS,
        "limit": LIMIT,
        "found": None,
        "errors": [],
    }
    if project is None:
        return context
    today = thresholds_of(project)
    values: dict[str, Any] = {
        "days": DAYS,
        "merge": _plain(today.merge),
        "suggest": _plain(today.suggest),
    }
    form = None
    if "merge" in request.GET:
        form = SimulatorForm(request.GET, projects=projects)
        values |= {name: request.GET.get(name, "") for name in ("merge", "suggest")}
        if form.is_valid():
            values["days"] = form.cleaned_data["days"] or DAYS
            found = what_if(
                project, form.thresholds, days=values["days"], limit=LIMIT, patience=PATIENCE
            )
            context |= _answer(project, found, values)
        else:
            context["errors"] = form.complaints
    calibrated = calibration().judged
    return context | {
        "values": values,
        "today": today,
        "calibrated": calibrated,
        "is_overridden": project.merge_threshold is not None
        or project.suggest_threshold is not None,
    }


def save(request: HttpRequest) -> HttpResponseRedirect:
    """Keep these thresholds for the project, or go back to the calibrated ones."""
    projects = _projects(request)
    project = projects.filter(slug=request.POST.get("project", "")).first()
    if project is None:
        raise PermissionDenied
    back = _address(project=project.slug)
    if "calibrated" in request.POST:
        _keep(request, project, None, None)
        messages.success(request, _("The calibrated thresholds decide again."))
        return HttpResponseRedirect(back)
    form = SimulatorForm(request.POST, projects=projects)
    if not form.is_valid():
        for complaint in form.complaints:
            messages.error(request, complaint)
        return HttpResponseRedirect(back)
    _keep(request, project, form.thresholds.merge, form.thresholds.suggest)
    messages.success(request, _("These thresholds decide from now on."))
    return HttpResponseRedirect(back)


def _projects(request: HttpRequest) -> Any:
    if not request.user.has_perm("sources.change_project"):
        raise PermissionDenied
    return Project.visible_to(request.user).order_by("name")


def _keep(
    request: HttpRequest, project: Project, merge: float | None, suggest: float | None
) -> None:
    """Set the override; the project's history says who did."""
    project.merge_threshold, project.suggest_threshold = merge, suggest
    project.save(update_fields=["merge_threshold", "suggest_threshold"])
    # Stored in English: Django translates the names of fields when it shows them.
    changed = {"fields": ["merge at", "suggest at"]}
    LogEntry.objects.log_actions(
        cast(int, request.user.pk), [project], CHANGE, change_message=[{"changed": changed}]
    )


def _answer(project: Project, found: WhatIf, values: dict[str, Any]) -> dict[str, Any]:
    return {
        "found": found,
        "rows": _rows(found),
        "curve": _curve(project, found, values),
        "lists": [
            (gettext_lazy("Merged more"), found.gained, found.gained_count),
            (gettext_lazy("Merged no more"), found.lost, found.lost_count),
            (
                gettext_lazy("False merges: people told these apart"),
                found.false,
                len(found.chosen.agreement.false),
            ),
            (
                gettext_lazy("Missed: people merged these by hand"),
                found.missed,
                len(found.chosen.agreement.missed),
            ),
        ],
    }


def _rows(found: WhatIf) -> list[Row]:
    today, chosen = found.today, found.chosen
    figures: list[tuple[Any, Callable[[Figures], str]]] = [
        (gettext_lazy("Merge at"), lambda one: rounded(one.merge, 3)),
        (gettext_lazy("Suggest at"), lambda one: rounded(one.suggest, 3)),
        (gettext_lazy("New issues"), lambda one: str(one.issues)),
        (gettext_lazy("Reports merged automatically"), lambda one: str(one.merged)),
        (
            gettext_lazy("Suggestions per report"),
            lambda one: rounded(one.suggestions_per_report, 2),
        ),
        (gettext_lazy("Precision against people"), lambda one: percent(one.agreement.precision)),
        (gettext_lazy("Recall against people"), lambda one: percent(one.agreement.recall)),
        (gettext_lazy("False merges"), lambda one: str(len(one.agreement.false))),
        (gettext_lazy("Missed merges"), lambda one: str(len(one.agreement.missed))),
    ]
    return [Row(title, tell(today) or "–", tell(chosen) or "–") for title, tell in figures]


def _curve(project: Project, found: WhatIf, values: dict[str, Any]) -> Sequence[Point]:
    most = max((row.issues for row in found.curve), default=0) or 1
    return [
        Point(
            figures=row,
            merge=rounded(row.merge, 3),
            width=f"{100 * row.issues / most:.1f}",
            link=_address(
                project=project.slug,
                days=values["days"],
                merge=_plain(row.merge),
                suggest=_plain(row.suggest),
            ),
            is_chosen=row.merge == found.chosen.merge,
            is_today=row.merge == found.today.merge,
            precision=percent(row.agreement.precision) or "–",
            recall=percent(row.agreement.recall) or "–",
        )
        for row in found.curve
    ]


def _address(**values: Any) -> str:
    return f"{reverse('admin:simulator')}?{urlencode(values)}"


def _plain(number: float) -> str:
    """For a number field, which reads a dot in every language."""
    return f"{number:.4f}".rstrip("0").rstrip(".")
