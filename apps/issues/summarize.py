"""One issue that sums up a day of a project: what came in, and what was opened."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.issues.decisions import open_by_hand
from apps.issues.models import Issue
from apps.issues.triage import lock_project
from apps.messages.models import Category, Message, Priority
from apps.sources.models import Project

ORIGIN = "analysis"
MAX_LISTED = 100  # issues that are named


@dataclass(frozen=True)
class Summary:
    messages: int
    issue: Issue | None  # none for a day without messages
    is_new: bool


def summarize_day(project: Project, day: date, *, by: AbstractBaseUser | None) -> Summary:
    """Make the day's summary, or bring the one that exists up to date."""
    zone = ZoneInfo(project.timezone)
    start = datetime.combine(day, time.min, tzinfo=zone)
    end = datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)
    with transaction.atomic():
        lock_project(project.pk)
        messages = Message.objects.filter(
            project=project, sent_at__gte=start, sent_at__lt=end, is_superseded=False
        )
        total = messages.count()
        if not total:
            return Summary(0, None, is_new=False)
        issues = Issue.objects.filter(
            project=project, reported_at__gte=start, reported_at__lt=end
        ).exclude(origin=ORIGIN)
        with translation.override(project.language):
            title = _("Summary of %(day)s") % {"day": formats.date_format(day, "DATE_FORMAT")}
            description = _describe(messages, total, issues)
        return _save(project, title, description, total, by)


def _save(
    project: Project, title: str, description: str, total: int, by: AbstractBaseUser | None
) -> Summary:
    existing = Issue.objects.filter(project=project, origin=ORIGIN, title=title).first()
    if existing is not None:
        existing.edit({"description": description}, by=by)
        return Summary(total, existing, is_new=False)
    issue = open_by_hand(
        project=project,
        title=title,
        description=description,
        category=Category.INFO,
        priority=Priority.LOW,
        origin=ORIGIN,
        by=by,
    )
    return Summary(total, issue, is_new=True)


def _describe(messages: QuerySet[Message], total: int, issues: QuerySet[Issue]) -> str:
    """Plain text in the active language."""
    counts = dict(messages.order_by().values_list("category").annotate(Count("pk")))
    lines = [ngettext("%(count)d message", "%(count)d messages", total) % {"count": total}]
    lines += [f"- {label}: {counts[name]}" for name, label in Category.choices if name in counts]
    named = list(issues.order_by("reported_at", "pk")[:MAX_LISTED])
    if named:
        lines += ["", _("Issues:")]
        lines += [
            f"- #{issue.pk} [{issue.get_category_display()}] {issue.title}" for issue in named
        ]
    if (more := issues.count() - len(named)) > 0:
        lines.append(ngettext("and %(count)d more", "and %(count)d more", more) % {"count": more})
    return "\n".join(lines)
