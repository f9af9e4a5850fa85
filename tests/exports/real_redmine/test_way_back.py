"""An issue goes to a real Redmine, people there go on with it, and the issue follows."""

from datetime import timedelta

from django.db.models import F
from django.utils import timezone

from apps.exports.models import Mirroring, TaskExport, Tracker
from apps.exports.poll import poll_due
from apps.exports.tasks import deliver_exports, open_exports
from apps.exports.trackers.base import ExternalIssue
from apps.issues.models import Issue
from tests.exports.real_redmine.server import KEYS


def ask(later=timedelta(0)):
    Mirroring.objects.update(due_at=None)
    TaskExport.objects.update(looked_at=F("looked_at") - later)
    poll_due()


def test_what_people_do_there_is_followed_by_asking(server, redmine, tracker, make_issue):
    settings = {
        "url": server.url,
        "api_key": KEYS["bot"],
        "project": server.id_of("projects", "Payments"),
        "key_field": server.id_of("custom_fields", "TaskTracker id"),
    }
    Tracker.objects.update(kind="redmine", name="Redmine", config=settings)
    issue = make_issue(status="approved", due_at=timezone.now())
    open_exports([issue.pk])
    deliver_exports(list(TaskExport.objects.values_list("pk", flat=True)))
    number = TaskExport.objects.get().external_id.removeprefix("#")
    boss = redmine("boss").api
    ask()  # what we made ourselves is no news
    assert not issue.changes.exclude(kind="export").exists()

    boss.put(
        f"/issues/{number}.json",
        {
            "issue": {
                "status_id": server.id_of("issue_statuses", "In Progress"),
                "subject": "Прод лежить у Львові",
            }
        },
    )
    ask()
    issue.refresh_from_db()
    assert (issue.status, issue.title) == ("in_progress", "Прод лежить у Львові")
    assert TaskExport.objects.get().status_there == "In Progress"

    export = TaskExport.objects.get()
    redmine().close(ExternalIssue(export.external_id, export.external_url), key=export.uuid)
    ask()
    issue.refresh_from_db()
    assert issue.status == "done"

    boss.delete(f"/issues/{number}.json")
    ask(later=timedelta(days=2))
    export = TaskExport.objects.get()
    assert (export.is_gone, Issue.objects.get().status) == (True, "done")
    assert Mirroring.objects.get().last_error == ""
