"""One issue that sums up a day of a project: what came in, and what was opened."""

from dataclasses import dataclass
from datetime import date

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import formats, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.issues.day_figures import ANALYSIS, by_category, issues_of, messages_of
from apps.issues.decisions import open_by_hand
from apps.issues.models import Issue
from apps.issues.triage import lock_project
from apps.messages.models import Category, Message, Priority
from apps.sources.models import Project

MAX_LISTED = 100  # issues that are named


@dataclass(frozen=True)
class Summary:
    messages: int
    issue: Issue | None  # none for a day without messages
    is_new: bool


def summarize_day(project: Project, day: date, *, by: AbstractBaseUser | None) -> Summary:
    """Make the day's summary, or bring the one that exists up to date."""
    with transaction.atomic():
        lock_project(project.pk)
        messages = messages_of(project, day)
        total = messages.count()
        if not total:
            return Summary(0, None, is_new=False)
        issues = issues_of(project, day)
        with translation.override(project.language):
            title = _("Summary of %(day)s") % {"day": formats.date_format(day, "DATE_FORMAT")}
            description = _describe(messages, total, issues)
        return _save(project, title, description, total, by)


def _save(
    project: Project, title: str, description: str, total: int, by: AbstractBaseUser | None
) -> Summary:
    existing = Issue.objects.filter(project=project, origin=ANALYSIS, title=title).first()
    if existing is not None:
        existing.edit({"description": description}, by=by)
        return Summary(total, existing, is_new=False)
    issue = open_by_hand(
        project=project,
        title=title,
        description=description,
        category=Category.INFO,
        priority=Priority.LOW,
        origin=ANALYSIS,
        by=by,
    )
    return Summary(total, issue, is_new=True)


def _describe(messages: QuerySet[Message], total: int, issues: QuerySet[Issue]) -> str:
    """Plain text in the active language."""
    counts = by_category(messages)
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
