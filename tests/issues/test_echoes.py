"""A "same here" joins the report that it can only mean, and opens no issue by itself."""

from datetime import timedelta

import pytest

from apps.issues.conversation import follow_up
from apps.issues.models import Issue
from apps.issues.triage import file
from apps.messages.answers import Answer, keep
from apps.messages.classifiers.base import Verdict
from apps.messages.classify import classify
from apps.messages.follow_ups import status_of
from apps.messages.models import Message
from tasktracker.lib.workflow import TryLater
from tests.issues.conftest import EXPORT, OUTAGE, issue_of, read, step


def test_an_echo_waits_for_every_report_that_it_may_mean(say):
    first, second = say("Іра", OUTAGE), say("Олег", EXPORT)
    echo = say("Марта", "+1")
    read(first)
    classify([second])
    classify([echo])

    with pytest.raises(TryLater):
        step(echo)
    step(second)
    step(echo)

    assert echo.status == Message.Status.NOISE


def test_an_echo_that_may_mean_a_report_without_an_issue_stands_alone(say, settings):
    first, second = say("Іра", OUTAGE), say("Олег", EXPORT)
    echo = say("Марта", "+1")
    read(first)
    classify([second])
    classify([echo])
    long_ago = echo.created_at - timedelta(seconds=settings.LLM_GRACE + 120)
    Message.objects.filter(pk=echo.pk).update(status_changed_at=long_ago)

    step(echo)

    assert echo.status == Message.Status.NOISE


def test_an_echo_of_an_echo_joins_the_same_issue(say):
    report = say("Іра", OUTAGE)
    more = say("Іра", "версія 3.2, pixel 6")
    echo = say("Олег", "у мене теж", to=more, sent_at=report.sent_at + timedelta(hours=5))

    read(report, more, echo)

    assert issue_of(echo) == issue_of(report)


def test_an_echo_of_reports_of_one_problem_joins_it(say):
    reports = [say("Іра", OUTAGE), say("Олег", OUTAGE)]
    echo = say("Марта", "+1")

    read(*reports, echo)

    assert issue_of(echo) == issue_of(reports[0]) == issue_of(reports[1])


def test_a_bare_echo_opens_no_issue_even_when_it_names_a_failure(say):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "і у мене, 503", to=report)

    read(report, echo)

    assert issue_of(echo) == issue_of(report)


def test_a_bare_echo_without_its_report_is_filed_as_what_it_was_taken_for(say, user):
    report = say("Іра", OUTAGE)
    read(report)
    Issue.objects.update(status=Issue.Status.DONE)
    named = {"status": "follow_up", "category": "bug", "priority": "low"}
    echo = say("Олег", "і у мене, 503", to=report, **named)

    follow_up(echo)
    file([echo])

    assert issue_of(echo) != issue_of(report)


@pytest.mark.parametrize("text", ["у мене теж", "same here", "+1, у нас теж"])
def test_an_echo_between_two_talks_opens_no_issue(say, text):
    outage, export = say("Іра", OUTAGE), say("Олег", EXPORT)
    echo = say("Марта", text)
    read(outage, export)
    step_as(echo, "bug", "critical")

    assert Issue.objects.count() == 2
    assert echo.status == Message.Status.NOISE


def test_an_echo_of_what_was_never_stored_opens_no_issue(say):
    echo = say("Марта", "у мене теж", reply_to_external_id="-100500:404", is_history=True)
    step_as(echo, "bug", "critical")

    assert not Issue.objects.exists()
    assert echo.status == Message.Status.NOISE


def test_an_echo_that_names_a_failure_is_filed_where_nothing_is_near(say):
    echo = say("Марта", "і у мене, 503")
    step_as(echo, "bug", "high")

    assert Issue.objects.get().evidence.get().message == echo


def test_what_a_person_calls_a_bug_is_filed_though_it_only_echoes(say):
    outage, export = say("Іра", OUTAGE), say("Олег", EXPORT)
    echo = say("Марта", "у мене теж", category="bug", locked_fields=["category"])
    read(outage, export)
    step_as(echo, "bug", "high")

    assert Issue.objects.count() == 3


def step_as(message, category, priority):
    """Decided by a classifier that takes it for a report, then filed or attached."""
    verdict = Verdict(category, priority, 0.9)
    answer = keep(message, Answer("test", "1", verdict), 1)
    message.decide(status_of(message, answer), answer, is_provisional=False)
    step(message)
