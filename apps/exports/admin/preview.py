"""The exact task before it is sent, and the button that sends it; a task as a file."""

import json
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from apps.exports.feed import document_of
from apps.exports.models import ExportPolicy, Tracker
from apps.exports.preview import preview_of
from apps.exports.send import CannotSend, send, why_not
from apps.exports.trackers.base import Preview
from apps.issues.models import Issue
from apps.sources.adapters.base import reason_of
from apps.sources.admin.scope import ProjectScopedAdmin, page_of
from apps.sources.models import Project
from tasktracker.lib.secrets import CannotDecrypt
from tasktracker.lib.workflow import GiveUp, LostRace, TryLater, WrongTransition

TEMPLATE = "admin/exports/preview.html"
CANNOT_DECRYPT = gettext_lazy("The saved settings cannot be opened.")


class Shown(NamedTuple):
    """A preview for a page."""

    preview: Preview
    fields: list[tuple[str, str]]
    sent: str


class PreviewPages(ProjectScopedAdmin):
    """Put before the admin of exports."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "preview/<int:issue_id>/",
                view(require_http_methods(["GET", "HEAD", "POST"])(self.preview_page)),
                name="exports_taskexport_preview",
            ),
            path(
                "<int:export_id>/document/",
                view(require_GET(self.document)),
                name="exports_taskexport_document",
            ),
            *super().get_urls(),
        ]

    def document(self, request: HttpRequest, export_id: int) -> HttpResponse:
        """The task as JSON, made from our own rows."""
        export = self.get_object(request, str(export_id))
        if export is None or not self.has_view_permission(request, export):
            return self.gone(request, export_id)
        response = HttpResponse(document_of(export), content_type="application/json")
        response["Content-Disposition"] = f'attachment; filename="{export.uuid}.json"'
        return response

    def preview_page(self, request: HttpRequest, issue_id: int) -> HttpResponse:
        rows = Issue.objects.filter(project__in=Project.visible_to(request.user))
        issue = rows.select_related("project").filter(pk=issue_id).first()
        if issue is None or not self.has_view_permission(request):
            return self.gone(request, issue_id)
        trackers = list(
            Tracker.objects.filter(project=issue.project).defer("config", "credentials")
        )
        tracker = _chosen(request, issue, trackers)
        if request.method == "POST":
            return self._send(request, issue, tracker)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Task for issue %(id)s") % {"id": issue.pk},
            "opts": self.opts,
            "original": issue,
            "issue": issue,
            "issue_page": page_of(issue),
            "trackers": trackers,
            "tracker": tracker,
            "policy_page": reverse("admin:exports_exportpolicy_of", args=[issue.project_id]),
            **self._shown(request, issue, tracker),
            "media": self.media,
        }
        return render(request, TEMPLATE, context)

    def _shown(self, request: HttpRequest, issue: Issue, tracker: Tracker | None) -> dict[str, Any]:
        shown, trouble = None, ""
        try:
            shown = _for_page(preview_of(issue, tracker), tracker) if tracker else None
        except CannotDecrypt:
            trouble = str(CANNOT_DECRYPT)
        except (GiveUp, TryLater, LookupError) as error:
            trouble = str(error)
        except ValueError as error:
            trouble = reason_of(error)
        return {
            "shown": shown,
            "trouble": trouble,
            "why_not": why_not(issue, tracker) if tracker else "",
            "may_send": _may_send(request, issue),
            "is_new": issue.status == Issue.Status.NEW,
            "also": _also(issue, tracker),
            "export": issue.exports.filter(tracker=tracker).first(),
        }

    def _send(
        self, request: HttpRequest, issue: Issue, tracker: Tracker | None
    ) -> HttpResponseRedirect:
        if tracker is None or not _may_send(request, issue):
            self.message_user(request, _("You may not send it."), messages.ERROR)
            return HttpResponseRedirect(page_of(issue))
        try:
            export = send(issue, tracker, by=request.user)
        except CannotSend as error:
            self.message_user(request, str(error), messages.WARNING)
        except (WrongTransition, LostRace):
            text = _("Somebody else has decided about it meanwhile.")
            self.message_user(request, text, messages.WARNING)
        else:
            self.log_change(request, export, _("Sent by hand."))
            text = _("It is on its way to %(tracker)s.") % {"tracker": tracker.name}
            self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(page_of(issue))


def _chosen(request: HttpRequest, issue: Issue, trackers: list[Tracker]) -> Tracker | None:
    """The one that is asked for, else the one that the policy names, else the first."""
    asked = request.POST.get("tracker", "") or request.GET.get("tracker", "")
    if asked:
        return next((one for one in trackers if str(one.pk) == asked), None)
    named = ExportPolicy.of(issue.project).tracker_id
    first = next((one for one in trackers if one.is_active), None)
    return next((one for one in trackers if one.pk == named), first)


def _also(issue: Issue, tracker: Tracker | None) -> str:
    """The names of the other trackers that get a new issue as soon as it is approved."""
    if issue.status != Issue.Status.NEW or tracker is None:
        return ""
    if ExportPolicy.of(issue.project).tracker_id is not None:
        return ""  # one task
    others = Tracker.objects.filter(project=issue.project_id, is_active=True)
    return ", ".join(others.exclude(pk=tracker.pk).values_list("name", flat=True))


def _may_send(request: HttpRequest, issue: Issue) -> bool:
    """Whoever sends a new issue approves it."""
    rights = ["exports.change_taskexport"]
    if issue.status == Issue.Status.NEW:
        rights.append("issues.change_issue")
    return bool(request.user.has_perms(rights))


def _for_page(preview: Preview, tracker: Tracker) -> Shown:
    """Ids by the names that the tracker gave when it was asked for its choices."""
    catalogue = tracker.catalogue if isinstance(tracker.catalogue, dict) else {}
    named = {name: {str(id_): str(label) for id_, label in catalogue[name]} for name in catalogue}
    fields = [
        (one.label, named.get(one.choice, {}).get(one.value, one.value)) for one in preview.fields
    ]
    sent = json.dumps(preview.sent, ensure_ascii=False, indent=2, default=str)
    return Shown(preview, fields, sent)
