"""An approved issue reaches every tracker of its project exactly once."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.exports.deliver import deliver, open_exports
from apps.exports.models import BREAK_AFTER, LEASE, NOT_WANTED, CallCount, TaskExport
from apps.exports.tasks import open_exports as open_exports_task
from apps.exports.trackers.base import Doubtful, Limited
from apps.issues.decisions import approve, reject, reopen
from apps.issues.models import Change, Issue
from tasktracker.lib.workflow import GiveUp, LostRace, TryLater
from tests.exports.conftest import pass_time

APPROVED = Issue.Status.APPROVED


@pytest.fixture(autouse=True)
def export_folder(settings, tmp_path):
    settings.EXPORT_DIR = tmp_path


def test_an_approved_issue_gets_one_export_per_tracker(make_issue, tracker):
    issue = make_issue(status=APPROVED)

    open_exports([issue])
    open_exports([issue])

    export = TaskExport.objects.get()
    assert (export.issue, export.tracker, export.status) == (issue, tracker, "pending")


def test_a_tracker_that_is_off_gets_nothing(make_issue, tracker):
    tracker.is_active = False
    tracker.save()

    open_exports([make_issue(status=APPROVED)])

    assert not TaskExport.objects.exists()


def test_an_issue_with_its_exports_open_waits_for_nothing(make_issue, tracker):
    issue = make_issue(status=APPROVED, due_at=timezone.now())

    open_exports([issue])

    issue.refresh_from_db()
    assert issue.due_at is None


def test_delivering_writes_the_file_and_keeps_its_address(make_export, make_message, make_issue):
    export = make_export(make_issue(message=make_message("Прод лежить"), status=APPROVED))

    deliver(export)

    export.refresh_from_db()
    assert export.status == "created"
    path = Path(export.external_url.removeprefix("file://"))
    assert json.loads(path.read_text())["quotes"][0]["text"] == "Прод лежить"


def test_a_delivery_is_written_into_the_history(make_export):
    export = make_export()

    deliver(export)

    change = export.issue.changes.get(kind=Change.Kind.EXPORT)
    assert change.details["id"] == str(export.uuid)


def test_a_repeat_after_a_crash_before_the_commit_makes_one_file(make_export, tmp_path):
    export = make_export()
    deliver(TaskExport.objects.get(pk=export.pk))
    TaskExport.objects.update(status="pending")  # as if the commit never came
    pass_time(LEASE)

    deliver(TaskExport.objects.get(pk=export.pk))

    assert len(list(tmp_path.rglob("*.json"))) == 1


def test_a_tracker_that_was_switched_off_fails_the_export(make_export, tracker):
    export = make_export()
    tracker.is_active = False
    tracker.save()

    with pytest.raises(GiveUp, match="switched off"):
        deliver(TaskExport.objects.get(pk=export.pk))


def test_several_failures_in_a_row_pause_the_tracker(make_export, tracker, settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    settings.EXPORT_DIR = tmp_path / "file"
    export = make_export()
    for _ in range(BREAK_AFTER):
        with pytest.raises(TryLater, match="cannot write"):
            deliver(export)

    tracker.refresh_from_db()
    assert tracker.closed_until > timezone.now()
    with pytest.raises(TryLater, match="pauses"):
        deliver(export)


def test_a_success_closes_the_breaker(make_export, tracker):
    tracker.failures_in_a_row = BREAK_AFTER
    tracker.closed_until = timezone.now() - timedelta(seconds=1)
    tracker.save()

    deliver(make_export())

    tracker.refresh_from_db()
    assert (tracker.failures_in_a_row, tracker.closed_until) == (0, None)


def test_a_failed_export_can_be_tried_again(make_export):
    export = make_export(status="failed")

    export.retry()

    export.refresh_from_db()
    assert export.status == "pending"
    assert export.due_at is not None


@pytest.mark.parametrize("status", ["in_progress", "done"])
def test_an_issue_that_people_went_on_with_at_once_is_exported_too(make_issue, tracker, status):
    issue = make_issue(status=status, due_at=timezone.now())

    open_exports_task([issue.pk])

    assert TaskExport.objects.get().issue == issue


@pytest.mark.parametrize("status", ["new", "rejected", "duplicate"])
def test_an_issue_that_nobody_wants_any_more_is_not_created(make_export, make_issue, status):
    export = make_export(make_issue(status=status))

    deliver(export)

    export.refresh_from_db()
    assert (export.status, export.last_error) == ("failed", NOT_WANTED)


def test_what_is_wanted_again_while_it_is_given_up_is_not_lost(make_export, make_issue, tmp_path):
    issue = make_issue(status=APPROVED)
    export = make_export(issue)
    reject(issue, by=None)
    assert export.issue.status == "rejected"  # as the worker has read it
    reopen(Issue.objects.get(), by=None)
    approve(Issue.objects.get(), by=None)
    open_exports(list(Issue.objects.all()))  # finds nothing that failed

    deliver(export)

    export.refresh_from_db()
    assert (export.status, len(list(tmp_path.rglob("*.json")))) == ("created", 1)


def test_an_issue_is_held_until_its_export_is_given_up(make_export, make_issue):
    export = make_export(make_issue(status="rejected"))

    with CaptureQueriesContext(connection) as seen:
        deliver(export)

    told = [query["sql"] for query in seen]
    held = next(n for n, sql in enumerate(told) if "FOR NO KEY UPDATE" in sql)
    failed = [n for n, sql in enumerate(told) if sql.startswith("UPDATE")]
    assert held < min(failed)
    assert len(failed) == 1  # the status and why, together


def test_settings_that_do_not_fit_are_said_without_their_values(make_export, tracker):
    tracker.config = {"api_key": "very-secret"}
    tracker.save()

    with pytest.raises(GiveUp) as caught:
        deliver(TaskExport.objects.get(pk=make_export().pk))

    assert "api_key" in str(caught.value)
    assert "very-secret" not in str(caught.value)


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
    assert "waiting for what became" in export.last_error


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
    assert (second.last_error, fake.calls) == ("the tracker asked us to wait", ["create"])
    fake.does("create")
    assert run(second, later=100).status == "created"


def test_after_a_rest_one_caller_tries_first(make_export, make_issue, fake, run, tracker):
    first, second = (make_export(make_issue(n, status=APPROVED)) for n in "ab")
    rest(tracker)
    fake.before["create"] = lambda: fake.before.clear() or run(second)

    run(first)

    assert (first.status, second.status) == ("created", "pending")
    assert "somebody else tries" in second.last_error or "pauses" in second.last_error
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


@pytest.mark.parametrize(("error", "attempts"), [(GiveUp("no plan"), 0), (TryLater("busy"), 50)])
def test_what_cannot_be_added_does_not_keep_the_issue_from_us(
    make_export, fake, run, error, attempts
):
    fake.does("complete", before=error)

    assert run(make_export(attempts=attempts)).status == "created"


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
