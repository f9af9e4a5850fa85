"""The page on which a person says what some issues are duplicates of."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from apps.issues.admin.decide import can_be_merged, merge_all
from apps.issues.admin.reference import LONGEST, find_issue
from apps.issues.merging import CannotMerge, ToldApart, check_merge
from apps.issues.models import Issue, Relation
from apps.issues.relations import between, forms_of
from apps.issues.suggestions import Suggestion, suggestions_for
from apps.sources.admin.scope import page_of

SUGGESTED = 10
MOST = 500


class MergeForm(forms.Form):
    """Takes an id (12, #12), the address of an issue's page, or that of its task in a tracker."""

    into = forms.CharField(
        label=gettext_lazy("Number or address of the issue"),
        widget=UnfoldAdminTextInputWidget({"autofocus": True, "placeholder": "#123"}),
        help_text=gettext_lazy("Ours, or that of its task in a tracker. This one stays."),
        max_length=LONGEST,
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"), widget=UnfoldAdminTextInputWidget, max_length=500, required=False
    )
    is_back = forms.BooleanField(
        label=gettext_lazy("If it is closed: it is back, reopen it"),
        widget=UnfoldBooleanWidget,
        required=False,
        initial=True,
    )

    def __init__(
        self, *args: Any, issues: list[Issue], visible: QuerySet[Issue], host: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.issues, self.visible, self.host = issues, visible, host

    def clean_into(self) -> Issue:
        issue = find_issue(self.cleaned_data["into"], self.visible, host=self.host)
        if issue is None:
            raise forms.ValidationError(_("There is no such issue."))
        others = [one for one in self.issues if one != issue]
        if not any(one.project_id == issue.project_id for one in others):
            try:
                check_merge(others[0] if others else issue, issue)
            except CannotMerge as error:
                raise forms.ValidationError(str(error)) from error
        return issue


def merge_page(model_admin: Any, request: HttpRequest) -> HttpResponse:
    """Ask into what, and do it; the issues are named by `ids`."""
    visible = model_admin.get_queryset(request)
    asked = request.POST if request.method == "POST" else request.GET
    ids = [int(part) for part in asked.get("ids", "").split(",") if part.isdecimal()][:MOST]
    issues = list(
        visible.filter(pk__in=[pk for pk in ids if pk < 2**63]).order_by("reported_at", "pk")
    )
    back = model_admin.changelist_address()
    if not issues:
        messages.error(request, _("There is no such issue."))
        return HttpResponseRedirect(back)
    if request.method == "POST":
        form = MergeForm(request.POST, issues=issues, visible=visible, host=request.get_host())
        if form.is_valid():
            return _merge(request, issues, form.cleaned_data, back)
    else:
        named: dict[str, Any] = {
            name: request.GET[name] for name in ("into", "reason") if name in request.GET
        }
        named["is_back"] = request.GET.get("is_back") != "off"
        form = MergeForm(initial=named, issues=issues, visible=visible, host=request.get_host())
    into = find_issue(asked.get("into", ""), visible, host=request.get_host())
    context = {
        **model_admin.admin_site.each_context(request),
        "title": _("Merge into…"),
        "opts": model_admin.opts,
        "issues": issues,
        "ids": ",".join(str(issue.pk) for issue in issues),
        "stuck": [issue for issue in issues if not can_be_merged(issue)],
        "suggestions": _suggestions(issues),
        "into": into,
        "told_apart": _told_apart(issues, into),
        "form": form,
        "media": model_admin.media,
    }
    return render(request, "admin/issues/issue/merge.html", context)


def ask_to_merge(
    issues: Iterable[Issue], into: Issue | None = None, *, reason: str = "", is_back: bool = False
) -> HttpResponseRedirect:
    """The merge page; it also offers to take back what somebody said of these, and then to merge."""
    said = {"ids": ",".join(str(issue.pk) for issue in issues)}
    if into is not None:
        said |= {"into": str(into.pk), "reason": reason, "is_back": "on" if is_back else "off"}
    query = urlencode(said)
    return HttpResponseRedirect(f"{reverse('admin:issues_issue_merge')}?{query}")


def _merge(
    request: HttpRequest, issues: list[Issue], said: dict[str, Any], back: str
) -> HttpResponse:
    into = said["into"]
    others = [issue for issue in issues if issue != into] or issues
    apart = merge_all(
        request,
        others,
        into=into,
        reason=said["reason"],
        is_back=said["is_back"],
        despite="despite" in request.POST,
    )
    if apart:
        return ask_to_merge(apart, into, reason=said["reason"], is_back=said["is_back"])
    return HttpResponseRedirect(page_of(into) if len(issues) == 1 else back)


def _suggestions(issues: list[Issue]) -> list[Suggestion]:
    """The best of what the search thought of each, without those that are chosen already."""
    chosen = {issue.pk for issue in issues}
    best: dict[int, Suggestion] = {}
    found = suggestions_for(issues, limit=SUGGESTED).values()
    for each in sorted((each for rows in found for each in rows), key=lambda row: -row.match.score):
        if each.issue.pk not in chosen:
            best.setdefault(each.issue.pk, each)
    return list(best.values())[:SUGGESTED]


def _told_apart(issues: list[Issue], into: Issue | None) -> list[str]:
    """Who said of which of these that they are not duplicates, in sentences."""
    if into is None:
        return []
    facing = _facing(into)
    said = [(issue, between(issue, into).first()) for issue in issues if issue.pk in facing]
    return [str(ToldApart(issue, into, relation)) for issue, relation in said if relation]


def _facing(into: Issue) -> set[int]:
    """The few issues of which anything may have been said together with this one."""
    family = [into.pk, *into.duplicates.values_list("pk", flat=True)]
    ours = list(forms_of(into.evidence.values_list("message", flat=True)))
    by_name = Q(issue__in=family) | Q(other__in=family)
    rows = Relation.objects.filter(
        by_name | Q(messages__overlap=ours) | Q(other_messages__overlap=ours),
        kind=Relation.Kind.APART,
    )
    named, numbers = set(), set()
    for relation in rows:
        named |= {relation.issue_id, relation.other_id}
        numbers |= {*relation.messages, *relation.other_messages}
    either = Q(pk__in=named) | Q(evidence__message__in=forms_of(numbers))
    found = Issue.objects.filter(either).values_list("pk", "duplicate_of")
    return {original or pk for pk, original in found} - {into.pk}
