"""Many issues of one tracker are made in one call; whatever breaks, each is made once."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.db.models.functions import Now

from apps.exports import together, turns
from apps.exports.models import TaskExport, Tracker
from apps.exports.tasks import deliver_exports
from apps.exports.trackers import TRACKERS
from apps.exports.trackers.base import Doubtful, ExternalIssue, IssuePayload, Limited
from apps.issues.decisions import reject
from apps.issues.models import Issue
from tasktracker.lib.plugins import PlugIn
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.exports.conftest import pass_time
from tests.exports.fake_tracker import Fake


class FakeOfMany(Fake):
    at_once: ClassVar[int] = 3
    sizes: ClassVar[list[int]] = []

    def create_many(self, issues: Mapping[UUID, IssuePayload]) -> Mapping[UUID, ExternalIssue]:
        self.sizes.append(len(issues))
        self._run("create_many", lambda: self.issues.extend(issues))
        return {key: ExternalIssue(f"FAKE-{self.issues.index(key) + 1}", "") for key in issues}


@pytest.fixture
def exports(fake, make_export, make_issue, monkeypatch) -> list[TaskExport]:
    path = f"{FakeOfMany.__module__}.{FakeOfMany.__qualname__}"
    monkeypatch.setitem(TRACKERS, "fake", PlugIn("Fake", path))
    FakeOfMany.sizes.clear()
    return [make_export(make_issue(str(n), status=Issue.Status.APPROVED)) for n in range(5)]


@pytest.fixture
def deliver(exports: list[TaskExport]) -> Callable[..., list[str]]:
    def deliver(*, later: float = 0) -> list[str]:
        """As a worker does; the statuses then."""
        pass_time(timedelta(seconds=later))
        Tracker.objects.update(failures_in_a_row=0, closed_until=None)
        deliver_exports([export.pk for export in exports])
        return [row.status for row in TaskExport.objects.order_by("pk")]

    return deliver


@pytest.fixture
def others(exports: list[TaskExport], spare: Tracker) -> TaskExport:
    """Waits for another tracker."""
    return TaskExport.objects.create(issue=exports[0].issue, tracker=spare, due_at=Now())


def each_once(exports: list[TaskExport]) -> bool:
    return sorted(Fake.issues) == sorted(export.uuid for export in exports)


def test_many_are_made_in_chunks(exports, deliver):
    assert deliver() == ["created"] * 5

    assert FakeOfMany.sizes == [3, 2]
    assert each_once(exports)
    assert Fake.calls.count("complete") == 5
    assert {row.external_id for row in TaskExport.objects.all()} == {
        f"FAKE-{n}" for n in range(1, 6)
    }
    assert all(row.told_messages == [] for row in TaskExport.objects.all())


def test_one_that_nobody_wants_or_that_was_called_for_is_left_out(exports, deliver):
    reject(exports[0].issue, by=None)
    Fake.issues.append(exports[1].uuid)
    TaskExport.objects.filter(pk=exports[1].pk).update(called_at="2026-01-01T00:00:00Z")

    assert deliver() == ["failed"] + ["created"] * 4

    assert each_once(exports[1:])
    assert FakeOfMany.sizes == [3]


@pytest.mark.parametrize("error", [GiveUp("one is bad"), TryLater("unreachable")])
def test_what_was_refused_together_is_made_alone(exports, deliver, error):
    Fake.does("create_many", before=error)

    assert deliver() == ["created"] * 5

    assert each_once(exports)
    assert Fake.calls.count("find") == 0


def test_what_may_have_been_made_together_is_looked_for(exports, deliver):
    Fake.does("create_many", after=Doubtful("nobody answered"))
    # One doubt, and the rest is made alone.
    assert deliver() == ["pending"] * 3 + ["created"] * 2
    assert each_once(exports)
    Fake.does("create_many")

    assert deliver(later=40) == ["created"] * 5
    assert each_once(exports)


def test_a_limit_holds_for_all(exports, deliver):
    Fake.does("create_many", before=Limited("too often", delay=timedelta(seconds=90)))

    assert deliver() == ["pending"] * 5

    assert Fake.calls == ["create_many"]
    Fake.does("create_many")
    assert deliver(later=100) == ["created"] * 5


def test_a_mistake_of_ours_makes_none_twice(exports, deliver):
    Fake.does("create_many", after=KeyError("issues"))
    deliver()
    Fake.does("create_many")

    assert deliver(later=40) == ["created"] * 5
    assert each_once(exports)


def test_what_is_rejected_meanwhile_is_kept_track_of(exports, deliver):
    """It is there, so its row must say where."""

    def reject_it() -> None:
        Fake.before.clear()
        reject(Issue.objects.get(pk=exports[0].issue_id), by=None)

    Fake.before["create_many"] = reject_it

    assert deliver() == ["created"] * 5


def test_one_is_made_alone(exports, fake):
    deliver_exports([exports[0].pk])

    assert Fake.calls == ["create", "complete"]


def test_a_row_that_others_took_is_not_made(exports, deliver):
    stolen: dict[str, Any] = {"leased_until": "2030-01-01T00:00:00Z"}
    Fake.before["create_many"] = lambda: Fake.before.clear()
    TaskExport.objects.filter(pk=exports[0].pk).update(**stolen)

    assert deliver() == ["pending"] + ["created"] * 4
    assert each_once(exports[1:])


def test_all_that_are_made_are_known_before_any_is_complete(exports, deliver):
    Fake.does("complete", before=Limited("enough", delay=timedelta(hours=1)))

    assert deliver() == ["pending"] * 5

    assert not TaskExport.objects.filter(external_id="").exists()


def test_what_was_made_together_does_not_wait_for_another_turn(
    exports, others, deliver, monkeypatch
):
    monkeypatch.setattr(turns, "TURN", timedelta(0))

    assert deliver() == ["created"] * 5 + ["pending"]


def test_making_many_together_is_part_of_the_turn(exports, others, monkeypatch):
    now = [0.0]
    for module in (together, turns):
        monkeypatch.setattr(module, "monotonic", lambda: now[0])
    Fake.before["create_many"] = lambda: now.append(now.pop() + 11)

    deliver_exports([export.pk for export in exports[:4]])

    rows = TaskExport.objects.filter(pk__in=[export.pk for export in exports[:4]])
    assert [row.status for row in rows.order_by("pk")] == ["created"] * 3 + ["pending"]
