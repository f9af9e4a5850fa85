"""An approved issue reaches every tracker of its project exactly once."""

import json
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from apps.exports.deliver import deliver, open_exports
from apps.exports.models import BREAK_AFTER, LEASE, NOT_WANTED, TaskExport, Tracker
from apps.exports.tasks import open_exports as open_exports_task
from apps.issues.decisions import approve, finish, reject, reopen, start
from apps.issues.models import Change, Evidence, Issue
from apps.issues.triage import attach
from apps.messages.models import Message
from tasktracker.lib.workflow import GiveUp, NotNow, TryLater
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


def test_why_it_failed_is_written_into_the_history(make_export, tracker, run):
    export = make_export()
    tracker.is_active = False
    tracker.save()

    run(export)

    change = export.issue.changes.get(kind=Change.Kind.EXPORT)
    assert change.details == {"tracker": tracker.name, "error": export.last_error}
    assert not export.issue.changes.filter(Change.EXPORTED).exists()


def test_what_nobody_wants_has_not_failed(make_export, run):
    export = make_export()
    reject(export.issue, by=None)

    run(export)

    assert not export.issue.changes.filter(kind=Change.Kind.EXPORT).exists()
    assert export.told_status == "Not wanted"


def test_why_it_failed_is_read_in_two_languages(make_export):
    noted = "Linear does not know the API key (HTTP status 401). Make a new one and put it in."
    export = make_export(status="failed", last_error=noted)

    assert export.error == noted
    with translation.override("uk"):
        assert export.error.startswith("Linear не знає цього ключа API (HTTP-статус 401)")


def test_several_failures_in_a_row_pause_the_tracker(make_export, tracker, settings, tmp_path):
    (tmp_path / "file").write_text("in the way")
    settings.EXPORT_DIR = tmp_path / "file"
    export = make_export()
    for _ in range(BREAK_AFTER):
        with pytest.raises(TryLater, match="cannot be written"):
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


def finish_and_reopen(issue: Issue) -> None:
    finish(issue, by=None)
    reopen(issue, by=None)


def take_one_more_report(issue: Issue, message: Message) -> None:
    attach(message, issue, level=Evidence.Level.FUZZY)


@pytest.mark.parametrize("is_exported", [True, False])
@pytest.mark.parametrize(
    "happens",
    [
        lambda issue, _message: issue.edit({"title": "Прод лежав"}),
        lambda issue, _message: start(issue, by=None),
        lambda issue, _message: finish_and_reopen(issue),
        take_one_more_report,
    ],
    ids=["an edit", "going on", "a way back", "a report"],
)
def test_nothing_that_happens_later_sends_an_issue_to_a_tracker_that_is_new(
    make_issue, make_message, project, happens, is_exported
):
    if is_exported:
        Tracker.objects.create(project=project, kind="json", name="First")
    issue = make_issue()
    approve(issue, by=None)
    open_exports_task([issue.pk])
    Tracker.objects.create(project=project, kind="json", name="Later")

    happens(issue, make_message())
    open_exports_task([issue.pk])

    assert [export.tracker.name for export in TaskExport.objects.all()] == ["First"] * is_exported


@pytest.mark.parametrize("go_on", [start, finish])
def test_what_people_go_on_with_before_its_exports_are_open_still_waits_for_them(
    make_issue, tracker, go_on
):
    issue = make_issue()
    approve(issue, by=None)

    go_on(issue, by=None)

    assert Issue.objects.get().due_at is not None
    open_exports_task([issue.pk])
    assert TaskExport.objects.get().tracker == tracker


def test_what_is_approved_once_more_goes_to_every_tracker_of_that_moment(
    make_issue, tracker, project
):
    issue = make_issue()
    approve(issue, by=None)
    open_exports_task([issue.pk])
    Tracker.objects.create(project=project, kind="json", name="Later")
    reject(issue, by=None)
    reopen(issue, by=None)
    approve(issue, by=None)

    open_exports_task([issue.pk])

    assert TaskExport.objects.count() == 2


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


@pytest.mark.parametrize(
    ("attempts", "seconds", "waits"),
    [
        (2, 10, True),
        (2, 20, False),
        (3, 50, True),
        (4, 200, True),
        (9, 800, True),
        (9, 1000, False),
    ],
)
def test_where_a_key_is_taken_twice_doubt_is_waited_out_for_longer_each_time(
    make_export, fake, monkeypatch, attempts, seconds, waits
):
    monkeypatch.setattr(fake, "looks_first", True, raising=False)
    export = make_export(attempts=attempts, called_at=timezone.now() - timedelta(seconds=seconds))

    with pytest.raises(NotNow) if waits else nullcontext():
        deliver(export)

    assert fake.calls == ([] if waits else ["find", "create", "complete"])
