"""An issue goes to Redmine, and what Redmine 7 posts about it is followed."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.exports.models import Mirroring, TaskExport, Tracker, WebhookDelivery
from apps.exports.poll import poll_due
from apps.exports.tasks import apply_calls, deliver_exports, open_exports
from apps.issues.models import Issue
from tests.stubs.redmine.server import call_of, redmine_server
from tests.stubs.redmine.store import BEGINNING, KEY, KEY_FIELD

SECRET = "of-the-webhook-in-redmine"
STARTED = {"id": 2, "name": "In Progress", "is_closed": False}
CLOSED = {"id": 5, "name": "Closed", "is_closed": True}
REJECTED = {"id": 6, "name": "Rejected", "is_closed": True}
Post = Callable[..., int]


@pytest.fixture
def there(tracker: Tracker, make_issue: Any, settings: Any) -> Any:
    """What the one approved issue became in Redmine."""
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    with redmine_server() as redmine:
        config = {"url": redmine.url, "api_key": KEY, "project": "1", "key_field": KEY_FIELD}
        Tracker.objects.update(kind="redmine", name="Redmine", config=config)
        open_exports([make_issue(status="approved", due_at=timezone.now()).pk])
        deliver_exports(list(TaskExport.objects.values_list("pk", flat=True)))
        poll_due()
        yield redmine.store.issues[1]


@pytest.fixture
def post(there: Any, tracker: Tracker) -> Post:
    """What Redmine posts when the issue has these values, some minutes later."""
    Mirroring.of(tracker).keep_secret(SECRET)

    def post(
        kind: str = "updated", *, minutes: int = 1, secret: str = SECRET, **values: Any
    ) -> int:
        moment = f"{BEGINNING + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"
        issue = {**there, **values, "updated_on": moment}
        body, headers = call_of(kind, issue, secret, moment=moment)
        address = f"/webhook/tracker/{tracker.pk}"
        client = Client(enforce_csrf_checks=True)
        answer = client.post(address, body, content_type="application/json", headers=headers)
        apply_calls(list(WebhookDelivery.objects.values_list("pk", flat=True)))
        return answer.status_code

    return post


def export() -> TaskExport:
    return TaskExport.objects.order_by("pk")[0]


def issue() -> Issue:
    return Issue.objects.get()


@pytest.mark.parametrize(
    ("status", "here"),
    [(STARTED, "in_progress"), (CLOSED, "done"), (REJECTED, "rejected")],
    ids=["started", "closed", "rejected"],
)
def test_the_status_there_becomes_the_status_here(post: Post, status: Any, here: str):
    assert post("created") == 200

    assert post(minutes=2, status=status) == 200

    assert (issue().status, export().status_there) == (here, status["name"])


def test_what_is_opened_again_there_is_open_here(post: Post):
    post("created")
    post(minutes=2, status=CLOSED)

    post(minutes=3, status=STARTED)

    assert issue().status == "in_progress"


def test_a_first_status_of_any_name_is_no_work_yet(post: Post):
    post("created", status={"id": 1, "name": "Neu", "is_closed": False})

    assert issue().status == "approved"


def test_a_new_assignee_is_shown(post: Post):
    post("created")

    post(minutes=2, assigned_to={"id": 3, "name": "Олена"})

    assert export().assignee_there == "Олена"


def test_a_title_there_becomes_the_title_here(post: Post):
    post("created")

    post(minutes=2, subject="Прод <лежить> & мовчить")

    assert issue().title == "Прод <лежить> & мовчить"


def test_what_is_deleted_there_is_gone(post: Post):
    post("created")

    assert post("deleted", minutes=2) == 200

    assert (export().is_gone, issue().status) == (True, "approved")


def test_a_call_with_another_secret_changes_nothing(post: Post):
    assert post(status=CLOSED, secret="another") == 401

    assert (issue().status, WebhookDelivery.objects.count()) == ("approved", 0)


def test_the_same_call_again_changes_nothing(post: Post):
    post("created")
    post(minutes=2, status=CLOSED)
    post(minutes=3, status=STARTED)

    assert post(minutes=2, status=CLOSED) == 200

    assert (issue().status, WebhookDelivery.objects.count()) == ("in_progress", 3)


def test_an_old_call_that_nobody_remembers_changes_nothing(post: Post):
    post("created")
    post(minutes=2, status=CLOSED)
    post(minutes=3, status=STARTED)
    WebhookDelivery.objects.all().delete()

    assert post(minutes=2, status=CLOSED) == 200

    assert issue().status == "in_progress"


def test_a_call_about_an_issue_of_people_leaves_nothing_here(post: Post):
    assert post(id=50, description="", custom_fields=[]) == 200

    assert not WebhookDelivery.objects.exists()


def test_a_call_waits_only_for_the_task_that_it_names(post: Post, make_issue: Any):
    making = TaskExport.objects.create(
        issue=make_issue(status="approved"), tracker=export().tracker, called_at=timezone.now()
    )
    for number, key in ((50, uuid4()), (51, making.uuid)):
        post(id=number, custom_fields=[{"id": 7, "value": str(key)}])

    statuses = WebhookDelivery.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["applied", "received"]


def test_a_copy_that_somebody_made_there_is_theirs(post: Post):
    post("created")

    post(minutes=2, id=77, status=CLOSED)

    assert issue().status == "approved"
