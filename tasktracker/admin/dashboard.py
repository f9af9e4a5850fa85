"""The numbers of the first page: one query for each table, each number a link to its rows."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.exports.models import TaskExport
from apps.issues.models import Issue
from apps.messages.models import Message, Priority
from apps.sources import waiting
from apps.sources.models import Chat, DeadLetter, Gap, Project, Source

LATEST = 8

User = AbstractBaseUser | AnonymousUser


class Number(NamedTuple):
    """One figure with the list that it counts. `alarm` draws it in red when it is not zero."""

    title: str
    value: int
    link: str
    alarm: bool = False


class Group(NamedTuple):
    """The numbers of one table."""

    title: str
    numbers: Sequence[Number]


def overview(user: User) -> dict[str, Any]:
    """Context of the first page, only about the user's projects and what the user may look at."""
    groups: list[Group] = []
    for model, title, count in (
        (Issue, _("Issues"), _issues),
        (Message, _("Messages"), _messages),
        (TaskExport, _("Exports"), _exports),
        (DeadLetter, _("Could not be read"), _dead_letters),
        (Source, _("May be missing"), _gaps),
    ):
        if _may_view(user, model):
            groups.append(Group(title, count(user)))
    context: dict[str, Any] = {"groups": groups, "has_projects": True}
    if _may_view(user, Issue):
        context["latest_issues"] = _visible(user, Issue.objects.select_related("project"))[:LATEST]
    if _may_view(user, Message):
        messages = Message.shown().select_related("chat").order_by("-sent_at", "-pk")
        context["latest_messages"] = _visible(user, messages)[:LATEST]
    if not any(number.value for group in groups for number in group.numbers):
        context["has_projects"] = Project.visible_to(user).exists()
    return context


def waiting_for_review(request: HttpRequest) -> str:
    """Badge of the sidebar: empty when nothing waits."""
    if not _may_view(request.user, Issue):
        return ""
    return _up_to_99(_visible(request.user, Issue.objects.filter(status=Issue.Status.NEW)))


def waiting_chats(request: HttpRequest) -> str:
    """Badge of the sidebar: chats that somebody has to say yes or no to."""
    if not _may_view(request.user, Chat):
        return ""
    return _up_to_99(_visible(request.user, waiting.waiting_chats(), "source__project"))


def _up_to_99(rows: QuerySet[Any]) -> str:
    count = rows[:100].count()
    return "" if not count else "99+" if count > 99 else str(count)


def open_gaps(request: HttpRequest) -> str:
    """Badge of the sidebar: empty when nothing is known to be missing."""
    if not _may_view(request.user, Source):
        return ""
    count = _visible(request.user, Gap.objects.filter(closed_at=None), "source__project").count()
    return str(count) if count else ""


def _issues(user: User) -> Sequence[Number]:
    is_open = Q(status__in=Issue.OPEN)
    figures = _visible(user, Issue.objects.all()).aggregate(
        new=Count("pk", filter=Q(status=Issue.Status.NEW)),
        provisional=Count("pk", filter=Q(status=Issue.Status.NEW, is_provisional=True)),
        **{
            priority: Count("pk", filter=is_open & Q(priority=priority))
            for priority in Priority.values
        },
    )
    open_statuses = ",".join(sorted(Issue.OPEN))
    by_priority = [
        Number(
            _("Open, %(priority)s") % {"priority": priority.label.lower()},
            figures[priority.value],
            _list(Issue, status__in=open_statuses, priority__exact=priority.value),
            alarm=priority is Priority.CRITICAL,
        )
        for priority in reversed(list(Priority))
    ]
    return [
        Number(
            _("Waiting for review"), figures["new"], _list(Issue, status__exact=Issue.Status.NEW)
        ),
        *by_priority,
        Number(
            _("Provisional: no model was sure"),
            figures["provisional"],
            _list(Issue, status__exact=Issue.Status.NEW, is_provisional__exact=1),
        ),
    ]


def _messages(user: User) -> Sequence[Number]:
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    week = today - timedelta(days=6)
    figures = _visible(user, Message.shown()).aggregate(
        today=Count("pk", filter=Q(created_at__gte=today)),
        week=Count("pk", filter=Q(created_at__gte=week)),
        unsure=Count("pk", filter=Q(status=Message.Status.UNSURE)),
        provisional=Count("pk", filter=Q(is_provisional=True)),
        failed=Count("pk", filter=Q(status=Message.Status.FAILED)),
    )
    return [
        Number(_("Came in today"), figures["today"], _list(Message, created_at_from=_day(today))),
        Number(
            _("Came in during 7 days"), figures["week"], _list(Message, created_at_from=_day(week))
        ),
        Number(
            _("Wait for the LLM"),
            figures["unsure"],
            _list(Message, status__exact=Message.Status.UNSURE),
        ),
        Number(_("Provisional"), figures["provisional"], _list(Message, is_provisional__exact=1)),
        Number(
            _("Failed"),
            figures["failed"],
            _list(Message, status__exact=Message.Status.FAILED),
            alarm=True,
        ),
    ]


def _exports(user: User) -> Sequence[Number]:
    figures = _visible(user, TaskExport.objects.all(), "tracker__project").aggregate(
        pending=Count("pk", filter=Q(status=TaskExport.Status.PENDING)),
        failed=Count("pk", filter=Q(is_failure=True)),
    )
    pending = TaskExport.Status.PENDING
    return [
        Number(_("Pending"), figures["pending"], _list(TaskExport, status__exact=pending)),
        Number(_("Failed"), figures["failed"], _list(TaskExport, is_failure__exact=1), alarm=True),
    ]


def _dead_letters(user: User) -> Sequence[Number]:
    waiting = DeadLetter.objects.filter(replayed_at=None)
    count = _visible(user, waiting, "source__project").count()
    address = _list(DeadLetter, replayed_at__isempty=1)
    return [Number(_("Dead letters"), count, address, alarm=True)]


def _gaps(user: User) -> Sequence[Number]:
    count = _visible(user, Gap.objects.filter(closed_at=None), "source__project").count()
    return [Number(_("Gaps in chats"), count, _list(Gap, closed_at__isempty=1), alarm=True)]


def _visible(user: User, rows: QuerySet[Any], project_path: str = "project") -> QuerySet[Any]:
    if getattr(user, "is_superuser", False):
        return rows
    return rows.filter(**{f"{project_path}__in": Project.visible_to(user)})


def _may_view(user: User, model: type[Model]) -> bool:
    label, name = model._meta.app_label, model._meta.model_name
    return bool(
        user.has_perm(f"{label}.view_{name}") or user.has_perm(f"{label}.change_{name}")  # type: ignore[union-attr]
    )


def _list(model: type[Model], **lookups: Any) -> str:
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{urlencode(lookups)}"


def _day(moment: datetime) -> str:
    return moment.date().isoformat()
