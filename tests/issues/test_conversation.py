"""What the chat says about a report joins its issue, whichever of them is read first."""

from datetime import timedelta

import pytest

from apps.issues.admin.words import in_words, reason_in_words
from apps.issues.conversation import NotAFollowUp, detach, follow_up
from apps.issues.decisions import CannotSplit, merge, split, undo_merge
from apps.issues.models import Change, Evidence, Filing, Issue
from apps.issues.triage import file
from apps.issues.urgency import people_of, rise
from apps.messages.answers import Answer, keep
from apps.messages.classifiers.base import Verdict
from apps.messages.classify import classify
from apps.messages.decisions import reclassify, retry
from apps.messages.follow_ups import status_of
from apps.messages.models import Message
from tasktracker.lib.workflow import TryLater

OUTAGE = "Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити замовлення"
EXPORT = "Експорт звіту в Excel падає з помилкою, файл порожній"


@pytest.fixture
def say(make_message):
    """A message; `to` is what it replies to."""

    def make(author, text, *, to=None, **changes):
        answers = {} if to is None else {"reply_to": to, "reply_to_external_id": to.external_id}
        return make_message(text, author_id=author, author=author, **{**answers, **changes})

    return make


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user("olena")


def read(*messages):
    """What the pipeline does with them, one after the other."""
    for message in messages:
        classify([message])
        step(message)


def step(message):
    message.refresh_from_db()
    if message.status == Message.Status.ACTIONABLE:
        file([message])
    elif message.status == Message.Status.FOLLOW_UP:
        follow_up(message)
    message.refresh_from_db()


def issue_of(message):
    return Evidence.objects.get(message=message).issue


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


def test_an_echo_of_reports_of_one_problem_joins_it(say):
    reports = [say("Іра", OUTAGE), say("Олег", OUTAGE)]
    echo = say("Марта", "+1")

    read(*reports, echo)

    assert issue_of(echo) == issue_of(reports[0]) == issue_of(reports[1])


def test_a_second_delivery_changes_nothing(say):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    read(report, echo)
    Message.objects.filter(pk=echo.pk).update(status=Message.Status.FOLLOW_UP)

    step(echo)

    assert Evidence.objects.filter(message=echo).count() == 1
    assert echo.status == Message.Status.FILED


def test_an_edit_of_a_follow_up_takes_its_place(say):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    read(report, echo)
    Message.objects.filter(pk=echo.pk).update(is_superseded=True)
    edit = say("Олег", "+1, firefox", to=report, external_id=echo.external_id, edit=1)

    read(edit)

    assert [row.message for row in issue_of(report).evidence.all()] == [report, edit]


def test_an_edit_that_is_stored_meanwhile_speaks_for_the_follow_up(say):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    read(report)
    classify([echo])
    claimed = Message.objects.get(pk=echo.pk)
    edit = say("Олег", "+1, firefox", to=report, external_id=echo.external_id, edit=1)
    Message.objects.filter(pk=echo.pk).update(is_superseded=True)
    read(edit)

    follow_up(claimed)

    assert claimed.status == Message.Status.NOISE
    assert [row.message for row in issue_of(report).evidence.all()] == [report, edit]


def test_a_follow_up_of_an_edited_report_joins_its_issue(say):
    report = say("Іра", OUTAGE)
    read(report)
    edit = say("Іра", OUTAGE + "!!", external_id=report.external_id, edit=1)
    Message.objects.filter(pk=report.pk).update(is_superseded=True)
    read(edit)
    echo = say("Олег", "+1", to=report)

    read(echo)

    assert issue_of(echo) == issue_of(edit)


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


def test_what_was_taken_out_stays_out_when_its_author_edits_it(say, user):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    read(report, echo)
    detach(echo, by=user)
    edit = say("Олег", "+1 !!", to=report, external_id=echo.external_id, edit=1)
    Message.objects.filter(pk=echo.pk).update(is_superseded=True)

    read(edit)

    assert edit.status == Message.Status.NOISE
    assert [row.message for row in issue_of(report).evidence.all()] == [report]


def test_an_echo_that_is_edited_into_another_report_opens_its_own_issue(say):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    read(report, echo)
    text = "Courier app crashes when I open the map on android 14"
    edit = say("Олег", text, external_id=echo.external_id, edit=1)
    Message.objects.filter(pk=echo.pk).update(is_superseded=True)

    read(edit)

    assert issue_of(edit) != issue_of(report)
    assert Evidence.objects.get(message=edit).level == Evidence.Level.OPENED
    assert [row.message for row in issue_of(report).evidence.all()] == [report]
    told = in_words(issue_of(report).changes.get(kind=Change.Kind.SPLIT))
    assert told == f"Message {echo.pk} reports something of its own, it was taken out"


def test_an_echo_that_is_edited_into_a_longer_one_stays(say):
    report = say("Іра", OUTAGE)
    echo = say("Олег", "+1", to=report)
    read(report, echo)
    edit = say("Олег", "+1, у мене теж", to=report, external_id=echo.external_id, edit=1)
    Message.objects.filter(pk=echo.pk).update(is_superseded=True)
    Message.objects.filter(pk=edit.pk).update(status="actionable", category="bug", priority="low")

    step(edit)

    assert Evidence.objects.get(message=edit).level == Evidence.Level.REPLY
    assert issue_of(edit) == issue_of(report)


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


# Urgency


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
