"""What a project's policy decides: which trackers an issue goes to, and whether it goes now."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min
from django.db.models.functions import Now

from apps.exports.holding import take_over, task_beside
from apps.exports.models import ELSEWHERE, NOT_WANTED, ExportPolicy, TaskExport, Tracker
from apps.issues.models import Change, Evidence, Issue
from apps.sources.models import Project
from tasktracker.lib.workflow import LostRace

HOUR = timedelta(hours=1)
Held = TaskExport.Held


def targets(issue: Issue, policy: ExportPolicy) -> Iterable[Tracker]:
    """Where it goes: to the tracker that is named, unless it is in any by now, or to every active one.

    The one that is named is tried also when it is switched off: then people see why nothing came.
    """
    trackers = Tracker.objects.filter(project_id=issue.project_id)
    if policy.tracker_id is None:
        return trackers.filter(is_active=True)
    return [] if issue.exports.exists() else trackers.filter(pk=policy.tracker_id)


def export_of(issue: Issue, tracker: Tracker) -> tuple[TaskExport, bool]:
    """The one export of this issue there, and whether it was made just now."""
    return TaskExport.objects.get_or_create(
        issue=issue,
        tracker=tracker,
        defaults={"due_at": TaskExport.due_now(TaskExport.Status.PENDING)},
    )


def wanted_again(issue: Issue, policy: ExportPolicy) -> list[TaskExport]:
    """Those that were given up because nobody wanted the issue; of several trackers, the policy's."""
    failed = TaskExport.Status.FAILED
    given_up = list(issue.exports.filter(status=failed, last_error=NOT_WANTED).order_by("pk"))
    if policy.tracker_id is None:
        return given_up
    if issue.exports.exclude(status=failed).exclude(is_live=False).exists():
        return []
    return sorted(given_up, key=lambda export: export.tracker_id != policy.tracker_id)[:1]


def hold(exports: Sequence[TaskExport], issue: Issue, policy: ExportPolicy) -> None:
    """Let none of these go for which the policy wants a person or another hour."""
    ids = [export.pk for export in exports]
    if not ids:
        return
    rows = TaskExport.objects.filter(pk__in=ids)
    if policy.when == ExportPolicy.When.BY_HAND:
        rows.update(held=Held.BY_HAND, due_at=None)
    elif not _is_capped(issue, policy):
        return
    elif (opens_at := _full_until(issue, policy)) is not None:
        rows.update(held=Held.TOO_MANY, due_at=opens_at)
    else:
        rows.update(counted_at=Now())


def goes_now(export: TaskExport) -> bool:
    """False for one that waits for somebody, or for room in an hour: it is handed out again then."""
    pending = TaskExport.objects.filter(pk=export.pk, status=TaskExport.Status.PENDING)
    held = pending.filter(held=export.held)
    if export.held in {Held.BY_HAND, Held.AWAY}:
        held.update(due_at=None, leased_until=None, attempts=0)
        return False
    if export.held == Held.TOO_MANY:
        policy = ExportPolicy.of(export.issue.project)
        with transaction.atomic():
            is_wanted = export.issue.status in Issue.WAITING  # what is given up takes no room
            is_capped = is_wanted and _is_capped(export.issue, policy)
            opens_at = _full_until(export.issue, policy) if is_capped else None
            if opens_at is not None:
                held.update(due_at=opens_at, leased_until=None, attempts=0)
                return False
            # Nobody sends it somewhere else meanwhile.
            Issue.objects.select_for_update(no_key=True).filter(pk=export.issue_id).first()
            if not held.update(held="", counted_at=Now() if is_capped else None):
                raise LostRace(f"export {export.pk} is not held any more")
            export.held = ""
            if policy.tracker_id is not None:
                return _is_the_only_one(export, policy.tracker_id)
    return True


def _is_the_only_one(export: TaskExport, named: int) -> bool:
    """It becomes the issue's task, unless another one is, or waits where the policy wants it."""
    others = TaskExport.objects.filter(issue=export.issue_id).exclude(pk=export.pk)
    waiting = others.filter(tracker=named, status=TaskExport.Status.PENDING)
    if waiting.exists() or task_beside(export) is not None:
        export.give_up(ELSEWHERE)
        return False
    take_over(export, others)
    return True


def _is_capped(issue: Issue, policy: ExportPolicy) -> bool:
    """Whether the system approved it, in a project that wants only so many of those."""
    if policy.most_per_hour is None:
        return False
    approvals = issue.changes.filter(
        kind=Change.Kind.STATUS, details__after=Issue.Status.APPROVED
    ).order_by("-pk")
    latest = approvals.first()
    return latest is not None and latest.user_id is None


def _full_until(issue: Issue, policy: ExportPolicy) -> datetime | None:
    """When there is room for one more of its chat; None when there is room now."""
    opening = Evidence.objects.filter(issue=issue, level=Evidence.Level.OPENED)
    chat_id = opening.values_list("message__chat", flat=True).first()
    if chat_id is None or policy.most_per_hour is None:
        return None
    Project.objects.select_for_update(no_key=True).get(pk=issue.project_id)  # one counts at a time
    went = (
        TaskExport.objects.filter(
            counted_at__gt=Now() - HOUR,
            issue__evidence__level=Evidence.Level.OPENED,
            issue__evidence__message__chat=chat_id,
        )
        .exclude(issue=issue)
        .values("issue")
        .annotate(at=Min("counted_at"))
        .order_by("at")
    )
    moments: list[datetime] = list(went.values_list("at", flat=True))
    if len(moments) < policy.most_per_hour:
        return None
    return moments[len(moments) - policy.most_per_hour] + HOUR
