"""What a person sets on an issue stays, teaches its message, and can be taken back."""

import pytest

from apps.issues import corrections
from apps.issues.models import Change, Evidence, Issue
from apps.issues.triage import attach
from apps.messages.decisions import reclassify, take_back, unlock
from apps.messages.models import Message


@pytest.fixture
def filed(make_message):
    """Makes a message that is evidence."""

    def make(**changes):
        values = {"status": "filed", "category": "bug", "priority": "low", "decided_by": "local"}
        return make_message(**{**values, **changes})

    return make


@pytest.fixture
def report(filed):
    return filed()


@pytest.fixture
def issue(make_issue, report):
    return make_issue(message=report, category="bug", priority="low", title="Прод лежить")


def test_an_edit_locks_what_changed(issue, admin_user):
    corrections.correct(issue, {"title": "Не відкривається", "category": "bug"}, by=admin_user)

    assert Issue.objects.get().locked_fields == ["title"]


def test_an_edit_corrects_the_opening_message(issue, report, admin_user):
    corrections.correct(
        issue, {"title": "Оплата", "category": "feature", "entities": {}}, by=admin_user
    )

    report.refresh_from_db()
    rows = report.corrections.values_list("field", "before", "after", "user")
    assert set(rows) == {
        ("title", "Прод лежить", "Оплата", admin_user.pk),
        ("category", "bug", "feature", admin_user.pk),
    }
    assert (report.category, report.status) == ("feature", "filed")
    assert report.locked_fields == ["category", "title"]


def test_an_issue_opened_by_hand_only_locks(make_issue, admin_user):
    issue = make_issue()

    corrections.correct(issue, {"priority": "low"}, by=admin_user)

    assert Issue.objects.get().locked_fields == ["priority"]


def test_a_more_urgent_report_leaves_a_locked_priority(issue, filed, admin_user):
    corrections.correct(issue, {"priority": "medium"}, by=admin_user)

    attach(filed(priority="critical"), Issue.objects.get(), level=Evidence.Level.EXACT)

    assert Issue.objects.get().priority == "medium"


def test_a_lock_that_was_set_in_the_meantime_holds(issue, admin_user):
    read_before = Issue.objects.get()
    corrections.correct(issue, {"priority": "medium"}, by=admin_user)

    read_before.edit({"priority": "critical", "title": "Інша назва"})

    assert Issue.objects.values_list("priority", "title").get() == ("medium", "Інша назва")


def test_unlocked_a_field_is_the_systems_again(issue, report, filed, admin_user):
    corrections.correct(issue, {"priority": "medium"}, by=admin_user)

    corrections.unlock(issue, "priority", by=admin_user)
    attach(filed(priority="critical"), Issue.objects.get(), level=Evidence.Level.EXACT)

    report.refresh_from_db()
    assert (Issue.objects.get().priority, report.locked_fields) == ("critical", [])


def test_not_an_issue_rejects_it_and_corrects_its_message(issue, report, admin_user):
    corrections.not_an_issue(issue, by=admin_user, reason="жарт")

    report.refresh_from_db()
    assert Issue.objects.get().status == "rejected"
    assert (report.status, report.category) == ("noise", "info")
    assert report.corrections.get(field="is_issue").after is False
    assert issue.changes.get(kind=Change.Kind.STATUS).details["not_an_issue"]


def test_the_only_report_corrected_to_chatter_rejects_the_issue(issue, report, admin_user):
    reclassify(report, category="info", by=admin_user)

    assert Issue.objects.get().status == "rejected"
    assert Message.objects.get(pk=report.pk).status == "noise"


def test_one_of_two_reports_corrected_to_chatter_leaves_the_issue(issue, filed, admin_user):
    other = filed()
    attach(other, issue, level=Evidence.Level.FUZZY, score=0.9)

    reclassify(other, category="question", by=admin_user)

    assert Issue.objects.get().status == "new"
    assert [row.message_id for row in issue.evidence.all()] != [other.pk]
    assert issue.evidence.count() == 1


def test_what_was_only_said_of_a_report_does_not_keep_its_issue_open(
    issue, report, filed, admin_user
):
    echo = filed(text="+1", category="info")
    attach(echo, issue, level=Evidence.Level.REPLY, like=report.pk)

    reclassify(report, category="info", by=admin_user)

    assert Issue.objects.get().status == "rejected"
    assert {row.message for row in issue.evidence.all()} == {report, echo}

    take_back(report.corrections.get(field="category"), by=admin_user)

    assert Issue.objects.get().status == "new"
    assert {row.message for row in issue.evidence.all()} == {report, echo}


def test_a_report_corrected_to_chatter_takes_its_urgency_along(issue, filed, admin_user):
    other = filed(priority="critical")
    attach(other, issue, level=Evidence.Level.FUZZY, score=0.9)

    reclassify(other, category="question", by=admin_user)

    assert Issue.objects.get().priority == "low"


def test_an_issue_in_work_outlives_the_correction_of_its_report(issue, report, admin_user):
    Issue.objects.update(status="in_progress")

    reclassify(report, category="info", by=admin_user)

    assert Issue.objects.get().status == "in_progress"


def test_taken_back_the_issue_stands_again(issue, report, admin_user):
    reclassify(report, category="info", by=admin_user)

    take_back(report.corrections.get(field="category"), by=admin_user)

    report.refresh_from_db()
    assert Issue.objects.get().status == "new"
    assert (report.category, report.status, report.locked_fields) == ("bug", "actionable", [])
    assert report.corrections.filter(field="category").count() == 2


def test_a_correction_of_the_opening_message_reaches_its_issue(issue, report, admin_user):
    reclassify(report, priority="critical", by=admin_user)

    found = Issue.objects.get()
    assert (found.priority, found.locked_fields) == ("critical", ["priority"])


def test_a_title_is_taken_back_too(issue, report, admin_user):
    corrections.correct(issue, {"title": "Оплата"}, by=admin_user)

    take_back(report.corrections.get(), by=admin_user)

    found = Issue.objects.get()
    assert (found.title, found.locked_fields) == ("Прод лежить", [])


def test_unlocking_a_message_is_written_down(report, admin_user):
    reclassify(report, category="feature", by=admin_user)

    unlock(report, "category", by=admin_user)

    assert Message.objects.get().locked_fields == []
    assert report.corrections.first().after is None
