"""Undoing a merge gives back what it changed, and nothing that came later."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.models import RestrictedError

from apps.exports.deliver import deliver, open_exports
from apps.exports.models import TaskExport
from apps.issues.admin.words import in_words
from apps.issues.decisions import approve, merge, reject, split, start, take_back, undo_merge
from apps.issues.models import Change, Evidence, Issue
from apps.issues.triage import attach
from tasktracker.lib.workflow import each, work_on

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def issue_with(make_issue, make_message):
    """An issue with reports of these texts, first reported when the first of them was sent."""

    def make(*texts, **changes):
        messages = [make_message(text, category="bug", priority="low") for text in texts]
        sent_at = {"reported_at": messages[0].sent_at, "priority": "low"}
        issue = make_issue(texts[0], message=messages[0], **{**sent_at, **changes})
        for message in messages[1:]:
            Evidence.objects.create(issue=issue, message=message, level="fuzzy")
        return issue

    return make


@pytest.fixture
def fresh():
    def read(*issues):
        for issue in issues:
            issue.refresh_from_db()

    return read


def texts_of(issue):
    return sorted(issue.evidence.values_list("message__text", flat=True))


def stays(into, issue):
    change = into.changes.get(kind=Change.Kind.SPLIT, details__given=issue.pk)
    return list(change.details["stays"])


# Status and priority


@pytest.mark.parametrize("before", ["new", "approved", "rejected", "done"])
@pytest.mark.parametrize("was", ["new", "approved", "in_progress"])
@pytest.mark.parametrize("is_back", [True, False])
def test_the_other_issue_stands_where_it_stood(issue_with, admin_user, fresh, before, was, is_back):
    a, b = issue_with("a", status=was, priority="critical"), issue_with("b", status=before)
    merge(a, into=b, by=admin_user, is_back=is_back)

    undo_merge(a, by=admin_user)

    fresh(a, b)
    assert (b.status, b.priority) == (before, "low")
    assert (a.status, a.priority) == (was, "critical")
    assert stays(b, a) == []


def test_what_nobody_wants_any_more_does_not_reach_the_trackers(
    issue_with, make_export, admin_user, fresh
):
    a, b = issue_with("a", status="approved"), issue_with("b")
    merge(a, into=b, by=admin_user)
    fresh(b)
    export = make_export(b)

    undo_merge(a, by=admin_user)
    work_on(TaskExport, [export.pk], "pending", each(deliver))

    fresh(b, export)
    assert (b.status, export.status) == ("new", "failed")
    approve(b, by=admin_user)
    open_exports([b])
    fresh(export)
    assert export.status == "pending"


def test_a_task_in_a_tracker_keeps_the_status_and_the_history_says_so(
    issue_with, make_export, admin_user, fresh, settings, tmp_path
):
    settings.EXPORT_DIR = tmp_path
    a, b = issue_with("a", status="approved", priority="critical"), issue_with("b")
    merge(a, into=b, by=admin_user)
    fresh(b)
    deliver(make_export(b))

    undo_merge(a, by=admin_user)

    fresh(b)
    assert (b.status, b.priority) == ("approved", "low")
    assert stays(b, a) == ["status"]
    told = in_words(b.changes.get(kind=Change.Kind.SPLIT))
    assert told.startswith(f"Reports went to issue {a.pk}; its status stays “Approved”")


def test_what_a_person_decided_since_stays(issue_with, admin_user, fresh):
    a, b = issue_with("a", status="approved", priority="critical"), issue_with("b")
    merge(a, into=b, by=admin_user)
    fresh(b)
    start(b, by=admin_user)
    b.correct({"priority": "high"}, by=admin_user)

    undo_merge(a, by=admin_user)

    fresh(b)
    assert (b.status, b.priority) == ("in_progress", "high")
    assert stays(b, a) == ["status", "priority"]


def test_what_a_later_merge_brought_as_well_stays(issue_with, admin_user, fresh):
    a, b = issue_with("a", status="approved", priority="critical"), issue_with("b")
    c = issue_with("c", status="approved", priority="high")
    merge(a, into=b, by=admin_user)
    merge(c, into=b, by=admin_user)

    undo_merge(a, by=admin_user)

    fresh(b)
    assert (b.status, b.priority) == ("approved", "high")


def test_a_later_report_keeps_its_urgency(issue_with, make_message, admin_user, fresh):
    a, b = issue_with("a", priority="critical"), issue_with("b")
    merge(a, into=b, by=admin_user)
    late = make_message("late", category="bug", priority="high")
    attach(late, b, level="fuzzy")

    undo_merge(a, by=admin_user)

    fresh(b)
    assert b.priority == "high"


def test_what_a_merge_of_the_other_one_carried_on_is_told(issue_with, admin_user, fresh):
    a, b, d = issue_with("a", status="approved"), issue_with("b"), issue_with("d")
    merge(a, into=b, by=admin_user)
    merge(b, into=d, by=admin_user)
    fresh(a)

    undo_merge(a, by=admin_user)

    fresh(d)
    assert d.status == "approved"
    assert stays(d, a) == ["status"]


# The date


def test_the_date_of_another_merge_stays(make_issue, admin_user, fresh):
    b = make_issue(reported_at=MONDAY)
    a, c = make_issue(reported_at=MONDAY - HOUR), make_issue(reported_at=MONDAY - 5 * HOUR)
    merge(a, into=b, by=admin_user)
    merge(c, into=b, by=admin_user)
    fresh(a, b)

    undo_merge(a, by=admin_user)
    fresh(b)
    assert b.reported_at == MONDAY - 5 * HOUR

    undo_merge(c, by=admin_user)
    fresh(b)
    assert b.reported_at == MONDAY


def test_the_date_of_another_issue_is_not_taken_for_ones_own(make_issue, admin_user, fresh):
    a, b, d = (make_issue(reported_at=MONDAY + hours * HOUR) for hours in (0, 2, 3))
    merge(a, into=b, by=admin_user)
    merge(b, into=d, by=admin_user)
    fresh(a)

    undo_merge(a, by=admin_user)
    fresh(b, d)
    assert d.reported_at == MONDAY + 2 * HOUR

    undo_merge(b, by=admin_user)
    fresh(b, d)
    assert (b.reported_at, d.reported_at) == (MONDAY + 2 * HOUR, MONDAY + 3 * HOUR)


def test_a_report_that_came_since_keeps_its_date(issue_with, make_message, admin_user, fresh):
    a, b = issue_with("a"), issue_with("b")
    Issue.objects.filter(pk=a.pk).update(reported_at=MONDAY - HOUR)
    fresh(a)
    merge(a, into=b, by=admin_user)
    early = make_message("early", sent_at=MONDAY - HOUR / 2)
    Evidence.objects.create(issue=b, message=early, level="fuzzy")

    undo_merge(a, by=admin_user)

    fresh(b)
    assert b.reported_at == MONDAY - HOUR / 2


# What was merged or split since


def test_what_was_merged_directly_since_stays(issue_with, admin_user, fresh):
    a, b, c = issue_with("a"), issue_with("b"), issue_with("c")
    merge(c, into=a, by=admin_user)
    merge(a, into=b, by=admin_user)
    fresh(c)
    undo_merge(c, by=admin_user)
    take_back(c, b, by=admin_user)
    merge(c, into=b, by=admin_user)
    fresh(a)

    undo_merge(a, by=admin_user)

    fresh(c)
    assert (texts_of(a), texts_of(b), c.duplicate_of) == (["a"], ["b", "c"], b)


def test_what_was_split_out_since_and_merged_again_stays(issue_with, admin_user, fresh):
    a, b = issue_with("a", "m"), issue_with("b")
    merge(a, into=b, by=admin_user)
    made = split(b.evidence.get(message__text="m").message, by=admin_user)
    take_back(made, b, by=admin_user)
    merge(made, into=b, by=admin_user)
    fresh(a)

    undo_merge(a, by=admin_user)

    assert (texts_of(a), texts_of(b)) == (["a"], ["b", "m"])


def test_what_was_carried_there_and_back_is_still_given_back(issue_with, admin_user, fresh):
    a, b, d = issue_with("a"), issue_with("b"), issue_with("d")
    merge(a, into=b, by=admin_user)
    merge(b, into=d, by=admin_user)
    fresh(b)
    undo_merge(b, by=admin_user)
    fresh(a)

    undo_merge(a, by=admin_user)

    assert (texts_of(a), texts_of(b), texts_of(d)) == (["a"], ["b"], ["d"])


# Deletion


def test_what_others_were_merged_into_cannot_be_deleted(issue_with, admin_user):
    a, b = issue_with("a"), issue_with("b")
    merge(a, into=b, by=admin_user)

    with pytest.raises(RestrictedError):
        b.delete()

    assert texts_of(b) == ["a", "b"]


def test_a_duplicate_can_be_deleted_alone_and_with_what_it_was_merged_into(issue_with, admin_user):
    a, b, c = issue_with("a"), issue_with("b"), issue_with("c")
    merge(a, into=b, by=admin_user)
    merge(c, into=b, by=admin_user)

    a.delete()
    Issue.objects.all().delete()

    assert not Issue.objects.exists()


def test_a_project_with_merged_issues_can_be_deleted(issue_with, project, admin_user):
    a, b = issue_with("a"), issue_with("b")
    merge(a, into=b, by=admin_user)

    project.delete()

    assert not Issue.objects.exists()


def test_a_rejected_one_that_took_reports_is_rejected_again(issue_with, admin_user, fresh):
    a, b = issue_with("a", status="approved"), issue_with("b")
    reject(b, by=admin_user)
    merge(a, into=b, by=admin_user)

    undo_merge(a, by=admin_user)

    fresh(b)
    told = list(b.changes.filter(kind=Change.Kind.STATUS).values_list("details__after", flat=True))
    assert told == ["rejected", "new", "approved", "rejected"]
