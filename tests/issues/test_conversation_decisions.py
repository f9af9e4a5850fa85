"""What people decide about a report goes for what was said about it, and they may part the two."""

import pytest

from apps.issues.conversation import NotAFollowUp, detach
from apps.issues.decisions import CannotSplit, merge, split, undo_merge
from apps.issues.models import Change, Evidence, Issue
from apps.messages.decisions import reclassify, retry
from apps.messages.models import Message
from tests.issues.conftest import EXPORT, OUTAGE, issue_of, read, step


def test_a_person_takes_a_follow_up_out_for_good(say, user):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    read(report, echo)
    issue = issue_of(report)

    detach(echo, by=user, reason="про інше")
    echo.refresh_from_db()
    retry(echo, by=user)
    read(echo)

    assert echo.status == Message.Status.NOISE
    assert list(issue.evidence.values_list("message", flat=True)) == [report.pk]
    assert issue.changes.get(kind=Change.Kind.SPLIT).reason == "про інше"


def test_a_follow_up_that_a_person_calls_a_bug_is_filed_by_itself(say, user):
    report = say("Іра", OUTAGE)
    detail = say("Олег", "у мене теж, хром 140", to=report)
    read(report, detail)

    reclassify(detail, category="bug", by=user)

    assert detail.status == Message.Status.ACTIONABLE
    assert list(issue_of(report).evidence.values_list("message", flat=True)) == [report.pk]
    step(detail)
    assert Evidence.objects.get(message=detail).level not in Evidence.FOLLOW_UPS


def test_a_report_is_split_and_not_taken_out(say, user):
    report = say("Іра", OUTAGE)
    read(report)

    with pytest.raises(NotAFollowUp):
        detach(report, by=user)


def test_an_echo_may_be_split_out_like_a_report(say, user):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    read(report, echo)

    issue = split(echo, by=user)

    assert issue_of(echo) == issue != issue_of(report)
    assert issue.category == issue_of(report).category


@pytest.fixture
def merged(say, user):
    """Two reports in the issue of the first."""
    reports = say("Іра", OUTAGE), say("Олег", EXPORT)
    read(*reports)
    merge(issue_of(reports[1]), into=issue_of(reports[0]), by=user)
    return reports


def test_a_report_that_is_split_out_takes_along_what_was_said_about_it(say, merged, user):
    first, second = merged
    echo = say("Марта", "+1", to=second)
    echo_of_echo = say("Іван", "і у мене", to=echo)
    other = say("Степан", "+1", to=first)
    read(echo, echo_of_echo, other)

    split(second, by=user)

    assert issue_of(echo) == issue_of(echo_of_echo) == issue_of(second) != issue_of(first)
    assert issue_of(other) == issue_of(first)
    assert Evidence.objects.get(message=echo).level == Evidence.Level.REPLY
    assert Evidence.objects.get(message=echo).like == second


def test_also_when_the_report_has_been_edited_since(say, merged, user):
    first, second = merged
    echo = say("Марта", "+1", to=second)
    read(echo)
    edit = say("Олег", EXPORT + "!", external_id=second.external_id, edit=1)
    Message.objects.filter(pk=second.pk).update(is_superseded=True)
    read(edit)

    split(edit, by=user)

    assert issue_of(echo) == issue_of(edit) != issue_of(first)


def test_what_is_said_after_a_split_joins_the_report_where_it_is_now(say, merged, user):
    _first, second = merged
    echo = say("Марта", "+1", to=second)
    read(echo)
    split(second, by=user)
    late = say("Іван", "+1", to=echo)

    read(late)

    assert issue_of(late) == issue_of(second)


def test_the_only_report_does_not_leave_with_all_that_was_said_about_it(say, user):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    read(report, echo)

    with pytest.raises(CannotSplit):
        split(report, by=user)


def test_an_undone_merge_gives_back_what_was_said_since(say, merged, user):
    first, second = merged
    echo, other = say("Марта", "+1", to=second), say("Степан", "+1", to=first)
    read(echo, other)

    undo_merge(Issue.objects.get(status=Issue.Status.DUPLICATE), by=user)

    assert issue_of(echo) == issue_of(second) != issue_of(first)
    assert issue_of(other) == issue_of(first)
