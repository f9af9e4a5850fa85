"""Trackers are asked what changed: one process at a time, no more often than they like."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.exports.models import Mirroring, TaskExport, Tracker
from apps.exports.models.mirroring import OVERLAP
from apps.exports.poll import _to_look_at, poll_due
from apps.exports.trackers.base import Limited, RemoteState
from apps.issues.models import Issue
from tasktracker.lib.workflow import GiveUp, TryLater

HOUR = timedelta(hours=1)


@pytest.fixture
def there(make_export, telling):
    """An issue that is in the tracker, in progress, and was looked at."""
    moment = timezone.now()
    export = make_export(status="created", external_id="T-1", looked_at=moment)
    telling.there[export.uuid] = RemoteState(
        "T-1", moment, key=export.uuid, status="in_progress", status_name="Doing", title="Прод"
    )
    return export


def poll(tracker, *, later=timedelta(0)):
    for name in ("heard_at", "asked_at", "due_at"):
        rows = Mirroring.objects.exclude(**{name: None})
        for row in rows:
            rows.filter(pk=row.pk).update(**{name: getattr(row, name) - later})
    poll_due()
    return Mirroring.objects.filter(tracker=tracker).first()


def test_what_changed_there_changes_here(tracker, there, telling):
    mirroring = poll(tracker)

    assert Issue.objects.get().status == "in_progress"
    assert mirroring.synced_until == telling.there[there.uuid].updated_at
    assert mirroring.last_error == ""


def test_the_next_question_begins_a_little_earlier(tracker, there, telling):
    synced = poll(tracker).synced_until

    poll(tracker, later=HOUR)

    assert telling.asked == [telling.asked[0], synced - OVERLAP]
    assert telling.calls == ["changed"] * 2


def test_more_changes_of_five_minutes_than_an_answer_has_are_all_heard(
    tracker, there, telling, monkeypatch
):
    monkeypatch.setattr(telling, "at_once", 2)
    start = timezone.now() - OVERLAP * 3
    Mirroring.of(tracker)
    Mirroring.objects.update(synced_until=start)
    for number in range(9):  # of people there, and then ours
        key = uuid4()
        telling.there[key] = RemoteState(
            f"T-9{number}", start + timedelta(seconds=number), key=key, status="done"
        )

    for _ in range(10):
        poll(tracker, later=HOUR)

    assert Issue.objects.get().status == "in_progress"


def test_more_changes_of_the_last_minutes_than_an_answer_has_are_all_heard(
    tracker, there, telling, monkeypatch
):
    monkeypatch.setattr(telling, "at_once", 2)
    for number in range(9):  # of people there, before ours
        moment = timezone.now() - OVERLAP / 2 + timedelta(seconds=number)
        key = uuid4()
        telling.there[key] = RemoteState(f"T-9{number}", moment, key=key, status="done")

    for _ in range(10):
        poll(tracker, later=HOUR)

    assert Issue.objects.get().status == "in_progress"


def test_more_changes_of_one_moment_than_an_answer_has_do_not_stop_it(
    tracker, there, telling, monkeypatch
):
    monkeypatch.setattr(telling, "at_once", 2)
    moment = timezone.now() - OVERLAP / 2
    for number in range(3):
        key = uuid4()
        telling.there[key] = RemoteState(f"T-9{number}", moment, key=key, status="done")

    for _ in range(4):
        poll(tracker, later=HOUR)

    assert Issue.objects.get().status == "in_progress"


def test_a_tracker_is_asked_once_a_minute_by_whoever_comes_first(tracker, there, telling):
    for _ in range(3):
        poll(tracker)

    assert telling.calls == ["changed"]


def test_nobody_asks_twice_while_somebody_asks(tracker, there, telling):
    telling.before["changed"] = poll_due

    poll(tracker)

    assert telling.calls == ["changed"]


@pytest.mark.parametrize(
    "changes", [{"is_active": False}, {"kind": "json"}, {"limited_until": timezone.now() + HOUR}]
)
def test_a_tracker_that_may_not_be_asked_is_not(tracker, there, telling, changes):
    Tracker.objects.update(**changes)

    poll(tracker)

    assert telling.calls == []


def test_a_tracker_without_an_issue_of_ours_is_not_asked(tracker, telling):
    poll(tracker)

    assert telling.calls == []


def test_one_that_calls_us_is_asked_each_hour(tracker, there, telling):
    mirroring = Mirroring.of(tracker)
    mirroring.note_call()
    poll(tracker)

    poll(tracker, later=HOUR / 2)
    assert telling.calls == ["changed"]
    poll(tracker, later=HOUR)

    assert telling.calls == ["changed"] * 2


def test_one_that_has_stopped_calling_is_asked_each_minute_again(tracker, there, telling):
    Mirroring.of(tracker).note_call()
    missed = timezone.now() - OVERLAP - timedelta(seconds=5)
    Mirroring.objects.update(synced_until=missed)
    telling.there[there.uuid] = RemoteState("T-1", missed, key=there.uuid, status="done")

    assert poll(tracker).heard_at is None
    assert Issue.objects.get().status == "done"


@pytest.mark.parametrize("kind", ["approved", "done"])
def test_what_is_deleted_there_is_found(tracker, there, telling, kind):
    TaskExport.objects.update(looked_at=timezone.now() - timedelta(days=2))
    Issue.objects.update(status=kind)
    now = timezone.now()
    telling.there[there.uuid] = RemoteState("T-1", now, key=there.uuid, is_gone=True)

    poll(tracker)

    export = TaskExport.objects.get()
    assert (export.is_gone, telling.asked[1]) == (True, {there.uuid})
    assert not _to_look_at(tracker)


def test_what_was_just_made_is_left_time_to_appear(tracker, there, telling):
    TaskExport.objects.update(looked_at=None, status_changed_at=timezone.now())

    poll(tracker)

    assert telling.calls == ["changed"]


def test_what_a_question_had_no_room_for_is_looked_at_the_next_time(
    tracker, there, telling, make_export, monkeypatch
):
    monkeypatch.setattr(telling, "looks_at", 2)
    old = timezone.now() - timedelta(hours=3)
    TaskExport.objects.update(looked_at=old)
    others = [make_export(status="created", looked_at=old).uuid for _ in range(2)]

    for _ in range(2):
        poll(tracker, later=HOUR)

    asked = [keys for keys in telling.asked if isinstance(keys, set)]
    assert asked == [{there.uuid, *others}, {others[1]}]


@pytest.mark.parametrize(
    ("error", "failures", "is_limited", "words"),
    [
        (TryLater("nobody is there"), 1, False, "nobody is there"),
        (GiveUp("no right to read"), 0, False, "no right to read"),
        (Limited("enough", delay=HOUR), 0, True, ""),
        (KeyError("odd"), 0, False, "KeyError: 'odd'"),
    ],
)
def test_trouble_is_kept_for_people_and_the_next_turn_comes(
    tracker, there, telling, error, failures, is_limited, words
):
    telling.does("changed", before=error)

    mirroring = poll(tracker)

    tracker.refresh_from_db()
    assert (tracker.failures_in_a_row, bool(tracker.limited_until)) == (failures, is_limited)
    assert (mirroring.last_error, mirroring.asked_at) == (words, None)
    assert mirroring.due_at < timezone.now() + timedelta(minutes=2)


def test_an_answer_closes_the_circuit_and_keeps_what_exports_say(tracker, there, telling):
    Tracker.objects.update(failures_in_a_row=3)
    poll(tracker)
    tracker.refresh_from_db()
    assert tracker.failures_in_a_row == 0
    Tracker.objects.update(last_error="no right to create")

    poll(tracker, later=HOUR)

    tracker.refresh_from_db()
    assert tracker.last_error == "no right to create"
