"""One tracker is away, another stands in, and in the end the issue has one live task."""

import json

from django.db.models.functions import Now

from apps.exports.failover import fall_back
from apps.exports.models import ELSEWHERE, ExportPolicy, TaskExport, Tracker
from apps.exports.tasks import open_exports
from apps.exports.trackers.base import Doubtful
from apps.issues import decisions
from apps.issues.models import Change
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.exports.conftest import LINEAR, break_off
from tests.exports.fake_tracker import Spare
from tests.exports.standing_in import live, settle

LINK, MOVE = ExportPolicy.OnRecovery


def test_a_tracker_that_has_failed_for_long_is_stood_in_for(export, by, spare):
    export.refresh_from_db()

    assert (by.status, by.tracker) == ("created", spare)
    assert (export.status, export.held) == ("pending", "away")


def test_a_short_trouble_moves_nothing(export, tracker):
    for _attempt in range(5):
        tracker.note_failure("away")

    fall_back()

    assert TaskExport.objects.count() == 1


def test_a_tracker_that_is_left_alone_by_order_is_stood_in_for_at_once(export, tracker, spare):
    Tracker.objects.filter(pk=tracker.pk).update(forced="open")

    fall_back()

    assert export.issue.exports.filter(tracker=spare).exists()


def test_nothing_goes_to_a_stand_in_that_is_away_itself(export, tracker, spare):
    break_off(tracker)
    break_off(spare)

    fall_back()

    assert TaskExport.objects.count() == 1


def test_a_call_that_may_be_under_way_is_not_overtaken(export, tracker):
    TaskExport.objects.filter(pk=export.pk).update(called_at=Now())
    break_off(tracker)

    fall_back()

    assert TaskExport.objects.count() == 1


def test_the_held_one_makes_nothing(export, by, run, fake):
    run(export)

    assert fake.issues == []


def test_while_the_first_is_away_the_other_stands(by, tracker, fake):
    fake.does("find", before=TryLater("away"))

    item = settle(later=0)

    assert item.status == "standing"
    assert live(by.issue) == ["Spare"]


def test_moving_closes_the_one_before_it_makes_the_other(export, by, run, fake):
    settle()
    closed_first = (list(Spare.closed), list(fake.issues))
    run(export)
    settle()

    assert closed_first == ([by.uuid], [])
    assert live(by.issue) == ["Fake"]
    assert (fake.issues, Spare.issues) == ([export.uuid], [by.uuid])


def test_the_history_tells_who_took_over_and_what_was_closed(by, run):
    settle()

    told = by.issue.changes.filter(kind=Change.Kind.EXPORT).exclude(Change.EXPORTED)
    assert list(told.values_list("details", flat=True)) == [
        {"tracker": "Fake", "taken_over_by": "Spare"},
        {"tracker": "Spare", "closed": "FAKE-1"},
    ]


def test_a_task_that_was_closed_for_another_is_called_so(by, run):
    settle()

    by.refresh_from_db()
    assert by.told_status == "Closed there"


def test_both_carry_a_link_to_the_other(export, by, run, fake):
    settle()
    run(export)
    item = settle()

    assert item.status == "settled"
    assert fake.links == [(export.uuid, "Те саме завдання в Spare: FAKE-1")]
    assert Spare.links == [(by.uuid, "Те саме завдання в Fake: FAKE-1")]


def test_leaving_it_makes_nothing_in_the_first(export, by, run, fake):
    ExportPolicy.objects.update(on_recovery=LINK)

    item = settle()
    run(export)

    export.refresh_from_db()
    assert item.status == "settled"
    assert (export.status, export.last_error) == ("failed", ELSEWHERE)
    assert (live(by.issue), fake.issues) == (["Spare"], [])


def test_what_the_first_had_made_after_all_is_closed_and_linked(export, by, fake):
    ExportPolicy.objects.update(on_recovery=LINK)
    fake.issues.append(export.uuid)

    settle()

    export.refresh_from_db()
    assert fake.closed == [export.uuid]
    assert (export.external_id, export.is_live) == ("FAKE-1", False)
    assert len(fake.links) == len(Spare.links) == 1
    assert live(by.issue) == ["Spare"]


def test_what_the_first_had_made_after_all_is_taken_when_it_moves(export, by, run, fake, tracker):
    fake.issues.append(export.uuid)
    TaskExport.objects.filter(pk=export.pk).update(called_at=Now())

    settle()
    run(export, later=30)

    assert fake.issues == [export.uuid]
    assert live(by.issue) == ["Fake"]


def test_a_first_that_is_back_before_the_other_was_called_keeps_its_task(
    export, tracker, spare, run, fake
):
    break_off(tracker)
    fall_back()

    settle()
    run(export)

    assert live(export.issue) == ["Fake"]
    assert Spare.issues == []


