"""A day of a project in figures, by queries alone: what came in, what grows, what nobody looks after."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Exists, Max, OuterRef, Q, QuerySet

from apps.issues.models import Change, Evidence, Issue
from apps.messages.models import Message, Priority
from apps.sources.models import Project
from tasktracker.lib.text import clean, shorten

ANALYSIS = "analysis"  # the origin of issues that sum up days; they are nobody's report
WEEK = 7  # days before, with which a day is compared
LISTED = 20  # issues of one kind that are named
LOOKED_AT = 5000  # issues that are read for their entities
NAMED = 8  # technologies and projects
QUOTED = 160  # characters of a message that nobody has looked at
#: How long an issue of this priority may be left alone.
SILENT_AFTER = {Priority.CRITICAL: timedelta(hours=4), Priority.HIGH: timedelta(hours=24)}
REVIEW_AFTER = timedelta(days=3)  # a new issue waits too long for a decision


def bounds(project: Project, day: date) -> tuple[datetime, datetime]:
    """The day's beginning and end in the project's time zone."""
    zone = ZoneInfo(project.timezone)
    start = datetime.combine(day, time.min, tzinfo=zone)
    return start, datetime.combine(day + timedelta(days=1), time.min, tzinfo=zone)


def messages_of(project: Project, day: date) -> QuerySet[Message]:
    start, end = bounds(project, day)
    return Message.shown().filter(
        project=project, sent_at__gte=start, sent_at__lt=end, is_superseded=False
    )


def issues_of(project: Project, day: date) -> QuerySet[Issue]:
    """Issues that were first reported on this day."""
    start, end = bounds(project, day)
    return _reported(project).filter(reported_at__gte=start, reported_at__lt=end)


def by_category(messages: QuerySet[Message]) -> dict[str, int]:
    return dict(messages.order_by().values_list("category").annotate(Count("pk")))


def figures_of(project: Project, day: date, *, now: datetime) -> dict[str, Any]:
    """Everything that the page of a day shows, as plain JSON; `now` bounds what is late or silent."""
    _start, end = bounds(project, day)
    moment = min(now, end)
    open_issues = _reported(project).filter(status__in=Issue.OPEN, reported_at__lt=moment)
    new = issues_of(project, day).exclude(status=Issue.Status.DUPLICATE)
    found: dict[str, Any] = {
        "as_of": moment.isoformat(timespec="minutes"),
        "messages": _messages(project, day),
        "open": open_issues.count(),
        "exports_failed": _with_failed_exports(project),
        "waiting": open_issues.filter(
            status=Issue.Status.NEW, reported_at__lt=moment - REVIEW_AFTER
        ).count(),
        "totals": {},
        **_changes(project, day),
        **_named(project, day),
    }
    lists = {
        "new": [_row(issue) for issue in new.order_by("reported_at", "pk")],
        "growing": _growing(project, day),
        "overdue": _overdue(open_issues, moment.astimezone(ZoneInfo(project.timezone))),
        "silent": _silent(open_issues, moment),
        "unreviewed": _unreviewed(project, moment),
        "done": _done(project, day),
    }
    for name, rows in lists.items():
        found["totals"][name] = len(rows)
        found[name] = rows[:LISTED]
    return found


def _reported(project: Project) -> QuerySet[Issue]:
    return Issue.objects.filter(project=project).exclude(origin=ANALYSIS)


def _row(issue: Issue, **more: Any) -> dict[str, Any]:
    return {
        "id": issue.pk,
        "title": issue.title,
        "category": issue.category,
        "priority": issue.priority,
        "status": issue.status,
        **more,
    }


def _messages(project: Project, day: date) -> dict[str, Any]:
    messages = messages_of(project, day)
    days = [day - timedelta(days=back) for back in range(WEEK, -1, -1)]
    counts: list[dict[str, Any]] = [
        {"day": each.isoformat(), "count": messages_of(project, each).count()} for each in days
    ]
    return {
        "total": counts[-1]["count"],
        "by_category": by_category(messages),
        "authors": messages.exclude(author_id="").values("author_id").distinct().count(),
        "usual": round(sum(int(each["count"]) for each in counts[:-1]) / WEEK, 1),
        "by_day": counts,
    }


def _changes(project: Project, day: date) -> dict[str, int]:
    """What was decided on this day: issues by the status that they got, and exports."""
    start, end = bounds(project, day)
    changes = Change.objects.filter(
        issue__project=project, created_at__gte=start, created_at__lt=end
    ).exclude(issue__origin=ANALYSIS)

    def got(status: str) -> Count:
        return Count(
            "issue",
            filter=Q(kind=Change.Kind.STATUS, details__after=status),
            distinct=True,
        )

    return changes.aggregate(
        approved=got(Issue.Status.APPROVED),
        rejected=got(Issue.Status.REJECTED),
        exported=Count("issue", filter=Change.EXPORTED, distinct=True),
    )


def _with_failed_exports(project: Project) -> int:
    # By the name of the relation: exports belong to the next app.
    failed = _reported(project).filter(exports__is_failure=True)
    return failed.values("pk").distinct().count()


def _done(project: Project, day: date) -> list[dict[str, Any]]:
    start, end = bounds(project, day)
    done = _reported(project).filter(
        status=Issue.Status.DONE,
        changes__kind=Change.Kind.STATUS,
        changes__details__after=Issue.Status.DONE,
        changes__created_at__gte=start,
        changes__created_at__lt=end,
    )
    return [_row(issue) for issue in done.distinct().order_by("pk")]


def _growing(project: Project, day: date) -> list[dict[str, Any]]:
    """Issues with more reports than the one that opened them, against a day of the week before."""
    start, end = bounds(project, day)
    week, _end = bounds(project, day - timedelta(days=WEEK))
    reports = Evidence.objects.filter(issue__project=project).exclude(issue__origin=ANALYSIS)
    today = Q(message__sent_at__gte=start, message__sent_at__lt=end)
    before = Q(message__sent_at__gte=week, message__sent_at__lt=start)
    counted = (
        reports.filter(today | before)
        .order_by()
        .values("issue")
        .annotate(today=Count("pk", filter=today), before=Count("pk", filter=before))
        .filter(today__gt=0)
    )
    counts = {row["issue"]: row for row in counted}
    issues = _reported(project).filter(pk__in=counts).annotate(reports=Count("evidence"))
    rows = [
        _row(
            issue,
            reports=counts[issue.pk]["today"],
            usual=round(counts[issue.pk]["before"] / WEEK, 1),
            total=issue.reports,
        )
        for issue in issues
        # The first report opened it; an issue grows from the second on.
        if counts[issue.pk]["today"] > (start <= issue.reported_at < end)
    ]
    return sorted(rows, key=lambda row: (-row["reports"], row["usual"], row["id"]))


def _overdue(issues: QuerySet[Issue], moment: datetime) -> list[dict[str, Any]]:
    """Open issues whose last due date has passed."""
    rows = []
    for issue in issues.filter(entities__has_key="deadlines").order_by("-pk")[:LOOKED_AT]:
        due = max(_due_dates(issue, moment), default=None)
        if due is not None and due < moment:
            shown = due if due.time() != time.max else due.date()
            rows.append(_row(issue, due=shown.isoformat()))
    return sorted(rows, key=lambda row: (row["due"], row["id"]))


def _due_dates(issue: Issue, moment: datetime) -> Iterable[datetime]:
    """A date without a time lasts until its midnight."""
    for entity in _entities(issue, "deadlines"):
        words = str(entity.get("normal", ""))
        try:
            if "T" in words:
                due = datetime.fromisoformat(words)
                yield due if due.tzinfo else due.replace(tzinfo=moment.tzinfo)
            else:
                yield datetime.combine(date.fromisoformat(words), time.max, tzinfo=moment.tzinfo)
        except ValueError:
            continue  # words that tell no day


def _silent(issues: QuerySet[Issue], moment: datetime) -> list[dict[str, Any]]:
    """Urgent issues that no person has touched for too long."""
    by_person = Q(changes__user__isnull=False)
    watched = issues.filter(priority__in=SILENT_AFTER).annotate(
        touched_at=Max("changes__created_at", filter=by_person)
    )
    rows = []
    for issue in watched:
        since = max(filter(None, (issue.reported_at, issue.touched_at)))
        if moment - since >= SILENT_AFTER[Priority(issue.priority)]:
            rows.append(_row(issue, hours=int((moment - since).total_seconds() // 3600)))
    urgency = list(Priority.values)
    return sorted(rows, key=lambda row: (-urgency.index(row["priority"]), -row["hours"], row["id"]))


def _unreviewed(project: Project, moment: datetime) -> list[dict[str, Any]]:
    """Messages of the week that look critical, that no model was sure of and that are in no issue."""
    unsure = Q(is_provisional=True) | Q(status__in=[Message.Status.UNSURE, Message.Status.FAILED])
    messages = (
        Message.objects.filter(
            unsure,
            project=project,
            priority=Priority.CRITICAL,
            is_superseded=False,
            sent_at__gte=moment - timedelta(days=WEEK),
            sent_at__lt=moment,
        )
        .exclude(Exists(Evidence.objects.filter(message=OuterRef("pk"))))
        .exclude(locked_fields__contains="category")
        .defer("raw")
    )
    return [
        {"id": message.pk, "text": shorten(clean(message.text), QUOTED)}
        for message in messages.order_by("sent_at", "pk")
    ]


def _named(project: Project, day: date) -> dict[str, list[list[Any]]]:
    """What the day's reports name most often."""
    start, end = bounds(project, day)
    issues = _reported(project).filter(
        evidence__message__sent_at__gte=start, evidence__message__sent_at__lt=end
    )
    counts: dict[str, Counter[str]] = {"technologies": Counter(), "projects": Counter()}
    for issue in issues.distinct().only("entities")[:LOOKED_AT]:
        for kind, counter in counts.items():
            counter.update({str(entity.get("normal", "")) for entity in _entities(issue, kind)})
    return {
        kind: [[name, count] for name, count in counter.most_common(NAMED) if name]
        for kind, counter in counts.items()
    }


def _entities(issue: Issue, kind: str) -> list[dict[str, Any]]:
    found = issue.entities.get(kind) if isinstance(issue.entities, dict) else None
    if not isinstance(found, list):
        return []
    return [entity for entity in found if isinstance(entity, dict)]
