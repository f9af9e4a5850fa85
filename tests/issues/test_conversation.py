"""What the chat says about a report joins its issue, whichever of them is read first."""

from datetime import timedelta

import pytest

from apps.issues.decisions import merge
from apps.issues.models import Change, Evidence, Filing, Issue
from apps.issues.triage import file
from apps.messages.classify import classify
from apps.messages.models import Message
from tasktracker.lib.workflow import TryLater
from tests.issues.conftest import EXPORT, OUTAGE, issue_of, read, step


def test_five_messages_are_one_issue(say):
    report = say("Іра", OUTAGE)
    screenshot = say("Іра", "", kind="photo")
    echo = say("Олег", "+1")
    question = say("Денис", "а яка версія браузера?", to=report)
    version = say("Марта", "у мене теж, хром 140", to=report)
    line = say("Денис", "nginx: upstream timed out (110: Connection timed out)", to=question)

    read(report, screenshot, echo, question, version, line)

    issue = Issue.objects.get()
    attached = {report, screenshot, echo, version, line}
    assert {row.message for row in issue.evidence.all()} == attached
    assert question.status == Message.Status.NOISE


def test_two_interleaved_talks_stay_two(say):
    outage = say("Іра", OUTAGE)
    export = say("Олег", EXPORT)
    of_outage = say("Марта", "у нас так само", to=outage)
    of_export = say("Олег", "версія 3.2, firefox")
    line = say("Денис", "java.lang.IllegalStateException: sheet is closed", to=export)
    late = say("Іван", "і у мене", to=of_outage)
    unclear = say("Степан", "+1")

    read(outage, export, of_outage, of_export, line, late, unclear)

    assert Issue.objects.count() == 2
    assert issue_of(outage) == issue_of(of_outage) == issue_of(late)
    assert issue_of(export) == issue_of(of_export) == issue_of(line)
    assert unclear.status == Message.Status.NOISE


def test_an_echo_of_another_report_ends_no_run(say):
    outage, export = say("Іра", OUTAGE), say("Олег", EXPORT)
    echo = say("Марта", "у нас так само", to=outage)
    more = say("Олег", "версія 3.2, firefox")

    read(outage, export, echo)
    Message.objects.filter(pk=echo.pk).update(category="bug")
    read(more)

    assert issue_of(more) == issue_of(export)


def test_talks_in_two_topics_stay_two(say):
    outage, export = say("Іра", OUTAGE, topic="1"), say("Олег", EXPORT, topic="2")
    of_outage, of_export = say("Марта", "+1", topic="1"), say("Марта", "+1", topic="2")

    read(outage, export, of_outage, of_export)

    assert issue_of(outage) == issue_of(of_outage)
    assert issue_of(export) == issue_of(of_export)


def test_talk_in_the_thread_stays_talk(say):
    report = say("Іра", OUTAGE)
    talk = [
        say("Денис", text, to=report) for text in ("гляну", "дякую", "ок", "fixed", "rolled back")
    ]

    read(report, *talk)

    assert {message.status for message in talk} == {Message.Status.NOISE}


def test_a_reply_says_how_it_was_found(say):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report, sent_at=report.sent_at + timedelta(minutes=90))
    read(report, echo)

    evidence = Evidence.objects.get(message=echo)
    assert evidence.level == Evidence.Level.REPLY
    assert evidence.explanation == {"reply_to": report.pk, "minutes": 90.0}
    assert evidence.like == report
    assert Filing.objects.get(message=echo).level == Evidence.Level.REPLY
    assert issue_of(echo).changes.filter(kind=Change.Kind.EVIDENCE).exists()


def test_a_run_says_whose_it_is(say):
    report = say("Іра", OUTAGE)
    more = say("Іра", "версія 3.2, pixel 6")
    read(report, more)

    evidence = Evidence.objects.get(message=more)
    assert evidence.level == Evidence.Level.RUN
    assert evidence.explanation == {"author": "Іра", "is_own": True, "minutes": 1.0}


def test_a_reply_that_is_read_before_its_report_waits_for_it(say):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    classify([echo])

    with pytest.raises(TryLater):
        step(echo)
    classify([report])
    with pytest.raises(TryLater):
        step(echo)
    step(report)
    step(echo)

    assert issue_of(echo) == issue_of(report)


def test_what_turns_out_to_be_talk_takes_its_echo_along(say):
    talk = say("Іра", "дякую")
    echo = say("Олег", "+1", to=talk)
    classify([echo])

    read(talk)
    step(echo)

    assert echo.status == Message.Status.NOISE


def test_nobody_waits_for_ever(say, settings):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    classify([echo])
    long_ago = echo.created_at - timedelta(seconds=settings.LLM_GRACE + 120)
    Message.objects.filter(pk=echo.pk).update(status_changed_at=long_ago)

    step(echo)

    assert echo.status == Message.Status.NOISE


@pytest.mark.parametrize("status", [Issue.Status.DONE, Issue.Status.REJECTED])
def test_a_closed_issue_takes_no_follow_up(say, status):
    report = say("Іра", OUTAGE)
    read(report)
    Issue.objects.update(status=status)
    echo = say("Олег", "+1", to=report)

    read(echo)

    assert echo.status == Message.Status.NOISE


def test_an_issue_that_is_worked_on_takes_follow_ups(say):
    report = say("Іра", OUTAGE)
    read(report)
    Issue.objects.update(status=Issue.Status.IN_PROGRESS)
    echo = say("Олег", "+1", to=report)

    read(echo)

    assert issue_of(echo) == issue_of(report)


def test_a_duplicate_hands_its_follow_ups_on(say, user):
    first, second = say("Іра", OUTAGE), say("Олег", EXPORT)
    read(first, second)
    merge(issue_of(second), into=issue_of(first), by=user)
    Evidence.objects.filter(message=second).update(issue=Issue.objects.get(status="duplicate"))
    echo = say("Марта", "+1", to=second)

    read(echo)

    assert issue_of(echo) == issue_of(first)


def test_a_second_delivery_changes_nothing(say):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    read(report, echo)
    Message.objects.filter(pk=echo.pk).update(status=Message.Status.FOLLOW_UP)

    step(echo)

    assert Evidence.objects.filter(message=echo).count() == 1
    assert echo.status == Message.Status.FILED


def test_a_report_is_not_compared_with_follow_ups(say):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "у мене теж", to=report)
    read(report, echo)
    assert issue_of(echo) == issue_of(report)
    again = say(
        "Марта", "у мене теж", status="actionable", category="bug", priority="low", topic="9"
    )

    file([again])

    compared = Filing.objects.get(message=again).compared
    assert compared
    assert echo.pk not in [row["message"] for row in compared]
