"""A project's policy says where its issues go and when; what it holds back is never lost."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.exports.deliver import open_exports
from apps.exports.models import ELSEWHERE, NOT_WANTED, ExportPolicy, TaskExport, Tracker
from apps.exports.policy import goes_now
from apps.exports.send import CannotSend, send
from apps.exports.tasks import deliver_exports
from apps.issues.decisions import approve, reject
from apps.issues.models import Change, Issue
from tasktracker.lib.workflow import LostRace
from tests.exports.conftest import pass_time

APPROVED = Issue.Status.APPROVED


@pytest.fixture(autouse=True)
def export_folder(settings, tmp_path):
    settings.EXPORT_DIR = tmp_path


@pytest.fixture
def other(project) -> Tracker:
    return Tracker.objects.create(project=project, kind="json", name="Another")


@pytest.fixture
def policy(project, tracker) -> ExportPolicy:
    return ExportPolicy.objects.create(project=project, tracker=tracker)


@pytest.fixture
def approved(make_issue, make_message):
    """Approved by the system, each reported in the same chat."""

    def make(number: int = 1, **changes) -> list[Issue]:
        issues = []
        for _ in range(number):
            issue = make_issue(message=make_message(), **changes)
            issue.change_status(APPROVED)
            open_exports([issue])
            issues.append(issue)
        return issues

    return make


def statuses() -> list[tuple[str, str]]:
    return list(TaskExport.objects.order_by("pk").values_list("status", "held"))


def test_a_named_tracker_is_the_only_one(approved, policy, tracker, other):
    (issue,) = approved()
    open_exports([issue])

    assert [export.tracker for export in issue.exports.all()] == [tracker]


def test_another_choice_later_makes_no_second_task(approved, policy, other):
    (issue,) = approved()
    policy.tracker = other
    policy.save()
    open_exports([issue])

    assert issue.exports.count() == 1


def test_a_named_tracker_that_is_off_is_seen_to_fail(approved, policy, tracker):
    Tracker.objects.update(is_active=False)
    (issue,) = approved()
    deliver_exports([issue.exports.get().pk])

    assert issue.exports.get().last_error.startswith("The tracker is switched off")


def test_by_hand_nothing_goes_until_somebody_sends_it(approved, policy, tracker):
    policy.when = ExportPolicy.When.BY_HAND
    policy.save()
    (issue,) = approved()
    export = issue.exports.get()
    deliver_exports([export.pk])
    held = statuses()

    send(issue, tracker, by=None)
    deliver_exports([export.pk])

    assert held == [("pending", "by_hand")]
    assert statuses() == [("created", "")]


def test_what_was_held_and_given_up_is_sent_all_the_same(approved, policy, tracker):
    policy.when = ExportPolicy.When.BY_HAND
    policy.save()
    (issue,) = approved()
    issue.exports.get().give_up(ELSEWHERE)

    send(issue, tracker, by=None)

    assert statuses() == [("pending", "")]


def test_above_the_cap_issues_wait_and_go_by_themselves(approved, policy):
    policy.most_per_hour = 2
    policy.save()
    first, _second, third, fourth = approved(4)
    ids = list(TaskExport.objects.order_by("pk").values_list("pk", flat=True))
    deliver_exports(ids)
    at_first = statuses()
    # The hour of the first has passed, that of the second has not.
    TaskExport.objects.filter(issue=first).update(counted_at=timezone.now() - timedelta(hours=2))
    pass_time(timedelta(hours=1))
    deliver_exports(ids)

    assert at_first == [("created", "")] * 2 + [("pending", "too_many")] * 2
    assert third.exports.get().status == "created"
    assert fourth.exports.get().held == "too_many"
    assert fourth.exports.get().due_at > timezone.now()


def test_who_counts_locks_the_project_before_the_issue(approved, policy):
    policy.most_per_hour = 2
    policy.save()

    with CaptureQueriesContext(connection) as seen:
        approved()

    locked = [query["sql"] for query in seen if "FOR NO KEY UPDATE" in query["sql"]]
    assert 'FROM "sources_project"' in locked[-3]
    assert 'FROM "issues_issue"' in locked[-2]


def test_what_is_released_while_a_worker_looks_at_it_still_goes(approved, policy, tracker):
    policy.when = ExportPolicy.When.BY_HAND
    policy.save()
    (issue,) = approved()
    read_before = issue.exports.select_related("issue").get()
    send(issue, tracker, by=None)

    assert not goes_now(read_before)

    assert issue.exports.get().due_at is not None


def test_what_is_sent_elsewhere_while_its_hour_opens_does_not_go_as_well(
    approved, policy, tracker, other
):
    policy.most_per_hour = 1
    policy.save()
    _first, second = approved(2)
    read_before = second.exports.select_related("issue").get()
    send(second, other, by=None)
    TaskExport.objects.update(counted_at=None)

    with pytest.raises(LostRace):
        goes_now(read_before)

    assert second.exports.get(tracker=tracker).status == "failed"


def test_a_cap_counts_neither_other_chats_nor_people(
    approved, policy, source, make_issue, make_message, django_user_model
):
    policy.most_per_hour = 1
    policy.save()
    approved(1)
    elsewhere = make_message(chat=source.chats.create(external_id="-7", title="Ops"))
    by_hand = make_issue(message=make_message())
    theirs = make_issue(message=elsewhere)
    approve(by_hand, by=django_user_model.objects.create_user("olena"))
    theirs.change_status(APPROVED)

    open_exports([by_hand, theirs])

    assert [held for _status, held in statuses()] == ["", "", ""]


def test_people_release_what_is_above_the_cap(approved, policy, tracker):
    policy.most_per_hour = 1
    policy.save()
    _first, second = approved(2)

    send(second, tracker, by=None)
    deliver_exports([second.exports.get().pk])

    assert second.exports.get().status == "created"


def test_what_was_rejected_while_it_was_held_is_held_again(approved, policy):
    policy.when = ExportPolicy.When.BY_HAND
    policy.save()
    (issue,) = approved()
    reject(issue, by=None)
    TaskExport.objects.get().release()
    deliver_exports([TaskExport.objects.get().pk])
    given_up = TaskExport.objects.get().last_error
    Issue.objects.filter(pk=issue.pk).update(status=APPROVED)
    issue.refresh_from_db()
    open_exports([issue])

    assert given_up == NOT_WANTED
    assert statuses() == [("pending", "by_hand")]


def test_sending_approves_a_new_issue_in_the_senders_name(make_issue, tracker, django_user_model):
    olena = django_user_model.objects.create_user("olena")
    issue = make_issue()

    export = send(issue, tracker, by=olena)

    issue.refresh_from_db()
    assert (issue.status, export.status) == (APPROVED, "pending")
    assert issue.changes.get(kind=Change.Kind.STATUS).user == olena


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"status": "rejected"}, "rejected or merged"),
        ({"tracker": {"is_active": False}}, "switched off"),
        ({"export": {"status": "created"}}, "there already"),
        ({"export": {"status": "pending"}}, "on its way"),
        ({"elsewhere": {"status": "created"}}, "shall be one task"),
        ({"elsewhere": {"status": "created", "is_gone": True}}, "deleted in Another: move it"),
    ],
)
def test_what_cannot_be_sent_says_why(make_issue, policy, tracker, other, change, words):
    issue = make_issue(status=change.get("status", APPROVED))
    Tracker.objects.filter(pk=tracker.pk).update(**change.get("tracker", {}))
    tracker.refresh_from_db()
    if "export" in change:
        TaskExport.objects.create(issue=issue, tracker=tracker, **change["export"])
    if "elsewhere" in change:
        TaskExport.objects.create(issue=issue, tracker=other, **change["elsewhere"])
    before = TaskExport.objects.count()

    with pytest.raises(CannotSend, match=words):
        send(issue, tracker, by=None)
    assert TaskExport.objects.count() == before


def test_what_was_deleted_there_is_sent_again_by_whoever_has_looked_at_it(
    make_issue, policy, tracker
):
    issue = make_issue(status=APPROVED)
    gone = TaskExport.objects.create(issue=issue, tracker=tracker, status="created", is_gone=True)

    again = send(issue, tracker, by=None)

    again.refresh_from_db()
    assert (again.pk, again.status, again.is_gone) == (gone.pk, "pending", False)
    assert again.uuid != gone.uuid


def test_what_was_approved_without_a_tracker_can_be_sent_later(approved, project):
    (issue,) = approved()
    assert not TaskExport.objects.exists()
    tracker = Tracker.objects.create(project=project, kind="json", name="Later")

    send(issue, tracker, by=None)

    assert statuses() == [("pending", "")]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"title_template": "{titel}"}, "There is no {titel}"),
        ({"title_template": "{messages}"}, "There is no {messages}"),
        ({"body_template": "> {messages}"}, "stand alone on a line"),
        ({"body_template": "[x](https://e.example/{title})"}, "part of an address"),
        ({"tracker": None, "fallback": "other"}, "Choose the tracker first"),
        ({"fallback": "tracker"}, "another one than the tracker"),
        ({"fallback": "foreign"}, "belongs to another project"),
    ],
)
def test_a_policy_that_cannot_work_is_refused(
    policy, tracker, other, other_project, changes, words
):
    foreign = Tracker.objects.create(project=other_project, kind="json", name="Theirs")
    trackers = {"tracker": tracker, "other": other, "foreign": foreign}
    for name, value in changes.items():
        known = name in ("tracker", "fallback")
        setattr(policy, name, trackers.get(value) if known else value)

    with pytest.raises(ValidationError, match=words):
        policy.full_clean()