def test_a_stand_in_that_refuses_gives_the_task_back(export, tracker, spare, run):
    Spare.does("create", before=GiveUp("no right"))
    break_off(tracker)
    fall_back()
    run(export.issue.exports.get(tracker=spare))

    settle()
    run(export)

    assert live(export.issue) == ["Fake"]


def test_one_that_cannot_be_closed_stays_the_live_one_and_says_why(export, by, fake):
    Spare.does("close", before=GiveUp("no right"))

    item = settle()

    export.refresh_from_db()
    assert (item.status, item.last_error) == ("standing", "no right")
    assert "no right" in export.error
    assert (live(by.issue), fake.issues) == (["Spare"], [])


def test_it_moves_once_the_right_is_there(export, by, run, fake):
    Spare.does("close", before=GiveUp("no right"))
    settle()
    Spare.does("close")

    settle()
    run(export)

    assert live(by.issue) == ["Fake"]


def test_a_close_whose_answer_is_lost_is_repeated(export, by, run, fake):
    Spare.does("close", after=Doubtful("no answer"))
    settle()
    Spare.does("close")
    settle()
    run(export)

    assert Spare.closed == [by.uuid, by.uuid]
    assert live(by.issue) == ["Fake"]


def test_an_issue_that_nobody_wants_any_more_does_not_move(export, by, fake):
    decisions.reject(by.issue, by=None)

    settle()

    assert (fake.issues, Spare.closed) == ([], [])


def test_a_stand_in_that_refuses_is_not_asked_each_round(export, tracker, spare, run):
    Spare.does("create", before=GiveUp("no right"))
    break_off(tracker)
    fall_back()
    run(export.issue.exports.get(tracker=spare))
    settle()
    break_off(tracker)

    fall_back()

    export.refresh_from_db()
    assert export.held == ""
    assert Spare.calls.count("create") == 1


def test_one_that_was_moved_away_does_not_keep_an_issue_from_being_wanted_again(
    export, by, tracker
):
    settle()
    decisions.reject(by.issue, by=None)
    TaskExport.objects.filter(pk=export.pk).update(status="failed", last_error="not_wanted")

    decisions.reopen(by.issue, by=None)
    decisions.approve(by.issue, by=None)
    open_exports([by.issue_id])

    assert export.issue.exports.get(status="pending").tracker == tracker


def test_when_the_tracker_that_stood_in_is_deleted_the_task_goes_where_it_should(
    export, by, tracker, spare, run
):
    ExportPolicy.objects.update(fallback=None)
    spare.delete()

    fall_back()
    tracker.note_answer()
    run(export)

    assert live(export.issue) == ["Fake"]


def test_a_task_that_is_made_but_not_complete_is_not_stood_in_for(export, tracker):
    TaskExport.objects.filter(pk=export.pk).update(external_id="FAKE-1")
    break_off(tracker)

    fall_back()

    assert TaskExport.objects.count() == 1


def test_an_issue_that_is_wanted_again_gets_one_task(export, tracker, spare, run):
    break_off(tracker)
    fall_back()
    decisions.reject(export.issue, by=None)
    for one in export.issue.exports.all():
        run(one)
    settle()
    run(export)

    decisions.reopen(export.issue, by=None)
    decisions.approve(export.issue, by=None)
    open_exports([export.issue_id])

    pending = export.issue.exports.filter(status=TaskExport.Status.PENDING)
    assert [one.tracker for one in pending] == [tracker]


def test_linear_is_away_and_json_stands_in_until_it_is_back(
    linear, make_export, run, tracker, project, settings, tmp_path
):
    """With the trackers that people have: the file in the end says where the task is."""
    settings.EXPORT_DIR, settings.LINEAR_API_URL = tmp_path, linear.url
    Tracker.objects.filter(pk=tracker.pk).update(kind="linear", name="Linear", config=LINEAR)
    spare = Tracker.objects.create(project=project, kind="json", name="JSON")
    ExportPolicy.objects.create(project=project, tracker=tracker, fallback=spare, on_recovery=MOVE)
    tracker.refresh_from_db()
    export = make_export()
    break_off(tracker)
    fall_back()
    by = run(export.issue.exports.get(tracker=spare))

    settle()
    run(export)
    settle()

    export.refresh_from_db()
    written = json.loads((spare.folder / f"{by.uuid}.json").read_text())
    assert linear.store.creations == [str(export.uuid)]
    assert written["is_closed"]
    assert [one["url"] for one in written["elsewhere"]] == [export.external_url]
    assert live(export.issue) == ["Linear"]
