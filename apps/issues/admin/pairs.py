"""What people say of two issues in the admin, and of the reports that are in the wrong one."""

from collections.abc import Iterable
from functools import partial
from itertools import combinations
from typing import Any
from urllib.parse import urlsplit

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import DropdownFilter

from apps.issues import decisions
from apps.issues.admin.decide import decide, merge_all, run, tell_lost
from apps.issues.admin.merge import MOST, ask_to_merge, merge_page
from apps.issues.admin.reference import find_issue
from apps.issues.conversation import detach
from apps.issues.models import Issue, Relation
from apps.issues.suggestions import with_suggestions
from apps.messages.models import Message
from apps.sources.admin.scope import ProjectScopedAdmin, back_or_to, page_of

MOST_PAIRED = 10  # 45 pairs, each with a line in two histories
SAID = {"not_duplicate": decisions.not_duplicate, "related": decisions.related}


class SuggestionsFilter(DropdownFilter):  # type: ignore[misc]
    """Issues of which the duplicate search asks something that nobody has answered yet."""

    title = gettext_lazy("suggestions")
    parameter_name = "suggested"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Has suggestions"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Issue]) -> QuerySet[Issue]:
        return with_suggestions(queryset) if self.value() == "yes" else queryset


class PairPages(ProjectScopedAdmin):
    """Addresses and actions about two issues, for the admin of issues to build upon."""

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("issues.change_issue"))

    def deciding(self, request: HttpRequest, issue_id: int) -> Issue | None:
        """The issue, if this person sees it and may decide about it."""
        if not self.has_decide_permission(request):
            return None
        found: Issue | None = self.get_queryset(request).filter(pk=issue_id).first()
        return found

    def pair_urls(self) -> list[URLPattern]:
        def address(route: str, view: Any, name: str) -> URLPattern:
            wrapped = self.admin_site.admin_view(require_POST(view))
            made: URLPattern = path(f"<int:issue_id>/{route}", wrapped, name=f"issues_issue_{name}")
            return made

        return [
            path("merge/", self.admin_site.admin_view(self.merge_view), name="issues_issue_merge"),
            address("merge_into/<int:into_id>/", self.merge_suggested_view, "merge_suggested"),
            address("say/", self.say_view, "say"),
            address("say/<str:kind>/<int:other_id>/", self.say_of_view, "say_of"),
            address("take_back/<str:kind>/<int:other_id>/", self.take_back_view, "take_back"),
            address("split/", self.split_checked_view, "split_checked"),
            address("split/<int:message_id>/", self.split_view, "split"),
            address("detach/<int:message_id>/", self.detach_view, "detach"),
            address("undo_merges/", self.undo_merges_view, "undo_merges"),
        ]

    # Pages

    def merge_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_decide_permission(request):
            return self.gone(request, "")
        return merge_page(self, request)

    def merge_suggested_view(
        self, request: HttpRequest, issue_id: int, into_id: int
    ) -> HttpResponse:
        """Accept a suggestion; what was closed is back."""
        issue, into = self.deciding(request, issue_id), self.deciding(request, into_id)
        if issue is None or into is None:
            return self.gone(request, issue_id)
        reason = _reason(request)
        if merge_all(request, [issue], into=into, reason=reason, is_back=True):
            return ask_to_merge([issue], into, reason=reason, is_back=True)
        return _after(request, issue, into if issue.duplicate_of_id else issue)

    def say_view(self, request: HttpRequest, issue_id: int) -> HttpResponse:
        """One of three things about an issue whose number or address was pasted."""
        issue = self.deciding(request, issue_id)
        if issue is None:
            return self.gone(request, issue_id)
        said, visible = request.POST.get("other", ""), self.get_queryset(request)
        other = find_issue(said, visible, host=request.get_host())
        reason = _reason(request)
        kind = request.POST.get("kind", "")
        if other is None:
            messages.error(request, _("There is no such issue."))
        elif kind == "merge":
            if merge_all(request, [issue], into=other, reason=reason, is_back=True):
                return ask_to_merge([issue], other, reason=reason, is_back=True)
            return HttpResponseRedirect(page_of(other if issue.duplicate_of_id else issue))
        elif kind in SAID:
            self._say(request, issue, other, kind, reason=reason)
        return HttpResponseRedirect(page_of(issue))

    def say_of_view(
        self, request: HttpRequest, issue_id: int, kind: str, other_id: int
    ) -> HttpResponse:
        """Not a duplicate, or related: of a suggestion."""
        issue, other = self.deciding(request, issue_id), self.deciding(request, other_id)
        if issue is None or other is None or kind not in SAID:
            return self.gone(request, issue_id)
        self._say(request, issue, other, kind, reason=_reason(request))
        return back_or_to(request, page_of(issue))

    def take_back_view(
        self, request: HttpRequest, issue_id: int, kind: str, other_id: int
    ) -> HttpResponse:
        issue, other = self.deciding(request, issue_id), self.deciding(request, other_id)
        if issue is None or other is None or kind not in Relation.Kind.values:
            return self.gone(request, issue_id)
        reason = _reason(request)
        taken = decisions.take_back(issue, other, by=request.user, kind=kind, reason=reason)
        if taken:
            messages.success(request, _("Taken back; the history keeps both."))
        else:
            messages.warning(request, _("Nobody says this of these two any more."))
        return HttpResponseRedirect(page_of(issue))

    def split_view(self, request: HttpRequest, issue_id: int, message_id: int) -> HttpResponse:
        return self._split(request, issue_id, [message_id])

    def split_checked_view(self, request: HttpRequest, issue_id: int) -> HttpResponse:
        """The checked reports, together, into one new issue."""
        checked = request.POST.getlist("messages")
        numbers = [int(part) for part in checked if _is_number(part)]
        if not numbers:
            messages.warning(request, _("Check the reports that are about something else."))
            return HttpResponseRedirect(reverse("admin:issues_issue_change", args=[issue_id]))
        return self._split(request, issue_id, numbers)

    def detach_view(self, request: HttpRequest, issue_id: int, message_id: int) -> HttpResponse:
        """What only adds to a report opens no issue when it is about something else."""
        issue = self.deciding(request, issue_id)
        if issue is None:
            return self.gone(request, issue_id)
        message = Message.objects.filter(pk=message_id, evidence__issue=issue_id).first()
        if message is None:
            tell_lost(request, issue)
        else:
            reason = _reason(request)
            run(request, [issue], lambda _issue: detach(message, by=request.user, reason=reason))
        return HttpResponseRedirect(page_of(issue))

    def undo_merges_view(self, request: HttpRequest, issue_id: int) -> HttpResponse:
        """The checked ones of what was merged into the issue stand by themselves again."""
        issue = self.deciding(request, issue_id)
        if issue is None:
            return self.gone(request, issue_id)
        checked = [part for part in request.POST.getlist("issues") if _is_number(part)]
        merged = issue.duplicates.filter(pk__in=checked).order_by("-pk")
        if not merged:
            messages.warning(request, _("Check the issues that are about something else."))
        decide(request, merged, "undo_merge", reason=_reason(request))
        return HttpResponseRedirect(page_of(issue))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """What others were merged into has their reports: it cannot go before them."""
        issue = self.get_object(request, object_id)
        if issue is not None and issue.duplicates.exists():
            text = _("#%(id)s has the reports of its duplicates: undo those merges first.")
            messages.error(request, text % {"id": issue.pk})
            return HttpResponseRedirect(page_of(issue))
        deleted: HttpResponse = super().delete_view(request, object_id, extra_context)
        return deleted

    def _split(self, request: HttpRequest, issue_id: int, numbers: list[int]) -> HttpResponse:
        issue = self.deciding(request, issue_id)
        if issue is None:
            return self.gone(request, issue_id)
        leaving = list(Message.objects.filter(pk__in=numbers, evidence__issue=issue_id))
        if len(leaving) < len(set(numbers)):
            tell_lost(request, issue)
        if not leaving:
            return HttpResponseRedirect(page_of(issue))
        reason = _reason(request)
        made: list[Issue] = []

        def press(old: Issue) -> None:
            made.append(
                decisions.split_together(leaving, out_of=old, by=request.user, reason=reason)
            )

        run(request, [issue], press)
        return HttpResponseRedirect(page_of(made[0] if made else issue))

    def _say(
        self, request: HttpRequest, issue: Issue, other: Issue, kind: str, *, reason: str = ""
    ) -> None:
        press = partial(SAID[kind], other=other, by=request.user, reason=reason)
        if run(request, [issue], press, is_told=False):
            told = {
                "not_duplicate": _("#%(id)s and #%(other)s: not duplicates, from now on for good."),
                "related": _("#%(id)s and #%(other)s are related."),
            }[kind]
            messages.success(request, told % {"id": issue.pk, "other": other.pk})

    # Actions

    @admin.action(description=gettext_lazy("Merge into the oldest of them"), permissions=["decide"])
    def merge_into_oldest(
        self, request: HttpRequest, queryset: QuerySet[Issue]
    ) -> HttpResponse | None:
        """The page that asks whether this is meant, of which, and why."""
        issues = _chosen(request, queryset)
        return ask_to_merge(issues[1:], issues[0]) if issues else None

    @admin.action(description=gettext_lazy("Merge into…"), permissions=["decide"])
    def merge_into(self, request: HttpRequest, queryset: QuerySet[Issue]) -> HttpResponse:
        return ask_to_merge(queryset[:MOST])

    @admin.action(description=gettext_lazy("Not duplicates of each other"), permissions=["decide"])
    def mark_not_duplicates(self, request: HttpRequest, queryset: QuerySet[Issue]) -> None:
        self._say_of_all(request, queryset, "not_duplicate")

    @admin.action(description=gettext_lazy("Related to each other"), permissions=["decide"])
    def mark_related(self, request: HttpRequest, queryset: QuerySet[Issue]) -> None:
        self._say_of_all(request, queryset, "related")

    def _say_of_all(self, request: HttpRequest, queryset: QuerySet[Issue], kind: str) -> None:
        issues = _chosen(request, queryset)
        if len(issues) > MOST_PAIRED:
            text = _("Select at most %(n)d issues: it is said of every two of them.")
            messages.warning(request, text % {"n": MOST_PAIRED})
            return
        say = SAID[kind]
        done = 0
        for issue, other in combinations(issues, 2):
            press = partial(say, other=other, by=request.user)
            done += run(request, [issue], press, is_told=False)
        told = ngettext("Said of %(n)d pair.", "Said of %(n)d pairs.", done)
        if done:
            messages.success(request, told % {"n": done})


def _is_number(part: str) -> bool:
    return part.isdecimal() and len(part) < 19


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "")[:500]


def _chosen(request: HttpRequest, queryset: QuerySet[Issue]) -> list[Issue]:
    """The selected issues, the oldest first; at least two."""
    issues = list(queryset.order_by("reported_at", "pk"))
    if len(issues) < 2:
        messages.warning(request, _("Select at least two issues."))
        return []
    return issues


def _after(request: HttpRequest, issue: Issue, following: Issue) -> HttpResponse:
    """On from the issue's own page; back to a list whose button was pressed."""
    came_from = urlsplit(request.META.get("HTTP_REFERER", "")).path
    if came_from.endswith(page_of(issue)) or not came_from:
        return HttpResponseRedirect(page_of(following))
    return back_or_to(request, page_of(following))


def addresses_of(issue: Issue, others: Iterable[Issue]) -> list[dict[str, str]]:
    """Where the buttons of each suggestion lead."""
    return [
        {
            "merge": reverse("admin:issues_issue_merge_suggested", args=[issue.pk, other.pk]),
            **{
                kind: reverse("admin:issues_issue_say_of", args=[issue.pk, kind, other.pk])
                for kind in SAID
            },
        }
        for other in others
    ]
