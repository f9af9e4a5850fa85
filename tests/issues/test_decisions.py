"""People decide last, and everything that they decide is in the history."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.exports.deliver import deliver, open_exports
from apps.exports.models import TaskExport
from apps.issues.decisions import (
    CannotSplit,
    approve,
    change_status,
    merge,
    open_by_hand,
    reopen,
    split,
    undo_merge,
)
from apps.issues.merging import CannotMerge
from apps.issues.models import Change, Evidence, Issue
from apps.issues.triage import file, find
from tasktracker.lib.workflow import LostRace, WrongTransition, each, work_on

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def two_issues(make_issue, make_message):
    first = make_issue("Прод лежить", message=make_message(category="bug", priority="high"))
    second = make_issue("502 всюди", message=make_message(category="bug", priority="high"))
    return first, second


def test_an_approval_is_in_the_history_with_its_person(make_issue, admin_user):
    issue = make_issue()

    approve(issue, by=admin_user, reason="so it is")

    change = issue.changes.get()
    assert (change.user, change.reason) == (admin_user, "so it is")
    assert change.details == {"before": "new", "after": "approved"}


def test_the_second_of_two_deciders_loses_the_race(make_issue, admin_user):
    issue = make_issue()
    stale = Issue.objects.get(pk=issue.pk)
    approve(issue, by=admin_user)

    with pytest.raises(LostRace):
        change_status(stale, "rejected", by=admin_user)


def test_a_wrong_transition_changes_nothing(make_issue, admin_user):
    issue = make_issue()

    with pytest.raises(WrongTransition):
        change_status(issue, "done", by=admin_user)

    assert not issue.changes.exists()


def test_a_merge_moves_the_evidence(two_issues, admin_user):
    first, second = two_issues

    merge(second, into=first, by=admin_user)

    second.refresh_from_db()
    assert (second.status, second.duplicate_of) == ("duplicate", first)
    assert (first.evidence.count(), second.evidence.count()) == (2, 0)


def test_a_merge_is_in_both_histories(two_issues, admin_user):
    first, second = two_issues

    merge(second, into=first, by=admin_user)

    for issue in two_issues:
        assert issue.changes.filter(kind=Change.Kind.MERGED).exists()


def test_undoing_a_merge_gives_the_evidence_back(two_issues, admin_user):
    first, second = two_issues
    merge(second, into=first, by=admin_user)

    undo_merge(second, by=admin_user)

    second.refresh_from_db()
    assert (second.status, second.duplicate_of) == ("new", None)
    assert (first.evidence.count(), second.evidence.count()) == (1, 1)


def test_an_issue_is_not_merged_into_itself(make_issue, admin_user):
    issue = make_issue()

    with pytest.raises(CannotMerge):
        merge(issue, into=issue, by=admin_user)


def test_issues_of_different_projects_are_not_merged(make_issue, other_project, admin_user):
    with pytest.raises(CannotMerge):
        merge(make_issue(), into=make_issue(project=other_project), by=admin_user)


def test_merges_never_go_round_in_a_circle(two_issues, admin_user):
    first, second = two_issues
    merge(second, into=first, by=admin_user)

    with pytest.raises(CannotMerge):
        merge(first, into=second, by=admin_user)


def test_a_split_message_opens_an_issue_of_its_own(two_issues, admin_user):
    first, second = two_issues
    message = second.evidence.get().message
    merge(second, into=first, by=admin_user)

    made = split(message, by=admin_user)

    assert made not in two_issues
    assert made.evidence.get().message == message
    assert first.evidence.count() == 1


def test_a_split_message_never_goes_back_by_itself(make_message, admin_user):
    text = "Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити"
    values = {"status": "actionable", "category": "bug", "priority": "high"}
    first, second = make_message(text, **values), make_message(text, **values)
    file([first, second])

    made = split(second, by=admin_user)

    assert Evidence.objects.get(message=second).issue == made
    found = [match.issue_id for match in find(second, made.project, None)]
    assert Evidence.objects.get(message=first).issue_id not in found


def test_the_only_report_of_an_issue_is_not_split(make_issue, make_message, admin_user):
    message = make_message(category="bug", priority="high")
    make_issue(message=message)

    with pytest.raises(CannotSplit):
        split(message, by=admin_user)


@pytest.mark.parametrize(("before", "after"), [("done", "approved"), ("rejected", "new")])
def test_a_closed_issue_is_opened_again(make_issue, admin_user, before, after):
    issue = make_issue(status=before)

    reopen(issue, by=admin_user)

    issue.refresh_from_db()
    assert issue.status == after


def test_an_issue_opened_by_hand_says_who_opened_it(project, admin_user):
    issue = open_by_hand(
        project=project,
        title="Прод лежить",
        description="",
        category="bug",
        priority="high",
        origin="api",
        by=admin_user,
    )

    assert issue.changes.get().user == admin_user


def test_an_edit_records_before_and_after(make_issue, admin_user):
    issue = make_issue("Прод лежть")

    issue.edit({"title": "Прод лежить", "category": "bug"}, by=admin_user)

    change = issue.changes.get()
    assert change.details == {"field": "title", "before": "Прод лежть", "after": "Прод лежить"}


def test_undoing_a_merge_finds_its_evidence_after_a_second_merge(
    two_issues, make_issue, make_message, admin_user
):
    first, second = two_issues
    third = make_issue(message=make_message(category="bug", priority="high"))
    merge(second, into=first, by=admin_user)
    merge(first, into=third, by=admin_user)
    second.refresh_from_db()

    undo_merge(second, by=admin_user)

    assert (second.evidence.count(), third.evidence.count()) == (1, 2)


def test_the_newer_one_stays_when_a_person_says_so_and_counts_from_the_first_report(
    make_issue, admin_user
):
    older = make_issue(reported_at=MONDAY)
    newer = make_issue(reported_at=MONDAY + timedelta(days=1))

    merge(older, into=newer, by=admin_user)
    kept = newer.reported_at
    undo_merge(older, by=admin_user)

    newer.refresh_from_db()
    assert (kept, newer.reported_at) == (MONDAY, MONDAY + timedelta(days=1))


def test_a_merge_makes_the_issue_as_urgent_as_the_more_urgent_one(make_issue, admin_user):
    mild, urgent = make_issue(priority="low"), make_issue(priority="critical")

    merge(urgent, into=mild, by=admin_user)

    mild.refresh_from_db()
    assert mild.priority == "critical"


@pytest.mark.parametrize("before", ["new", "rejected", "done"])
def test_an_approval_is_not_lost_by_a_merge_into_what_nobody_approved(
    make_issue, admin_user, before
):
    approved, into = make_issue(status="approved"), make_issue(status=before)

    merge(approved, into=into, by=admin_user)

    into.refresh_from_db()
    assert into.status == "approved"
    assert into.changes.filter(details__carried_from=approved.pk).exists()


def test_work_goes_on_in_the_issue_that_stays(make_issue, admin_user):
    under_way, into = make_issue(status="in_progress"), make_issue()

    merge(under_way, into=into, by=admin_user)

    into.refresh_from_db()
    assert into.status == "in_progress"


def test_a_new_report_does_not_open_a_rejected_issue_by_a_merge(make_issue, admin_user):
    into = make_issue(status="rejected")

    merge(make_issue(), into=into, by=admin_user)

    into.refresh_from_db()
    assert into.status == "rejected"


def test_both_histories_name_the_tasks_that_stay_in_trackers(make_issue, make_export, admin_user):
    gone, into = make_issue(status="approved"), make_issue(status="approved")
    make_export(gone, status="created", external_id="X-12", external_url="https://t.example/X-12")

    merge(gone, into=into, by=admin_user)

    for issue in (gone, into):
        [named] = issue.changes.get(kind=Change.Kind.MERGED).details["exports"]
        assert (named["tracker"], named["id"], named["status"]) == ("JSON", "X-12", "created")


def test_an_undone_merge_leads_to_the_trackers_again(make_issue, make_export, admin_user):
    issue, into = make_issue(status="approved"), make_issue()
    export = make_export(issue)
    merge(issue, into=into, by=admin_user)
    work_on(TaskExport, [export.pk], "pending", each(deliver))
    export.refresh_from_db()
    given_up = export.status

    undo_merge(issue, by=admin_user)
    open_exports([issue])

    export.refresh_from_db()
    assert (issue.status, given_up, export.status) == ("approved", "failed", "pending")


def test_a_merge_counts_the_people_of_both(make_issue, make_message, project, admin_user):
    project.raise_priority_from = 2
    project.save()
    issue, into = (
        make_issue(priority="low", message=make_message(author_id=name, author=name))
        for name in ("7", "8")
    )

    merge(issue, into=into, by=admin_user)

    into.refresh_from_db()
    assert into.priority == "medium"
