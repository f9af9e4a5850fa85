"""Around a call: what is in doubt is looked up, limits are kept, a tracker that fails rests."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError
from django.db.models import F
from django.utils import timezone

from apps.exports.deliver import LOCK_KIND, deliver
from apps.exports.models import BREAK_AFTER, LEASE, CallCount, TaskExport, Tracker
from apps.exports.trackers.base import Doubtful, ExternalIssue, Limited, OwnLimit, Unasked
from apps.issues.models import Issue
from tasktracker.lib.advisory import held
from tasktracker.lib.workflow import MAX_ATTEMPTS, GiveUp, LostRace, TryLater

APPROVED = Issue.Status.APPROVED


def test_a_call_is_written_down_before_it_is_made(make_export, fake, run):
    seen = []
    fake.before["create"] = lambda: seen.append(TaskExport.objects.get().called_at)

    export = run(make_export())

    assert seen[0] is not None
    assert (export.status, fake.calls) == ("created", ["create", "complete"])


def test_after_a_doubt_it_is_looked_for_and_found(make_export, fake, run):
    fake.does("create", after=Doubtful("nobody answered"))
    export = run(make_export())
    assert (export.status, export.last_error) == ("pending", "nobody answered")
    fake.does("create")

    run(export, later=40)

    assert (export.status, export.external_id) == ("created", "FAKE-1")
    assert fake.issues == [export.uuid]


def test_after_a_doubt_it_is_made_when_it_is_not_found(make_export, fake, run):
    fake.does("create", before=Doubtful("nobody answered"))
    export = run(make_export())
    fake.does("create")

    run(export, later=40)

    assert (export.status, fake.issues) == ("created", [export.uuid])
    assert fake.calls == ["create", "find", "create", "complete"]


def test_nobody_looks_while_the_last_call_may_still_be_at_work(make_export, fake, run):
    export = make_export(called_at=timezone.now() - timedelta(seconds=5))

    run(export)

    assert (export.status, fake.calls) == ("pending", [])
    assert "Waiting for what became" in export.last_error


def test_what_surely_was_not_made_is_not_looked_for(make_export, fake, run):
    fake.does("create", before=TryLater("unreachable"))
    export = run(make_export())
    assert export.called_at is None
    fake.does("create")

    run(export, later=40)

    assert fake.calls == ["create", "create", "complete"]


def test_a_row_that_others_work_on_by_now_is_left_to_them(make_export, fake):
    export = make_export()
    (late,) = TaskExport.claim([export.pk], "pending", lease=timedelta(seconds=-1))
    TaskExport.claim([export.pk], "pending")

    with pytest.raises(LostRace):
        deliver(late)

    assert fake.calls == []


def test_every_row_of_a_chunk_has_a_whole_lease_when_it_is_called(make_export, make_issue, fake):
    exports = [make_export(make_issue(str(n), status=APPROVED)) for n in range(3)]
    claimed = TaskExport.claim([one.pk for one in exports], "pending", lease=timedelta(seconds=2))
    leases: list[Any] = []
    fake.before["create"] = lambda: leases.append(
        TaskExport.objects.filter(status="pending", called_at__isnull=False).get().leased_until
    )

    for export in claimed:
        deliver(export)

    assert len(leases) == 3
    assert all(until > timezone.now() + LEASE / 2 for until in leases)


def test_a_limit_is_no_failure_and_holds_for_all(make_export, make_issue, fake, run, tracker):
    fake.does("create", before=Limited("1,500 an hour", delay=timedelta(seconds=90)))
    first = run(make_export(make_issue("one", status=APPROVED)))
    second = run(make_export(make_issue("two", status=APPROVED)))

    tracker.refresh_from_db()
    assert (tracker.failures_in_a_row, tracker.closed_until) == (0, None)
    assert first.due_at > timezone.now() + timedelta(seconds=80)
    assert (second.last_error, fake.calls) == ("The tracker asked us to wait.", ["create"])
    fake.does("create")
    assert run(second, later=100).status == "created"


def test_after_a_rest_one_caller_tries_first(make_export, make_issue, fake, run, tracker):
    first, second = (make_export(make_issue(n, status=APPROVED)) for n in "ab")
    rest(tracker)
    fake.before["create"] = lambda: fake.before.clear() or run(second)

    run(first)

    assert (first.status, second.status) == ("created", "pending")
    assert "Somebody else tries" in second.last_error or "pauses" in second.last_error
    assert run(second, later=40).status == "created"


def test_a_rest_that_did_not_help_is_followed_by_another(make_export, fake, run, tracker):
    rest(tracker)
    fake.does("create", before=TryLater("unreachable"))

    run(make_export())

    tracker.refresh_from_db()
    assert tracker.closed_until > timezone.now()


def test_what_the_tracker_refuses_fails_at_once_in_its_words(make_export, fake, run, tracker):
    fake.does("create", before=GiveUp("teamId must be a UUID"))

    export = run(make_export())

    tracker.refresh_from_db()
    assert (export.status, export.last_error) == ("failed", "teamId must be a UUID")
    assert (tracker.last_error, tracker.failures_in_a_row) == ("teamId must be a UUID", 0)
    fake.does("create")
    export.retry()
    assert run(export).status == "created"


@pytest.mark.parametrize(
    "error", [Unasked("no team is chosen"), DatabaseError("ours"), OwnLimit("1,500 were made")]
)
def test_our_own_trouble_is_no_answer_and_no_failure(make_export, fake, run, tracker, error):
    Tracker.objects.update(failures_in_a_row=BREAK_AFTER - 1, opened_at=timezone.now())
    fake.does("create", before=error)

    run(make_export())

    tracker.refresh_from_db()
    assert (tracker.failures_in_a_row, tracker.opened_at is None) == (BREAK_AFTER - 1, False)


def test_what_is_missing_here_is_said_where_people_look(make_export, fake, run, tracker):
    fake.does("create", before=Unasked("no team is chosen"))

    assert run(make_export()).last_error == "no team is chosen"

    tracker.refresh_from_db()
    assert tracker.last_error == "no team is chosen"


def test_a_short_wait_does_not_end_a_long_one(tracker):
    for minutes in (60, 1):
        tracker.wait(timedelta(minutes=minutes))

    tracker.refresh_from_db()
    assert tracker.limited_until > timezone.now() + timedelta(minutes=50)


def test_a_failure_that_nobody_expected_counts_too(make_export, fake, run, tracker):
    fake.does("create", before=KeyError("data"))

    export = run(make_export())

    tracker.refresh_from_db()
    assert tracker.failures_in_a_row == 1
    assert export.called_at is not None  # it may have been made


def test_what_belongs_to_an_issue_is_tried_again_without_a_second_one(make_export, fake, run):
    fake.does("complete", before=TryLater("busy"))
    export = run(make_export())
    assert export.status == "pending"
    fake.does("complete")

    run(export, later=40)

    assert (export.status, fake.issues) == ("created", [export.uuid])
    assert fake.completed == [export.uuid]


def test_what_is_made_is_known_before_it_is_complete(make_export, fake, run):
    fake.does("complete", before=TryLater("busy"))

    export = run(make_export())

    assert (export.status, export.external_id) == ("pending", "FAKE-1")
    assert export.web_url == "https://fake.example/1"


def test_what_was_deleted_before_it_was_complete_is_known_no_more(make_export, fake, run):
    fake.does("complete", before=TryLater("busy"))
    export = run(make_export())
    fake.issues.clear()
    fake.does("create", before=GiveUp("no right"))

    run(export, later=40)

    assert (export.status, export.external_id) == ("failed", "")


def test_what_was_made_for_a_row_that_is_held_by_now_is_known_and_not_ours(make_export, fake, run):
    held_now = {"held": TaskExport.Held.AWAY, "leased_until": None}
    fake.before["complete"] = lambda: TaskExport.objects.update(**held_now)

    export = run(make_export())

    assert (export.status, export.held, export.external_id) == ("pending", "away", "FAKE-1")


@pytest.mark.parametrize(("error", "attempts"), [(GiveUp("no plan"), 0), (TryLater("busy"), 50)])
def test_what_cannot_be_added_does_not_keep_the_issue_from_us(
    make_export, fake, run, error, attempts
):
    fake.does("complete", before=error)

    assert run(make_export(attempts=attempts)).status == "created"


def test_what_cannot_be_added_for_a_limit_is_added_after_it(make_export, fake, run):
    fake.does("complete", before=Limited("too often", delay=timedelta(seconds=90)))
    export = run(make_export(attempts=50))
    assert export.status == "pending"
    fake.does("complete")

    run(export, later=100)

    assert (export.status, fake.completed) == ("created", [export.uuid])


def test_a_pause_is_no_attempt(make_export, fake, run, tracker):
    fake.does("create", before=Limited("too often", delay=timedelta(seconds=20)))
    export = run(make_export())
    tracker.wait(timedelta(hours=1))

    for _ in range(MAX_ATTEMPTS):
        run(export, later=40)

    assert (export.attempts, export.last_error) == (0, "The tracker asked us to wait.")
    fake.does("create", before=KeyError("data"))
    assert run(export, later=3600).status == "pending"


def test_calls_are_counted_by_account_within_an_hour(db):
    for _ in range(3):
        CallCount.add("a", 3)
    CallCount.add("b", 3)

    with pytest.raises(Limited) as caught:
        CallCount.add("a", 3)

    delay = caught.value.delay or timedelta()
    assert timedelta(minutes=58) < delay <= timedelta(minutes=61)
    CallCount.objects.update(minute=F("minute") - timedelta(minutes=61))
    CallCount.add("a", 3)


def rest(tracker):
    """As after a pause that is just over."""
    tracker.failures_in_a_row = BREAK_AFTER
    tracker.closed_until = timezone.now() - timedelta(seconds=1)
    tracker.save()


@pytest.mark.parametrize(
    "error", [Unasked("no team is chosen"), DatabaseError("ours"), OwnLimit("1,500 were made")]
)
def test_a_trial_that_called_nobody_is_left_to_the_next_one(
    make_export, make_issue, fake, run, tracker, error
):
    first, second = (make_export(make_issue(n, status=APPROVED)) for n in "ab")
    rest(tracker)
    fake.does("create", before=error)
    run(first)
    Tracker.objects.update(limited_until=None)
    fake.does("create")

    assert run(second).status == "created"


def test_a_trial_that_waits_for_another_worker_is_left_to_the_next_one(
    make_export, make_issue, fake, run, tracker, monkeypatch
):
    monkeypatch.setattr(fake, "looks_first", True, raising=False)
    first, second = (make_export(make_issue(n, status=APPROVED)) for n in "ab")
    rest(tracker)
    with held(LOCK_KIND, first.pk):
        run(first)

    assert run(second).status == "created"


def test_a_trial_that_failed_is_not_repeated_at_once(make_export, make_issue, fake, run, tracker):
    first, second = (make_export(make_issue(n, status=APPROVED)) for n in "ab")
    rest(tracker)
    fake.does("create", before=TryLater("unreachable"))

    run(first)
    run(second)

    assert fake.calls == ["create"]


def test_where_a_key_is_taken_twice_nobody_else_makes_it_meanwhile(make_export, fake, run):
    fake.looks_first = True
    export = make_export()
    with held(LOCK_KIND, export.pk):
        run(export)

    assert (export.status, fake.calls, export.called_at) == ("pending", [], None)
    run(export, later=40)
    assert (export.status, fake.issues) == ("created", [export.uuid])


def test_what_the_tracker_left_out_is_kept_where_people_see_it(make_export, fake, run, monkeypatch):
    made = ExternalIssue("FAKE-1", "", remark="left out: priority")
    monkeypatch.setattr(fake, "create", lambda self, issue, key: made)

    export = run(make_export())

    assert (export.status, export.error) == ("created", "left out: priority")


def call_seven_times():
    """More than two minutes allow: another one may begin between the calls."""
    for _ in range(7):
        CallCount.pace("r", 3)


@pytest.mark.django_db
def test_calls_are_paced_by_the_minute():
    with pytest.raises(Limited) as caught:
        call_seven_times()
    CallCount.pace("another", 3)

    delay = caught.value.delay
    assert delay is not None
    assert timedelta(0) < delay <= timedelta(minutes=1)
    CallCount.objects.update(minute=F("minute") - timedelta(minutes=1))
    CallCount.pace("r", 3)
