"""Trackers as a team has them, for as long as the pictures are taken: nobody is called, and nothing of it stays."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

TITLE = "[{project}] {title}"
TEXT = "**{category}, {priority}**, reported on {reported} in {chat}\n\n{description}\n\n{messages}\n\n{link}"
LINEAR = {
    "team": [("t-1", "Support (SUP)"), ("t-2", "Core (COR)"), ("t-3", "Mobile (MOB)")],
    "project": [("p-1", "Partner Portal"), ("p-2", "Payments")],
    "state": [("s-1", "Triage"), ("s-2", "Backlog"), ("s-3", "Todo"), ("s-4", "In Progress")],
    "assignee": [("u-1", "Марина Ткач"), ("u-2", "Tom Peters")],
    "labels": [("l-1", "Bug"), ("l-2", "Feature"), ("l-3", "From the chat")],
    "priorities": [("0", "No priority"), ("1", "Urgent"), ("2", "High"), ("3", "Medium"), ("4", "Low")],
}  # fmt: skip
PRIORITIES = [("1", "Low"), ("2", "Normal"), ("3", "High"), ("4", "Urgent"), ("5", "Immediate")]
REDMINE = {
    "project": [("1", "Smachno"), ("2", "Infrastructure")],
    "tracker": [("1", "Bug"), ("2", "Feature"), ("3", "Support")],
    "status": [("1", "New"), ("2", "In Progress"), ("5", "Closed"), ("6", "Rejected")],
    "category": [("1", "Checkout"), ("2", "Couriers")],
    "version": [("1", "4.2"), ("2", "4.3")],
    "assignee": [("me", "Ourselves"), ("7", "Bohdan Koval")],
    "key_field": [("7", "TaskTracker id")],
    "rejected_statuses": [("6", "Rejected")],
    "priorities": PRIORITIES,
    "fields": [("8", "Component"), ("9", "Severity")],
    **{f"priority_{ours}": PRIORITIES for ours in ("critical", "high", "medium", "low")},
}
REFUSED = "Redmine refuses it: Component cannot be blank. Change the issue, or what the tracker's page chooses, and export it again."


@contextmanager
def exports() -> Iterator[dict[str, int]]:
    """Their numbers, by what the addresses of the pages call them; inside of `content.sources`."""
    from django.db.models import Count
    from django.utils import timezone

    from apps.exports.models import CallCount, ExportPolicy, Mirroring, Tracker
    from apps.issues.models import Issue
    from apps.sources.models import Project

    project = Project.objects.order_by("pk")[0]
    now = timezone.now()
    linear = Tracker.objects.create(
        project=project,
        kind="linear",
        name="Linear",
        config={"api_key": "a-key-for-a-picture", "team": "t-1", "labels": ["l-3"]},
        catalogue=LINEAR,
        account="picture-1",
        calls_per_hour=1500,
    )
    redmine = Tracker.objects.create(
        project=project,
        kind="redmine",
        name="Redmine",
        config={
            "url": "https://redmine.smachno.example",
            "api_key": "a-key-for-a-picture",
            "project": "1",
            "tracker": "1",
            "key_field": "7",
        },
        catalogue=REDMINE,
        account="picture-2",
        calls_per_hour=7200,
        failures_in_a_row=6,
        opened_at=now - timedelta(minutes=4),
        closed_until=now + timedelta(hours=1),  # longer than the pictures take
        last_error="redmine.smachno.example: No route to host",
    )
    try:
        policy = ExportPolicy.objects.create(
            project=project,
            tracker=linear,
            fallback=redmine,
            most_per_hour=10,
            title_template=TITLE,
            body_template=TEXT,
            masks_pii=True,
            priorities={"critical": "Urgent"},
            category_labels={"bug": ["Bug"], "feature": ["Feature"]},
        )
        for tracker in (linear, redmine):
            mirroring = Mirroring.of(tracker)
            mirroring.keep_secret("a-secret-for-a-picture")
            mirroring.keep_subscription("w-1")
            # Not asked while pictures are taken.
            Mirroring.objects.filter(pk=mirroring.pk).update(
                heard_at=now - timedelta(minutes=3),
                asked_at=now - timedelta(minutes=41),
                synced_until=now - timedelta(minutes=41),
                due_at=now + timedelta(hours=1),
            )
        _fill(linear, redmine)
        unsent = Issue.objects.filter(project=project, status=Issue.Status.NEW, exports=None)
        issue = unsent.annotate(reports=Count("evidence")).order_by("-reports", "pk")[0]
        yield {
            "linear": linear.pk,
            "redmine": redmine.pk,
            "policy": policy.pk,
            "issue": issue.pk,
        }
    finally:
        ExportPolicy.objects.filter(tracker=linear).delete()
        for tracker in (linear, redmine):
            tracker.delete()
        CallCount.objects.filter(account__startswith="picture-").delete()


def _fill(linear: Any, redmine: Any) -> None:
    """What was made, what waits, and what failed; nothing of it is due."""
    from django.utils import timezone

    from apps.exports.models import CallCount, TaskExport
    from apps.issues.models import Issue

    now = timezone.now()
    issues = list(Issue.objects.filter(project=linear.project).order_by("pk")[:24])
    later = now + timedelta(hours=1)
    created = {"status": "created", "remote": {"status_name": "Todo"}, "looked_at": now}
    rows = [
        *(TaskExport(issue=issue, tracker=linear, external_id=f"SUP-{issue.pk}", **created) for issue in issues[:17]),
        *(TaskExport(issue=issue, tracker=linear, held="too_many", due_at=later) for issue in issues[17:20]),
        TaskExport(issue=issues[20], tracker=redmine, status="failed", last_error=REFUSED),
        *(TaskExport(issue=issue, tracker=redmine, due_at=later, leased_until=later) for issue in issues[21:]),
    ]  # fmt: skip
    TaskExport.objects.bulk_create(rows)
    minute = now.replace(second=0, microsecond=0)
    for account, calls in (("picture-1", 212), ("picture-2", 38)):
        CallCount.objects.update_or_create(
            account=account, minute=minute, defaults={"calls": calls}
        )
