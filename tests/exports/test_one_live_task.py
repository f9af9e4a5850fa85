"""Whatever comes in between, a stand-in ends with one live task (docs/decisions/0020-one-live-task.md)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.exports import failover
from apps.exports.failover import fall_back
from apps.exports.models import NOT_WANTED, ExportPolicy, StandIn, TaskExport
from apps.exports.moving import CannotMove, export_again, move
from apps.exports.send import send
from apps.exports.tasks import open_exports
from apps.exports.trackers.base import Doubtful
from apps.issues import decisions
from apps.issues.models import Issue
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.exports.conftest import break_off
from tests.exports.fake_tracker import Spare
from tests.exports.standing_in import live, settle, settle_all

LINK, MOVE = ExportPolicy.OnRecovery


@pytest.fixture
def begun(by) -> TaskExport:
    """Its closing has begun, and nobody saw the end of that."""
    Spare.does("close", before=TryLater("away"))
    settle()
    Spare.does("close")
    return by


@pytest.fixture
def refused(export, tracker, spare, run) -> TaskExport:
    """The tracker that should stand in does not want it."""
    Spare.does("create", before=GiveUp("no right"))
    break_off(tracker)
    fall_back()
    return run(export.issue.exports.get(tracker=spare))


@pytest.fixture
def in_doubt(export, run, fake) -> TaskExport:
    """Made, for all that anybody knows: it failed before its tracker could be asked."""
    fake.does("create", after=Doubtful("no answer"))
    run(export)
    fake.does("create")
    fake.does("find", before=GiveUp("wrong key"))
    return run(export, later=60)


def run_all(issue, run) -> None:
    for one in issue.exports.all():
        run(one, later=60)


def test_a_move_that_has_begun_goes_on_whatever_the_policy_says_by_then(export, begun, run):
    ExportPolicy.objects.update(on_recovery=LINK)

    settle()
    run(export)

    assert Spare.closed == [begun.uuid]
    assert live(export.issue) == ["Fake"]


def test_a_move_that_has_begun_goes_on_when_the_issue_is_rejected(export, begun, run):
    decisions.reject(export.issue, by=None)
    settle()
    run(export)
    settle()

    issue = Issue.objects.get(pk=export.issue_id)
    decisions.reopen(issue, by=None)
    decisions.approve(issue, by=None)
    open_exports([issue.pk])
    run(export)

    assert Spare.closed == [begun.uuid]
    assert live(issue) == ["Fake"]


@pytest.mark.parametrize("verb", ["move", "send"])
def test_a_third_tracker_takes_the_place_of_one_that_refused(
    export, refused, third, run, fake, verb
):
    verbs = {"move": move, "send": lambda issue, there: send(issue, there, by=None)}
    taken = verbs[verb](export.issue, third)

    settle_all()
    run(export)
    run(taken)
    settle_all()
    run(export)

    assert live(export.issue) == ["Third"]
    assert fake.issues == []


def test_what_is_exported_again_takes_the_place_of_one_that_refused(
    export, refused, third, run, fake
):
    failed = TaskExport.objects.create(issue=export.issue, tracker=third, status="failed")

    export_again(failed)
    settle_all()
    run(export)
    run(failed)

    assert live(export.issue) == ["Third"]
    assert fake.issues == []


def test_one_that_refused_is_asked_again_in_its_old_place(export, refused, run):
    Spare.does("create")

    export_again(refused)
    run(refused)

    assert live(export.issue) == ["Spare"]
    assert StandIn.objects.get().how == ""


def test_a_task_that_moved_and_is_refused_says_so_and_is_left_alone(export, by, run, fake):
    fake.does("create", before=GiveUp("wrong key"))
    settle()
    run(export)

    item = settle()

    assert (item.status, item.last_error) == ("moving", "wrong key")
    rarely = timezone.now() + timedelta(minutes=10)
    assert StandIn.objects.filter(due_at__gt=rarely).exists()


def test_a_task_that_moved_and_is_taken_over_is_waited_for_no_more(export, by, run, fake, third):
    fake.does("create", before=GiveUp("wrong key"))
    settle()
    run(export)
    run(move(by.issue, third))

    settle_all()

    assert {item.status for item in StandIn.objects.all()} == {"settled"}


@pytest.mark.parametrize("verb", ["move", "send"])
def test_what_may_have_been_made_is_looked_for_and_closed(in_doubt, spare, run, fake, verb):
    verbs = {"move": move, "send": lambda issue, there: send(issue, there, by=None)}
    taken = run(verbs[verb](in_doubt.issue, spare))
    item = settle()
    fake.does("find")

    waited = item.last_error
    settle()

    in_doubt.refresh_from_db()
    assert waited == "wrong key"
    assert live(taken.issue) == ["Spare"]
    assert (fake.closed, in_doubt.external_id) == ([in_doubt.uuid], "FAKE-1")


def test_what_is_held_and_may_have_been_made_is_looked_for_too(in_doubt, spare, run, fake):
    TaskExport.objects.filter(pk=in_doubt.pk).update(status="pending", held="by_hand")
    fake.does("find")

    run(send(in_doubt.issue, spare, by=None))
    settle()

    assert fake.closed == [in_doubt.uuid]
    assert live(in_doubt.issue) == ["Spare"]


def test_of_two_that_are_wanted_again_the_other_is_looked_for(export, by, run, fake):
    """Nobody knows what became of the calls for either."""
    wanted = {"status": "failed", "held": "", "last_error": NOT_WANTED, "external_id": ""}
    export.issue.exports.update(**wanted, called_at=timezone.now() - timedelta(minutes=1))
    StandIn.objects.update(status="settled")
    fake.issues.append(export.uuid)
    Issue.objects.update(due_at=timezone.now())

    open_exports([export.issue_id])
    run(export, later=60)
    settle_all()

    assert live(export.issue) == ["Fake"]
    assert Spare.closed == [by.uuid]


def test_a_task_that_nobody_could_complete_is_closed_where_it_is(export, spare, run, fake):
    made = {"status": "failed", "external_id": "FAKE-1"}
    TaskExport.objects.filter(pk=export.pk).update(**made)
    fake.issues.append(export.uuid)

    run(move(export.issue, spare))
    settle()

    assert fake.closed == [export.uuid]
    assert live(export.issue) == ["Spare"]


def test_a_stand_in_that_may_have_been_made_is_asked_before_the_task_comes_back(
    export, tracker, spare, run, fake
):
    Spare.does("create", after=Doubtful("no answer"))
    break_off(tracker)
    fall_back()
    by = run(export.issue.exports.get(tracker=spare))
    Spare.does("create")
    Spare.does("find", before=GiveUp("wrong key"))
    by = run(by, later=60)
    item = settle()
    run(export)
    waited = (by.status, item.status, item.last_error, list(fake.issues))
    Spare.does("find")
    settle()
    run(by, later=60)

    assert waited == ("failed", "standing", "wrong key", [])
    assert live(export.issue) == ["Spare"]


def test_a_stand_in_of_which_nothing_was_made_gives_the_task_back(
    export, tracker, spare, run, fake
):
    break_off(tracker)
    fall_back()
    by = export.issue.exports.get(tracker=spare)
    TaskExport.objects.filter(pk=by.pk).update(status="failed", called_at=timezone.now())

    settle()
    run(export)

    by.refresh_from_db()
    assert live(export.issue) == ["Fake"]
    assert not by.may_be_there


def test_what_we_closed_ourselves_is_not_taken_up_again(export, by, fake):
    ExportPolicy.objects.update(on_recovery=LINK)
    fake.issues.append(export.uuid)
    settle()
    TaskExport.objects.filter(pk=by.pk).update(is_gone=True)
    export.refresh_from_db()

    with pytest.raises(CannotMove, match="closed there"):
        export_again(export)

    assert not export.can_be_retried


def test_a_delivery_from_before_leaves_what_is_stood_in_for_alone(export, by, run):
    decisions.reject(by.issue, by=None)

    run(export)

    assert (export.status, export.held) == ("pending", "away")


def test_a_stand_in_for_nothing_any_more_is_settled(export, by):
    TaskExport.objects.filter(pk=export.pk).update(status="failed", last_error=NOT_WANTED)

    assert settle().status == "settled"


def test_who_makes_a_deleted_task_again_while_we_look_keeps_it_the_only_one(export, by, run, fake):
    TaskExport.objects.filter(pk=by.pk).update(is_gone=True)
    fake.before["find"] = lambda: export_again(TaskExport.objects.get(pk=by.pk))

    settle()
    fake.before.clear()
    for _round in range(3):
        run_all(export.issue, run)
        settle_all()

    left_open = set(Spare.issues) - set(Spare.closed) - {by.uuid}
    assert live(export.issue) == ["Fake"]
    assert (len(fake.issues), left_open) == (1, set())


def test_those_that_nobody_stands_in_for_do_not_keep_others_waiting(
    export, refused, make_export, make_issue, tracker, monkeypatch
):
    settle()
    monkeypatch.setattr(failover, "AT_ONCE", 1)
    later = make_export(make_issue("Оплата падає", status=Issue.Status.APPROVED))
    break_off(tracker)

    fall_back()

    later.refresh_from_db()
    assert later.held == "away"


def test_two_never_wait_for_each_other(by, third, run, tracker, fake):
    """The one that would stand in waits itself, for the one whose place it should take."""
    fake.does("find", before=TryLater("away"))
    moved = move(by.issue, third)
    settle_all()
    run(moved)
    TaskExport.objects.filter(pk=moved.pk).update(status="pending", external_id="", called_at=None)
    ExportPolicy.objects.update(tracker=third, fallback=tracker)
    break_off(third)

    fall_back()

    moved.refresh_from_db()
    assert moved.held == ""
