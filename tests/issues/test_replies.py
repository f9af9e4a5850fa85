"""Quiet replies: one per issue and chat, edited, paced by rows, and people's thumbs on them."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.issues import replies
from apps.issues.decisions import approve
from apps.issues.models import Evidence, StatusReply
from apps.issues.replies import note_reaction, want
from apps.issues.tasks import write_replies
from apps.issues.triage import open_issue
from apps.sources.envelope import ChatReference, Notice
from apps.sources.models import Chat, Project, Source
from tests.stubs.telegram import TOKEN, telegram_server

GROUP = "-1005"
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server():
    with telegram_server() as running:
        yield running


@pytest.fixture
def telegram(server, settings):
    settings.TELEGRAM_API_URL = server.url
    for kept in (server.sent, server.edited, server.faults, server.messages):
        kept.clear()
    return server


@pytest.fixture
def chat(project, telegram):
    Project.objects.update(posts_replies=True, language="en")
    source = Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN}
    )
    return Chat.objects.create(source=source, external_id=GROUP, title="Dev chat")


@pytest.fixture
def make_report(chat, make_message):
    numbers = iter(range(1, 1000))

    def make(**changes):
        values = {"category": "bug", "priority": "high", "sent_at": timezone.now()}
        return make_message(external_id=f"{GROUP}:{next(numbers)}", **{**values, **changes})

    return make


def write(*, is_later=True):
    if is_later:
        past = timezone.now() - timedelta(minutes=2)
        StatusReply.objects.exclude(written_at=None).update(written_at=past)
    for reply in StatusReply.objects.order_by("pk"):
        write_replies([reply.pk])


def opened(message):
    issue = open_issue(message)
    want([issue.pk])
    return issue


def react(chat, number, added=(), removed=(), author="8"):
    note_reaction(
        Notice(
            notice="reaction",
            source_id=chat.source_id,
            key="1",
            chat=ChatReference(external_id=GROUP),
            message=f"{GROUP}:{number}",
            happened_at=timezone.now(),
            data={"author_id": author, "added": list(added), "removed": list(removed)},
        )
    )


def test_a_report_is_answered_once_and_the_answer_is_edited(
    make_report, telegram, django_user_model, django_capture_on_commit_callbacks
):
    message = make_report(topic="3")
    with django_capture_on_commit_callbacks(execute=True):
        issue = open_issue(message)
    write()

    with django_capture_on_commit_callbacks(execute=True):
        approve(issue, by=django_user_model.objects.create_user("olena"))
    write()
    write()

    [sent] = telegram.sent
    assert sent["text"] == f"It is issue #{issue.pk}: new."
    assert json.loads(sent["reply_parameters"])["message_id"] == 1
    assert (sent["message_thread_id"], sent["disable_notification"]) == ("3", "true")
    assert [form["text"] for form in telegram.edited] == [f"It is issue #{issue.pk}: approved."]


def test_a_second_report_in_the_same_chat_is_not_answered(make_report, telegram):
    issue = opened(make_report())
    Evidence.objects.create(issue=issue, message=make_report(), level="exact")
    want([issue.pk])
    write()

    assert len(telegram.sent) == 1


@pytest.mark.parametrize(
    "changes",
    [{"is_history": True}, {"sent_at": timezone.now() - timedelta(days=2)}],
    ids=["archive", "old"],
)
def test_nobody_is_told_of_what_is_long_past(make_report, changes):
    opened(make_report(**changes))

    assert not StatusReply.objects.exists()


def test_a_project_tells_nothing_unless_it_wants_to(make_report):
    Project.objects.update(posts_replies=False)
    opened(make_report())

    assert not StatusReply.objects.exists()


def test_a_muted_chat_is_left_in_peace(make_report, telegram):
    opened(make_report())
    Chat.objects.update(is_muted=True)
    write()

    assert telegram.sent == []
    assert StatusReply.objects.get().status == StatusReply.Status.DROPPED


def test_many_issues_at_once_do_not_flood_the_chat(make_report, telegram, monkeypatch):
    for _each in range(20):
        opened(make_report())
    with monkeypatch.context() as slow_machine:  # on which asking all of them takes a while
        slow_machine.setattr(replies, "APART", timedelta(hours=1))
        write(is_later=False)
    assert len(telegram.sent) == 1

    StatusReply.objects.update(leased_until=None)
    shown = StatusReply.objects.filter(status="shown")
    shown.update(written_at=timezone.now() - timedelta(seconds=3))
    for reply in StatusReply.objects.filter(status="due").order_by("pk"):
        write_replies([reply.pk])
        StatusReply.objects.exclude(written_at=None).update(
            written_at=timezone.now() - timedelta(seconds=3)
        )

    assert len(telegram.sent) == 15
    waiting = StatusReply.objects.filter(status="due", due_at__gt=timezone.now())
    assert waiting.exists()


def test_a_reply_that_may_be_there_is_not_written_again(make_report, telegram):
    telegram.hang_up(method="sendMessage")
    opened(make_report())
    write()
    write()

    assert len(telegram.sent) == 1
    assert StatusReply.objects.get().status == StatusReply.Status.FAILED


def test_thumbs_on_a_reply_count_once_per_person(chat, make_report, telegram):
    opened(make_report())
    write()
    number = StatusReply.objects.get().message_id

    for _again in range(2):
        react(chat, number, added=["👍"])
    react(chat, number, added=["👎"], author="9")
    react(chat, number, added=["🔥"], author="10")
    react(chat, "1", added=["👍"])
    reply = StatusReply.objects.get()
    assert (reply.likes, reply.dislikes) == (1, 1)

    react(chat, number, removed=["👎"], author="9")
    assert StatusReply.objects.get().dislikes == 0


def test_a_chat_that_is_no_longer_muted_is_told_again(make_report, telegram, chat):
    issue = opened(make_report())
    Chat.objects.update(is_muted=True)
    write()
    Chat.objects.update(is_muted=False)

    want([issue.pk])
    write()

    assert StatusReply.objects.get().status == "shown"
