"""The page on which a person says what some issues are duplicates of."""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.issues.admin.decide import can_be_merged, merge_all
from apps.issues.models import Issue, Match
from apps.sources.admin.scope import page_of

_NUMBER = re.compile(r"(?:^|#|/issue/|/tasks/)(\d{1,18})(?:/|$|\D)")
SUGGESTED = 10


class MergeForm(forms.Form):
    """Takes an id (12, #12) or the address of an issue's page."""

    into = forms.CharField(
        label=gettext_lazy("Number or address of the issue"),
        widget=UnfoldAdminTextInputWidget({"autofocus": True, "placeholder": "#123"}),
        max_length=500,
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"), widget=UnfoldAdminTextInputWidget, max_length=500, required=False
    )

    def __init__(self, *args: Any, visible: QuerySet[Issue], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.visible = visible

    def clean_into(self) -> Issue:
        found = _NUMBER.search(self.cleaned_data["into"].strip())
        issue = self.visible.filter(pk=found.group(1)).first() if found else None
        if issue is None:
            raise forms.ValidationError(_("There is no such issue."))
        return issue


def merge_page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Ask into what, and do it; the issues are named by `ids`."""
    visible = model_admin.get_queryset(request)
    asked = request.POST if request.method == "POST" else request.GET
    ids = [int(part) for part in asked.get("ids", "").split(",") if part.isdecimal()][:500]
    issues = list(visible.filter(pk__in=ids).order_by("reported_at", "pk"))
    back = model_admin.changelist_address()
    if not issues:
        messages.error(request, _("There is no such issue."))
        return HttpResponseRedirect(back)
    form = MergeForm(request.POST or None, visible=visible)
    if request.method == "POST" and form.is_valid():
        into = form.cleaned_data["into"]
        others = [issue for issue in issues if issue != into] or issues
        merge_all(request, others, into=into, reason=form.cleaned_data["reason"])
        return HttpResponseRedirect(page_of(into) if len(issues) == 1 else back)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Merge into…"),
        "opts": model_admin.opts,
        "issues": issues,
        "ids": ",".join(str(issue.pk) for issue in issues),
        "stuck": [issue for issue in issues if not can_be_merged(issue)],
        "suggestions": suggestions(issues, visible),
        "form": form,
        "media": model_admin.media,
    }
    return render(request, "admin/issues/issue/merge.html", context)


def suggestions(issues: list[Issue], visible: QuerySet[Issue]) -> list[Match]:
    """What the duplicate search thought of but was not sure of: the best match of each issue."""
    found = (
        Match.objects.filter(
            message__evidence__issue__in=issues,
            outcome=Match.Outcome.SUGGESTED,
            issue__in=visible,
        )
        .exclude(issue__in=issues)
        .exclude(issue__status=Issue.Status.DUPLICATE)
        .select_related("issue")
        .order_by("-score")
    )
    best: dict[int, Match] = {}
    for match in found[:200]:
        best.setdefault(match.issue_id, match)
    return list(best.values())[:SUGGESTED]
