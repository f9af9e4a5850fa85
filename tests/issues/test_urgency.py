"""The priority of an issue rises with the people who report it."""

import pytest

from apps.issues.admin.words import reason_in_words
from apps.issues.decisions import merge, undo_merge
from apps.issues.models import Change, Issue
from apps.issues.triage import file
from apps.issues.urgency import people_of, rise
from apps.messages.models import Message
from tests.issues.conftest import EXPORT, OUTAGE, issue_of, read, step


@pytest.fixture
def mild(say):
    report = say("0", OUTAGE, status="actionable", category="bug", priority="low", confidence=0.9)
    file([report])
    return report


def echo_of(say, report, authors):
    for author in authors:
        read(say(author, "+1", to=report))
    return issue_of(report)


@pytest.mark.parametrize(
    ("others", "priority"), [(1, "low"), (2, "medium"), (4, "medium"), (5, "high"), (9, "high")]
)
def test_the_priority_rises_with_the_people_who_report(say, mild, others, priority):
    issue = echo_of(say, mild, [str(number + 1) for number in range(others)])

    assert people_of(issue) == others + 1
    assert issue.priority == priority


def test_whoever_repeats_it_counts_once(say, mild):
    assert echo_of(say, mild, ["1", "1", "1", "1"]).priority == "low"


def test_bots_do_not_count(say, mild):
    for number in range(5):
        report = say(str(number), OUTAGE, is_from_bot=True)
        Message.objects.filter(pk=report.pk).update(
            status="actionable", category="bug", priority="low"
        )
        step(report)

    issue = issue_of(mild)
    assert issue.evidence.count() == 6
    assert issue.priority == "low"


def test_what_a_person_has_set_does_not_rise(say, mild, user):
    issue_of(mild).correct({"priority": "low"}, by=user)
    Issue.objects.update(locked_fields=["priority"])

    assert echo_of(say, mild, ["1", "2", "3"]).priority == "low"


def test_a_project_may_leave_priorities_alone(say, mild, project):
    project.raise_priority_from = 0
    project.save()

    assert echo_of(say, mild, ["1", "2", "3"]).priority == "low"


def test_a_critical_issue_stays_critical(say, mild):
    Issue.objects.update(priority="critical")

    assert echo_of(say, mild, ["1", "2", "3"]).priority == "critical"


def test_a_merge_counts_the_people_of_both(say, mild, user):
    echo_of(say, mild, ["1"])
    other = say("2", EXPORT, status="actionable", category="bug", priority="low", confidence=0.9)
    file([other])

    merge(issue_of(other), into=issue_of(mild), by=user)

    assert issue_of(mild).priority == "medium"


def test_a_step_that_an_undone_merge_took_back_is_taken_again(say, mild, user):
    other = say("2", EXPORT, status="actionable", category="bug", priority="low", confidence=0.9)
    file([other])
    echo_of(say, mild, ["1"])
    merge(issue_of(other), into=issue_of(mild), by=user)
    undo_merge(Issue.objects.get(status="duplicate"), by=user)
    assert issue_of(mild).priority == "low"

    assert echo_of(say, mild, ["3"]).priority == "medium"
    assert echo_of(say, mild, ["4", "5", "6"]).priority == "high"


def test_the_history_says_how_many_report_it(say, mild):
    issue = echo_of(say, mild, ["1", "2", "3", "4", "5"])

    raised = issue.changes.filter(kind=Change.Kind.EDIT, details__field="priority")
    assert [reason_in_words(change) for change in raised] == [
        "3 people report it",
        "6 people report it",
    ]


def test_nobody_is_counted_when_a_person_has_set_the_priority(
    say, mild, user, django_assert_num_queries
):
    issue = issue_of(mild)
    issue.correct({"priority": "medium"}, by=user)
    project = issue.project

    with django_assert_num_queries(0):
        rise(issue, project)


def test_people_are_counted_where_they_lie(say, mild, django_assert_num_queries):
    issue = echo_of(say, mild, ["1", "2", "2", ""])

    with django_assert_num_queries(1) as queries:
        assert people_of(issue) == 3
    assert "COUNT(" in queries[0]["sql"]
