"""A line of a monitoring bot joins the open issue of the same alert."""

from datetime import timedelta

import pytest

from apps.issues.decisions import split
from apps.issues.models import Evidence, Issue
from apps.issues.triage import file
from apps.messages.models import Message
from tests.issues.conftest import issue_of

FIRING = "[FIRING:1] DiskFull instance=db-1 used=%s severity=high"


@pytest.fixture
def make_alert(make_report):
    def make(used="91%", key="alertmanager:diskfull:1", **changes):
        return make_report(FIRING % used, alert_key=key, **changes)

    return make


def test_a_repeated_alert_joins_its_open_issue_and_says_why(make_alert):
    first, repeat = make_alert(), make_alert("99%", priority="critical")

    file([first, repeat])

    evidence = Evidence.objects.get(message=repeat)
    assert (evidence.issue, evidence.level) == (issue_of(first), Evidence.Level.EXACT)
    assert evidence.explanation == {"alert": "alertmanager:diskfull:1"}
    assert evidence.issue.priority == "critical"


def test_a_repeated_alert_joins_its_open_issue_after_months(make_alert):
    first = make_alert()
    file([first])
    repeat = make_alert(sent_at=first.sent_at + timedelta(days=90))

    file([repeat])

    assert issue_of(repeat) == issue_of(first)


def test_an_alert_that_fires_after_its_issue_was_closed_opens_a_new_one(make_alert):
    first, repeat = make_alert(), make_alert("92%")
    file([first])
    issue_of(first).change_status(Issue.Status.REJECTED)

    file([repeat])

    assert issue_of(repeat) != issue_of(first)


def test_an_alert_of_another_place_opens_its_own_issue(make_alert):
    first, other = make_alert(), make_alert("91%", key="alertmanager:diskfull:2")

    file([first, other])

    assert issue_of(first) != issue_of(other)


def test_an_alert_of_another_project_is_not_the_same(make_alert, other_project):
    first = make_alert()
    file([first])
    Issue.objects.update(project=other_project)
    Message.objects.filter(pk=first.pk).update(project=other_project)
    repeat = make_alert("92%")

    file([repeat])

    assert issue_of(repeat) != issue_of(first)


def test_an_alert_that_a_person_split_off_does_not_come_back(make_alert, admin_user):
    first, repeat = make_alert(), make_alert("92%")
    file([first, repeat])
    made = split(repeat, by=admin_user)

    Evidence.objects.filter(message=repeat).delete()

    Message.objects.filter(pk=repeat.pk).update(status="actionable")
    file([Message.objects.get(pk=repeat.pk)])

    assert made != issue_of(first)
    assert issue_of(repeat) != issue_of(first)
