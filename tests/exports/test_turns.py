"""A tracker that rests, or is slow, keeps nobody from the tasks of the others."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext

from apps.exports import turns
from apps.exports.models import ExportUpdate, TaskExport, Tracker
from apps.exports.tasks import deliver_exports, tell_trackers
from apps.issues.models import Issue
from tests.exports.conftest import pass_time
from tests.exports.fake_tracker import Spare

Forced = Tracker.Forced


@pytest.fixture
def many(make_export, spare: Tracker) -> list[TaskExport]:
    """Of the first tracker, due."""
    return [make_export(due_at=Now()) for _ in range(5)]


@pytest.fixture
def another(many, spare: Tracker) -> TaskExport:
    """Of the other tracker, due."""
    return TaskExport.objects.create(issue=many[0].issue, tracker=spare, due_at=Now())


def rest(tracker: Tracker) -> None:
    Tracker.objects.filter(pk=tracker.pk).update(closed_until=Now() + timedelta(seconds=20))


def numbers(exports: list[TaskExport]) -> list[int]:
    return [export.pk for export in exports]


def test_all_that_wait_for_a_tracker_that_rests_wait_until_its_rest_is_over(many, tracker):
    rest(tracker)

    deliver_exports(numbers(many[:2]))

    left = TaskExport.objects.filter(due_at__gt=Now() + timedelta(seconds=15), attempts=0)
    assert left.count() == 5
    assert all("pauses after" in export.error for export in left)


def test_a_rest_costs_as_much_for_many_rows_as_for_few(make_export, tracker, fake):
    rest(tracker)
    costs = []
    for size in (5, 40):
        exports = [make_export(due_at=Now()) for _ in range(size)]
        with CaptureQueriesContext(connection) as queries:
            deliver_exports(numbers(exports))
        costs.append(len(queries))

    assert costs[0] == costs[1]


def test_rows_that_wait_for_a_rest_are_not_even_looked_at(many, tracker):
    rest(tracker)
    deliver_exports(numbers(many[:1]))

    with CaptureQueriesContext(connection) as queries:
        deliver_exports(numbers(many[1:]))

    assert sum("exports_taskexport" in one["sql"] for one in queries) == 1


def test_they_are_made_when_the_rest_is_over(many, tracker, fake):
    rest(tracker)
    deliver_exports(numbers(many))
    pass_time(timedelta(seconds=30))

    deliver_exports(numbers(many))

    assert len(fake.issues) == 5


def test_another_tracker_in_the_same_chunk_gets_its_tasks(many, tracker, spare):
    rest(tracker)
    theirs = TaskExport.objects.create(issue=many[0].issue, tracker=spare)

    deliver_exports([*numbers(many), theirs.pk])

    assert Spare.issues == [theirs.uuid]


def test_what_nobody_wants_is_given_up_also_while_the_tracker_rests(many, tracker):
    Tracker.objects.update(forced=Forced.OPEN)
    Issue.objects.filter(pk=many[-1].issue_id).update(status="rejected")

    deliver_exports(numbers(many))

    many[-1].refresh_from_db()
    assert many[-1].told_status == "Not wanted"


def test_what_somebody_works_on_is_left_to_them(many, tracker):
    rest(tracker)
    lease = Now() + timedelta(seconds=3)
    TaskExport.objects.filter(pk=many[-1].pk).update(leased_until=lease, due_at=lease, attempts=1)

    deliver_exports(numbers(many[:-1]))

    left = TaskExport.objects.get(pk=many[-1].pk)
    assert left.attempts == 1
    assert TaskExport.objects.filter(pk=left.pk, due_at__lt=Now() + timedelta(seconds=4)).exists()


def test_a_slow_tracker_has_its_turn_and_leaves_the_rest_for_later(
    many, tracker, another, monkeypatch, fake
):
    monkeypatch.setattr(turns, "TURN", timedelta(0))

    deliver_exports(numbers(many))

    left = tracker.exports.filter(status="pending", attempts=0, last_error="")
    assert fake.issues == [many[0].uuid]
    assert left.filter(leased_until=F("due_at"), due_at__lt=Now() + turns.PAUSE).count() == 4


def test_a_slow_tracker_goes_on_while_nobody_else_waits(many, monkeypatch, fake):
    monkeypatch.setattr(turns, "TURN", timedelta(0))

    deliver_exports(numbers(many))

    assert len(fake.issues) == 5


def test_a_slow_tracker_gets_everything_in_the_end(many, another, monkeypatch, fake):
    monkeypatch.setattr(turns, "TURN", timedelta(0))

    for _turn in many:
        deliver_exports(numbers(many))
        pass_time(turns.PAUSE)

    assert sorted(fake.issues) == sorted(export.uuid for export in many)


def test_a_slow_tracker_goes_on_where_the_others_of_the_chunk_rest(
    tracker, spare, make_export, monkeypatch, fake
):
    monkeypatch.setattr(turns, "TURN", timedelta(0))
    rest(spare)
    order = (spare, tracker, tracker, tracker, spare)
    exports = [make_export(tracker=whose) for whose in order]

    deliver_exports(numbers(exports))

    assert fake.issues == [export.uuid for export in exports[1:4]]


def test_after_a_slow_tracker_others_in_the_chunk_get_their_tasks(many, spare, monkeypatch, fake):
    monkeypatch.setattr(turns, "TURN", timedelta(0))
    theirs = TaskExport.objects.create(issue=many[0].issue, tracker=spare)

    deliver_exports([*numbers(many), theirs.pk])

    assert Spare.issues == [theirs.uuid]
    assert len(fake.issues) == 1


def test_news_for_a_tracker_that_rests_wait_as_well(made, report, tracker, fake, spare):
    exports = [made(f"Прод {number} лежить") for number in range(3)]
    for export in exports:
        report(export, "і в мене")
    rest(tracker)
    ExportUpdate.objects.update(due_at=Now(), leased_until=None)

    tell_trackers(list(ExportUpdate.objects.values_list("pk", flat=True)[:1]))

    late = ExportUpdate.objects.filter(status="waiting", due_at__gt=Now() + timedelta(seconds=15))
    assert late.count() == 3


@pytest.mark.parametrize(
    "unheard",
    [{"is_live": False}, {"status": TaskExport.Status.PENDING}],
    ids=["closed there", "sent anew"],
)
def test_what_is_not_to_be_told_is_settled_also_while_the_tracker_rests(
    made, report, tracker, fake, unheard
):
    exports = [made(f"Прод {number} лежить") for number in range(2)]
    for export in exports:
        report(export, "і в мене")
    TaskExport.objects.filter(pk=exports[1].pk).update(**unheard)
    rest(tracker)
    ExportUpdate.objects.update(due_at=Now(), leased_until=None)

    tell_trackers(list(ExportUpdate.objects.values_list("pk", flat=True)))

    assert [export.news.status for export in exports] == ["waiting", "told"]
