"""What the chat says about a report stays right when it, or the report, is edited."""

from apps.issues.admin.words import in_words
from apps.issues.conversation import detach, follow_up
from apps.issues.models import Change, Evidence
from apps.messages.classify import classify
from apps.messages.models import Message
from tests.issues.conftest import OUTAGE, issue_of, read, step


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


def edited(message, say, text, edit=1):
    Message.objects.filter(external_id=message.external_id).update(is_superseded=True)
    return say(message.author, text, external_id=message.external_id, edit=edit)


def test_an_issue_is_told_that_its_report_says_nothing_any_more_and_stays(say):
    report = say("Іра", OUTAGE)
    read(report)

    edit = edited(report, say, "дякую!")
    read(edit)

    edit.refresh_from_db()
    issue = issue_of(report)
    change = issue.changes.get(details__withdrawn=True)
    assert (edit.status, issue.status) == (Message.Status.NOISE, "new")
    assert in_words(change) == (
        f"Message {report.pk} was edited and reports nothing any more, see message {edit.pk}"
    )


def test_a_report_that_loses_its_words_tells_its_issue(say):
    report = say("Іра", OUTAGE)
    read(report)

    read(edited(report, say, ""))

    assert issue_of(report).changes.filter(details__withdrawn=True).count() == 1


def test_talk_that_is_edited_tells_nobody(say):
    talk = say("Іра", "дякую!")
    read(talk)
    edit = edited(talk, say, "дуже дякую!")

    read(edit)

    edit.refresh_from_db()
    assert edit.status == Message.Status.NOISE
    assert not Change.objects.exists()
