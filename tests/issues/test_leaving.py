"""What leaves an issue takes along the date and the urgency that only it gave."""

from datetime import timedelta

import pytest

from apps.issues.conversation import detach
from apps.issues.decisions import merge, open_by_hand, split, undo_merge
from apps.issues.models import Evidence, Issue
from apps.issues.triage import attach, open_issue
from tests.conftest import MONDAY

HOUR = timedelta(hours=1)


@pytest.fixture
def report(make_message):
    def make(text, **changes):
        return make_message(text, **{"category": "bug", "priority": "low", **changes})

    return make


@pytest.fixture
def issue_with(report):
    """An issue with reports of these texts; the time of the first one is MONDAY."""

    def make(text, *others, **changes):
        issue = open_issue(report(text, **{"sent_at": MONDAY, **changes}))
        for other in others:
            attach(report(other), issue, level="fuzzy")
        return issue

    return make


def read(issue):
    return Issue.objects.get(pk=issue.pk)


def test_the_date_and_the_urgency_of_a_report_that_is_split_out_go_with_it(
    issue_with, report, admin_user
):
    issue = issue_with("late")
    early = report("early", priority="critical", sent_at=MONDAY - 3 * HOUR)
    attach(early, issue, level="fuzzy")
    assert (read(issue).reported_at, read(issue).priority) == (early.sent_at, "critical")

    made = split(early, by=admin_user)

    assert (read(issue).reported_at, read(issue).priority) == (MONDAY, "low")
    assert (made.reported_at, made.priority) == (early.sent_at, "critical")


def test_the_issue_is_as_urgent_as_what_stays(issue_with, report, admin_user):
    issue = issue_with("a")
    attach(report("b", priority="critical"), issue, level="fuzzy")
    attach(report("c", priority="high"), issue, level="fuzzy")

    split(issue.evidence.get(message__text="b").message, by=admin_user)

    assert read(issue).priority == "high"


def test_without_the_report_that_opened_it_an_issue_is_like_the_others(issue_with, admin_user):
    issue = issue_with("a", "b", priority="critical")
    opening = issue.evidence.get(message__text="a").message
    later = issue.evidence.get(message__text="b").message

    split(opening, by=admin_user)

    assert (read(issue).reported_at, read(issue).priority) == (later.sent_at, "low")


def test_what_a_person_has_set_stays(issue_with, report, admin_user):
    issue = issue_with("a")
    attach(report("b", priority="critical"), issue, level="fuzzy")
    issue.correct({"priority": "high"}, by=admin_user)
    issue.unlock(["priority"], by=admin_user)

    split(issue.evidence.get(message__text="b").message, by=admin_user)

    assert read(issue).priority == "high"


def test_what_an_issue_was_opened_with_by_hand_stays(project, report, admin_user):
    values = {"title": "a", "description": "", "category": "bug", "origin": "api"}
    issue = open_by_hand(project=project, priority="high", by=admin_user, **values)
    opened_at = issue.changes.get().created_at
    for text in "ab":
        attach(report(text, priority="critical", sent_at=MONDAY), issue, level="fuzzy")
    late = report("late", sent_at=opened_at + HOUR)
    attach(late, issue, level="fuzzy")

    for text in "ab":
        split(issue.evidence.get(message__text=text).message, by=admin_user)

    assert (read(issue).reported_at, read(issue).priority) == (opened_at, "high")


def test_an_urgent_report_that_came_by_a_merge_is_split_out(issue_with, admin_user):
    issue, urgent = issue_with("a"), issue_with("b", "c", priority="critical")
    merge(urgent, into=issue, by=admin_user)

    split(issue.evidence.get(message__text="b").message, by=admin_user)

    assert read(issue).priority == "low"
    undo_merge(read(urgent), by=admin_user)
    assert read(issue).priority == "low"


def test_a_step_goes_with_the_person_who_made_it(issue_with, report, project, admin_user):
    project.raise_priority_from = 3
    project.save()
    issue = issue_with("a", author_id="1")
    for number in "234":
        attach(report(number, author_id=number), issue, level="reply")
    assert read(issue).priority == "medium"

    detach(issue.evidence.get(message__text="4").message, by=admin_user)
    assert read(issue).priority == "medium"
    detach(issue.evidence.get(message__text="3").message, by=admin_user)
    assert read(issue).priority == "low"

    attach(report("5", author_id="5"), read(issue), level="fuzzy")
    assert read(issue).priority == "medium"


def test_an_edit_of_the_report_that_opened_it_keeps_its_urgency(issue_with, report, admin_user):
    issue = issue_with("a", "b", priority="critical")
    opened = issue.evidence.get(message__text="a")
    edit = report("a, edited", external_id=opened.message.external_id, edit=1)
    Evidence.objects.filter(pk=opened.pk).update(message=edit)

    split(issue.evidence.get(message__text="b").message, by=admin_user)

    assert read(issue).priority == "critical"
