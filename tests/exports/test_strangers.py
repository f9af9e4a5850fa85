"""What has the number of our task and is not our task is left alone, and nothing is heard from it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.exports.models import Mirroring, TaskExport, Tracker
from apps.exports.poll import poll_due
from apps.exports.tasks import deliver_exports, open_exports
from apps.exports.trackers.base import ExternalIssue, Means
from apps.exports.trackers.redmine.tracker import Redmine
from tasktracker.lib.workflow import GiveUp
from tests.exports.conftest import LINEAR
from tests.stubs.linear import server as faults
from tests.stubs.redmine.server import RedmineServer, redmine_server
from tests.stubs.redmine.store import KEY, KEY_FIELD


def settings_of(server: RedmineServer) -> dict[str, str]:
    return {"url": server.url, "api_key": KEY, "project": "1", "key_field": KEY_FIELD}


def plugin_of(server: RedmineServer) -> Redmine:
    return Redmine(Redmine.Config.model_validate(settings_of(server)), Means(folder=Path()))


@pytest.fixture
def two(settings: Any) -> Iterator[list[RedmineServer]]:
    """Two Redmines, whose issues have the same numbers."""
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1", "localhost"]
    with redmine_server() as one, redmine_server() as other:
        yield [one, other]


@pytest.fixture
def stranger(two, payload):
    """An issue of people, and one of another installation of ours, where ours would be."""
    for _ in range(2):
        plugin_of(two[1]).create(payload, key=uuid4())
    first = two[1].store.issues[1]
    first.update(description="Тут пишуть люди", custom_fields=[], subject="Чуже")
    return plugin_of(two[1])


def test_nothing_is_heard_from_strangers_in_redmine(stranger):
    ours = {uuid4(): ExternalIssue(f"#{number}", "") for number in (1, 2)}

    assert not any(stranger.states(ours).values())


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("verb", ["note", "relate", "unrelate", "close", "link"])
def test_nothing_is_written_to_strangers_in_redmine(two, stranger, number, verb):
    key = uuid4()
    made = ExternalIssue(f"#{number}", "", key=key)
    other = ExternalIssue("#2", "https://linear.app/2", key=uuid4())
    two[1].questions.clear()

    with pytest.raises(GiveUp, match="not the one that we made"):
        {
            "note": lambda: stranger.note(made, "Ще двоє", key=uuid4()),
            "relate": lambda: stranger.relate(made, other, "related", key=uuid4()),
            "unrelate": lambda: stranger.unrelate(made, other, key=uuid4()),
            "close": lambda: stranger.close(replace(made, key=None), key=key),
            "link": lambda: stranger.link(replace(made, key=None), other, "Там", key=key),
        }[verb]()

    assert {question.partition(" ")[0] for question in two[1].questions} == {"GET"}


@pytest.fixture
def made(two, tracker, make_issue) -> Tracker:
    """A tracker that has made a task in the first Redmine."""
    Tracker.objects.update(kind="redmine", name="Redmine", config=settings_of(two[0]))
    open_exports([make_issue(status="approved", due_at=timezone.now()).pk])
    deliver_exports(list(TaskExport.objects.values_list("pk", flat=True)))
    return Tracker.objects.get()


def test_a_tracker_with_tasks_does_not_go_to_another_redmine(two, made, stranger):
    made.config = settings_of(two[1])

    with pytest.raises(ValidationError, match="make another tracker"):
        made.full_clean()


def test_a_tracker_with_tasks_follows_its_redmine_to_another_address(two, made):
    made.config = settings_of(two[0]) | {"url": two[0].url.replace("127.0.0.1", "localhost")}
    made.full_clean()
    two[1].store.issues = two[0].store.issues
    made.config = settings_of(two[1])

    made.full_clean()


def test_a_tracker_with_tasks_goes_nowhere_while_nobody_can_say_whether_they_are_there(two, made):
    two[1].faults = [faults.says(502, b"")] * 3
    made.config = settings_of(two[1])

    with pytest.raises(ValidationError, match="502"):
        made.full_clean()


def test_a_tracker_without_tasks_goes_anywhere(two, made):
    TaskExport.objects.update(is_gone=True)
    made.config = settings_of(two[1])

    made.full_clean()


def test_other_settings_are_changed_without_asking(two, made):
    two[0].questions.clear()
    made.config = {**settings_of(two[0]), "tracker": "2"}

    made.full_clean()

    assert two[0].questions == []


@pytest.fixture
def in_linear(linear, tracker, make_issue, settings) -> Tracker:
    """A tracker that has made a task in the workspace "kvit"."""
    settings.LINEAR_API_URL = linear.url
    Tracker.objects.update(kind="linear", name="Linear", config=LINEAR)
    open_exports([make_issue(status="approved", due_at=timezone.now()).pk])
    deliver_exports(list(TaskExport.objects.values_list("pk", flat=True)))
    return Tracker.objects.get()


def test_a_tracker_with_tasks_does_not_go_to_another_workspace(linear, in_linear):
    in_linear.config = {**LINEAR, "team": "t-other"}
    in_linear.full_clean()
    linear.store.issues.clear()
    linear.store.organization.urlKey = "another-bank"

    with pytest.raises(ValidationError, match="make another tracker"):
        in_linear.full_clean()


@pytest.mark.parametrize("are_in_the_bin", [True, False])
def test_a_tracker_whose_team_was_deleted_goes_to_another_one_of_the_workspace(
    linear, in_linear, are_in_the_bin
):
    linear.store.core.id = "t-deleted"
    for task in list(linear.store.issues.values()):
        task.trashed = True
    if not are_in_the_bin:
        linear.store.issues.clear()
    in_linear.config = {**LINEAR, "team": "t-other"}

    in_linear.full_clean()
    in_linear.save()
    poll_due()

    assert TaskExport.objects.get().status == "created"
    assert Mirroring.objects.get().last_error == ""


def test_a_workspace_is_known_by_the_name_that_it_had(linear, in_linear):
    linear.store.issues.clear()
    linear.store.organization.urlKey = "another-name"
    linear.store.organization.previousUrlKeys = ["kvit"]
    in_linear.config = {**LINEAR, "team": "t-other"}

    in_linear.full_clean()
