"""People move a task to another tracker, or send one again: the issue keeps one."""

import pytest

from apps.exports.models import ELSEWHERE, ExportPolicy, TaskExport
from apps.exports.moving import CannotMove, export_again, move, places_for, why_not_again
from apps.exports.send import send
from apps.issues.models import Issue
from tasktracker.lib.workflow import GiveUp, LostRace, TryLater
from tests.exports.fake_tracker import Spare
from tests.exports.standing_in import live, settle, settle_all

LINK, MOVE = ExportPolicy.OnRecovery


def test_export_again_leaves_a_task_where_it_is(export, by, fake):
    ExportPolicy.objects.update(on_recovery=LINK)
    settle()

    with pytest.raises(CannotMove, match="is in Spare"):
        export_again(export)

    assert (live(by.issue), fake.issues) == (["Spare"], [])


def test_what_was_left_elsewhere_is_moved_by_a_person(export, by, run, tracker):
    ExportPolicy.objects.update(on_recovery=LINK)
    settle()

    move(by.issue, tracker)
    settle()
    run(export)

    assert live(by.issue) == ["Fake"]
    assert Spare.closed == [by.uuid]


def test_a_failed_one_is_not_sent_again_beside_another_trackers_task(make_export, spare, run, fake):
    fake.does("create", before=GiveUp("wrong key"))
    export = run(make_export())
    sent = run(send(export.issue, spare, by=None))
    fake.does("create")

    with pytest.raises(CannotMove):
        export_again(export)

    assert live(sent.issue) == ["Spare"]


def test_what_is_held_elsewhere_is_given_up_when_a_person_sends_it(make_export, spare):
    held = make_export(held="too_many")

    send(held.issue, spare, by=None)

    held.refresh_from_db()
    assert (held.status, held.last_error) == ("failed", ELSEWHERE)


@pytest.mark.parametrize("held", ["by_hand", "too_many"])
def test_what_is_held_elsewhere_is_given_up_when_a_person_moves_it(make_export, spare, held):
    waiting = make_export(held=held)

    moved = move(waiting.issue, spare, leaving=waiting)

    waiting.refresh_from_db()
    assert (waiting.status, waiting.last_error) == ("failed", ELSEWHERE)
    assert (moved.status, moved.held) == ("pending", "")


@pytest.mark.parametrize("held", ["by_hand", "too_many"])
def test_what_is_held_is_made_when_a_person_moves_the_task_there(export, run, spare, fake, held):
    run(export)
    make_held = {"tracker": spare, "issue": export.issue, "held": held}
    waiting = TaskExport.objects.create(**make_held)

    move(export.issue, spare)
    settle()
    run(waiting)

    assert live(export.issue) == ["Spare"]
    assert fake.closed == [export.uuid]


def test_without_a_policy_what_is_held_for_a_third_tracker_stays(make_export, run, spare, third):
    ExportPolicy.objects.all().delete()
    first = run(make_export())
    waiting = make_export(first.issue, tracker=third, held="by_hand")

    move(first.issue, spare, leaving=first)

    waiting.refresh_from_db()
    assert (waiting.status, waiting.held) == ("pending", "by_hand")


def test_a_task_that_was_closed_there_is_not_made_there_again(export, by, run):
    settle()
    run(export)
    TaskExport.objects.filter(pk=by.pk).update(is_gone=True)

    with pytest.raises(CannotMove):
        export_again(TaskExport.objects.get(pk=by.pk))


def test_a_third_tracker_takes_the_task_from_the_one_that_stands_in(export, by, run, fake, third):
    fake.does("find", before=TryLater("away"))
    moved = move(by.issue, third)
    settle_all()
    run(moved)
    settle_all()
    fake.does("find")

    settle_all()
    run(export)

    assert live(by.issue) == ["Third"]
    assert fake.issues == []


def test_who_changes_their_mind_gets_one_task(export, run, fake, spare, third):
    run(export)
    Spare.does("find", before=TryLater("away"))
    move(export.issue, spare)
    moved = move(export.issue, third)
    settle_all()
    run(moved)
    Spare.does("find")

    settle_all()
    run(export.issue.exports.get(tracker=spare))

    assert live(export.issue) == ["Third"]
    assert Spare.issues == []


def test_without_a_policy_the_task_that_a_person_names_is_the_one_that_goes(
    make_export, run, fake, spare, third
):
    ExportPolicy.objects.all().delete()
    first = run(make_export())
    second = run(make_export(first.issue, tracker=spare))

    moved = move(first.issue, third, leaving=first)
    settle_all()
    run(moved)

    assert live(first.issue) == ["Spare", "Third"]
    assert (fake.closed, Spare.closed) == ([first.uuid], [])
    assert second.is_live


def test_a_person_moves_a_task(export, run, spare, fake):
    run(export)

    moved = move(export.issue, spare)
    settle()
    run(moved)
    settle()

    assert live(export.issue) == ["Spare"]
    assert fake.closed == [export.uuid]


def test_a_task_that_is_on_its_way_is_not_moved(export, spare):
    with pytest.raises(CannotMove, match="on its way to Fake"):
        move(export.issue, spare)


def test_a_task_that_is_there_is_not_moved_there(export, run, tracker):
    run(export)

    with pytest.raises(CannotMove, match="there already"):
        move(export.issue, tracker)


def test_an_issue_that_is_not_approved_has_no_task_to_move(make_issue, spare):
    with pytest.raises(CannotMove, match="approved"):
        move(make_issue(), spare)


def test_nobody_lets_go_what_another_tracker_stands_in_for(export, by):
    export.refresh_from_db()

    with pytest.raises(LostRace):
        export.release()


def test_only_a_tracker_that_would_take_the_task_is_offered(export, by, run):
    assert [place.name for place in places_for(by)] == ["Fake"]
    assert list(places_for(export)) == []  # it is in the other one

    settle()
    run(export)

    assert list(places_for(export)) == []  # there it is closed


def test_a_task_that_nobody_wants_is_offered_to_no_tracker(export, by):
    Issue.objects.update(status=Issue.Status.REJECTED)

    assert list(places_for(TaskExport.objects.get(pk=by.pk))) == []


def test_what_is_in_another_tracker_says_so_before_it_is_sent_again(export, by):
    ExportPolicy.objects.update(on_recovery=LINK)
    assert why_not_again(by) == ""

    settle()

    assert "is in Spare" in why_not_again(TaskExport.objects.get(pk=export.pk))


def test_what_we_have_closed_is_not_shown_as_it_was_before(export, by, run):
    TaskExport.objects.filter(pk=by.pk).update(remote={"status_name": "New", "assignee": "Olena"})
    settle()
    run(export)

    closed = TaskExport.objects.get(pk=by.pk)
    assert (closed.status_there, closed.assignee_there) == ("", "")
