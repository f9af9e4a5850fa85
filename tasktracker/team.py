"""The team's page: what came in, what became of it, live. Programs that ask for JSON get a status."""

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from apps.exports.models import TaskExport
from apps.issues.models import Issue
from apps.messages.models import Category, Message, Priority
from apps.sources.models import Project, Source
from tasktracker.lib.text import storable
from tasktracker.realtime.events import message_from_row, task_from_row
from tasktracker.realtime.receivers import with_source
from tasktracker.realtime.replay import newest_seq

MESSAGES = 30
ISSUES = 15
STATUS = {"message": "Task Tracker API", "status": "running"}
MOVED = {"status": "redirect", "message": "Use /webhook/telegram for Telegram webhooks"}


# A webhook that was set to the old address has no CSRF token; nothing is changed here.
@method_decorator([csrf_exempt, never_cache], name="dispatch")
class TeamPage(View):
    """`/`"""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
            return JsonResponse(STATUS)
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        projects = Project.visible_to(request.user)
        if not projects.exists() and not request.user.is_staff:
            return render(request, "team/no_project.html", status=403)
        return render(request, "team/page.html", page(projects, request.GET))

    def post(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse(MOVED, status=410)


def page(projects: "QuerySet[Project]", query: Any) -> dict[str, Any]:
    """Everything that the page shows of these projects."""
    # Read first: what happens while the rows are read comes again over the websocket.
    seq = newest_seq()
    filters = {
        name: storable(query.get(name, "")).strip()[:200]
        for name in ("project", "source", "author")
    }
    chosen = projects.filter(slug=filters["project"]) if filters["project"] else projects
    return {
        "seq": seq,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "projects": projects,
        "sources": Source.objects.filter(project__in=projects).order_by("name"),
        "numbers": _numbers(chosen),
        "messages_now": [message_row(row) for row in _messages(chosen, filters)],
        "tasks_now": [task_row(row) for row in _issues(chosen, filters)],
        "words": json.dumps(_words(), ensure_ascii=False),
    }


def message_row(message: Message) -> dict[str, Any]:
    """As the live event has it, with the words of the language."""
    return {
        **message_from_row(message),
        "sent": message.sent_at,
        "where": message.chat.title or message.source.name,
        "initials": initials(message.author),
        "picture": _web_address(message.avatar_url),
        "category_words": message.get_category_display(),
        "priority_words": message.get_priority_display(),
        "status_words": message.get_status_display(),
    }


def task_row(issue: Any) -> dict[str, Any]:
    """As the live event has it, with the words of the language and the trackers that have it."""
    return {
        **task_from_row(issue, source=issue.source_name, reports=issue.reports),
        "created": issue.created_at,
        "category_words": issue.get_category_display(),
        "priority_words": issue.get_priority_display(),
        "status_words": issue.get_status_display(),
        "links": [
            {"id": export.pk, "name": export.tracker.name, "address": address}
            for export in issue.created_exports
            if (address := _web_address(export.external_url))
        ],
    }


def initials(name: str) -> str:
    """Up to two letters that stand for a person without a picture."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "?"


def _messages(projects: "QuerySet[Project]", filters: dict[str, str]) -> "QuerySet[Message]":
    rows = Message.shown().filter(project__in=projects, is_superseded=False)
    if filters["source"]:
        rows = rows.filter(source__name__icontains=filters["source"])
    if filters["author"]:
        rows = rows.filter(author__icontains=filters["author"])
    return rows.select_related("project", "source", "chat").defer("raw")[:MESSAGES]


def _issues(projects: "QuerySet[Project]", filters: dict[str, str]) -> "QuerySet[Any]":
    # Counting groups the rows, and a grouped query forgets the model's order.
    rows = with_source(Issue.objects.filter(project__in=projects)).order_by("-created_at", "-id")
    if filters["source"]:
        rows = rows.filter(source_name__icontains=filters["source"])
    made = TaskExport.objects.filter(status=TaskExport.Status.CREATED, is_live=True)
    created = made.select_related("tracker")
    return rows.prefetch_related(Prefetch("exports", created, to_attr="created_exports"))[:ISSUES]


def _numbers(projects: "QuerySet[Project]") -> list[dict[str, Any]]:
    """The figures on top, with the admin's list behind each."""
    messages = Message.shown().filter(project__in=projects, is_superseded=False)
    yesterday = timezone.now() - timedelta(days=1)
    # Rows that wait are due at some time, and only those are in the index.
    waiting = messages.filter(
        status__in=[Message.Status.RECEIVED, Message.Status.UNSURE], due_at__isnull=False
    )
    issues = Issue.objects.filter(project__in=projects).aggregate(
        new=Count("pk", filter=Q(status=Issue.Status.NEW)),
        work=Count("pk", filter=Q(status__in=[Issue.Status.APPROVED, Issue.Status.IN_PROGRESS])),
        urgent=Count(
            "pk",
            filter=Q(status__in=Issue.OPEN, priority__in=[Priority.HIGH, Priority.CRITICAL]),
        ),
        done=Count("pk", filter=Q(status=Issue.Status.DONE)),
    )
    inbox = reverse("admin:chat_messages_message_changelist")
    board = reverse("admin:issues_issue_changelist")
    return [
        {
            "label": _("Messages in 24 hours"),
            "value": messages.filter(sent_at__gte=yesterday).count(),
            "link": inbox,
        },
        {"label": _("Being read"), "value": waiting.count(), "link": inbox},
        {"label": _("New issues"), "value": issues["new"], "link": f"{board}?status__exact=new"},
        {"label": _("In work"), "value": issues["work"], "link": board},
        {"label": _("Urgent and open"), "value": issues["urgent"], "link": board, "is_alarm": True},
        {"label": _("Done"), "value": issues["done"], "link": f"{board}?status__exact=done"},
    ]


def _words() -> dict[str, dict[str, str]]:
    """What the script writes into rows that arrive later, in the page's language."""
    messages = {"pending": _("On its way"), **_labels(Message.Status)}
    return {
        "category": _labels(Category),
        "priority": _labels(Priority),
        "message": messages,
        "task": _labels(Issue.Status),
        "said": {
            "message": _("New message from {author}"),
            "task": _("New issue: {title}"),
            "reports": _("Reports: {count}"),
            "nobody": _("Unknown author"),
        },
    }


def _labels(choices: Any) -> dict[str, str]:
    return {str(value): str(label) for value, label in choices.choices}


def _web_address(address: str) -> str:
    """The address when a browser may follow it, else nothing."""
    return address if address.startswith(("https://", "http://", "/avatars/")) else ""
