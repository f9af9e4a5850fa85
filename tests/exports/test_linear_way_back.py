"""An issue goes to Linear, people there go on with it, and the issue follows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from apps.exports.models import AnswerTimes, Mirroring, TaskExport, Tracker, WebhookDelivery
from apps.exports.poll import poll_due
from apps.exports.tasks import apply_calls, deliver_exports, open_exports
from apps.issues.models import Issue
from tasktracker.lib.workflow import WrongTransition
from tests.exports.conftest import LINEAR
from tests.stubs.linear.server import LinearServer, call
from tests.stubs.linear.store import Issue as Task
from tests.stubs.linear.store import Named, User, now

DONE = Named("s-done", "Shipped", "completed")
STARTED = Named("s-doing", "In Progress", "started")


@pytest.fixture
def task(linear: LinearServer, tracker: Tracker, make_issue: Any, settings: Any) -> Task:
    """What the one approved issue became there."""
    settings.LINEAR_API_URL = linear.url
    Tracker.objects.update(kind="linear", name="Linear", config=LINEAR)
    issue = make_issue(status="approved", due_at=timezone.now())
    open_exports([issue.pk])
    deliver_exports(list(TaskExport.objects.values_list("pk", flat=True)))
    (task,) = linear.store.issues.values()
    return task


@pytest.fixture
def post(task: Task, tracker: Tracker) -> Callable[..., int]:
    secret = Mirroring.of(tracker).new_secret()

    def send(**changes: Any) -> int:
        body, headers = call(task, secret, **changes)
        address = f"/webhook/tracker/{tracker.pk}"
        answer = Client().post(address, body, content_type="application/json", headers=headers)
        apply_calls(list(WebhookDelivery.objects.values_list("pk", flat=True)))
        return answer.status_code

    return send


def change(task: Task, **changes: Any) -> None:
    for name, value in {**changes, "updatedAt": now()}.items():
        setattr(task, name, value)


def test_every_answer_is_timed(task: Task, linear: LinearServer):
    poll_due()

    times = AnswerTimes.objects.all()
    assert {row.kind for row in times} == {"linear"}
    assert sum(row.calls for row in times) == len(linear.questions) > 1


def test_what_is_moved_there_is_moved_here(
    task: Task, post: Callable[..., int], linear: LinearServer
):
    assert post(action="create") == 200
    asked = len(linear.questions)
    change(task, state=DONE, assignee=User("u-olena", "Олена"), title="Прод лежить у Львові")

    assert [post(), post()] == [200, 200]

    issue, export = Issue.objects.get(), TaskExport.objects.get()
    assert (issue.status, issue.title) == ("done", "Прод лежить у Львові")
    assert (export.status_there, export.assignee_there) == ("Shipped", "Олена")
    assert len(linear.questions) == asked  # nothing went out


def test_what_is_deleted_there_is_gone(task: Task, post: Callable[..., int]):
    post(action="create")
    change(task, trashed=True)

    post(action="remove")

    assert TaskExport.objects.get().is_gone
    assert Issue.objects.get().status == "approved"


def test_a_call_that_somebody_else_signed_or_that_is_old_changes_nothing(
    task: Task, post: Callable[..., int], tracker: Tracker
):
    change(task, state=DONE)
    assert post(sent=1.0) == 400
    body, headers = call(task, "another secret")
    answer = Client().post(
        f"/webhook/tracker/{tracker.pk}", body, content_type="application/json", headers=headers
    )

    assert (answer.status_code, Issue.objects.get().status) == (400, "approved")


def look_again() -> None:
    """As polling does an hour later."""
    TaskExport.objects.update(looked_at=F("looked_at") - timedelta(hours=2))
    Mirroring.objects.update(due_at=None)
    poll_due()


def test_without_a_call_it_is_asked(task: Task, linear: LinearServer):
    change(task, state=STARTED)
    poll_due()
    assert Issue.objects.get().status == "in_progress"
    task.trashed = True

    look_again()

    assert TaskExport.objects.get().is_gone
    assert linear.questions[-3:] == ["Changed", "Changed", "States"]


def test_a_task_that_is_moved_to_a_team_that_we_cannot_see_is_not_made_again(
    task: Task, linear: LinearServer
):
    poll_due()
    linear.store.issues.clear()

    look_again()

    export = TaskExport.objects.get()
    assert (export.is_gone, export.status) == (False, "created")
    with pytest.raises(WrongTransition, match="is there"):
        export.retry()
