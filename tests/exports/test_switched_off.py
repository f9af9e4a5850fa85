"""The task may be in a tracker that somebody has switched off: the issue waits for a person, and says so."""

import pytest
from django.utils import timezone

from apps.exports.failover import fall_back
from apps.exports.models import TaskExport, Tracker
from apps.exports.send import send, why_not
from tests.exports.conftest import break_off
from tests.exports.fake_tracker import Spare
from tests.exports.standing_in import live, settle, settle_all


@pytest.fixture
def left_behind(export, tracker, spare) -> TaskExport:
    """It stands in, nobody knows what came of its call, and its tracker is switched off."""
    break_off(tracker)
    fall_back()
    by = export.issue.exports.get(tracker=spare)
    TaskExport.objects.filter(pk=by.pk).update(status="failed", called_at=timezone.now())
    Tracker.objects.filter(pk=spare.pk).update(is_active=False)
    return by


def test_what_waits_for_it_names_it(export, left_behind):
    settle()

    export = TaskExport.objects.get(pk=export.pk)
    assert "Spare is switched off, and may have the task" in export.error


def test_a_person_sends_what_waits(export, left_behind, tracker, run):
    send(export.issue, tracker, by=None)
    run(export, later=60)

    assert live(export.issue) == ["Fake"]


def test_once_it_was_sent_nobody_is_asked_to_send_the_other(export, left_behind, tracker, run):
    send(export.issue, tracker, by=None)
    run(export, later=60)
    settle_all()

    told = TaskExport.objects.get(pk=left_behind.pk).error
    assert "Spare is switched off: once it is on" in told
    assert "send this one" not in told


def test_what_it_has_is_closed_once_it_is_switched_on(export, left_behind, tracker, run):
    Spare.issues.append(left_behind.uuid)
    send(export.issue, tracker, by=None)
    run(export, later=60)

    Tracker.objects.update(is_active=True)
    settle_all()

    assert Spare.closed == [left_behind.uuid]


def test_what_waits_for_one_that_is_on_its_way_is_not_sent(export, tracker, by):
    assert why_not(export.issue, tracker) == "Another tracker stands in for it."
