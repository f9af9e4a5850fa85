"""Quiet replies: one per issue and chat, edited, paced by rows, and people's thumbs on them."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.issues.chat_commands import MOST_ANSWERS
from apps.issues.decisions import approve
from apps.issues.models import Evidence, StatusReply
from apps.issues.replies import note_reaction, text_of, want
from apps.issues.tasks import write_replies
from apps.issues.triage import open_issue
from apps.sources.envelope import ChatReference, Notice
from apps.sources.models import Chat, Project, Source
from tests.stubs.telegram import TOKEN, telegram_server

GROUP, SUPERGROUP = "-5", "-1005"
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


def react(chat, number, added=(), removed=(), author="8", group=GROUP):
    note_reaction(
        Notice(
            notice="reaction",
            source_id=chat.source_id,
            key="1",
            chat=ChatReference(external_id=group),
            message=f"{group}:{number}",
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


def test_however_restless_the_issues_a_group_gets_less_than_telegram_takes(make_report, telegram):
    """20 a minute, with edits and with answers to commands."""
    for _each in range(2):
        opened(make_report())
    before, began_at = len(telegram.calls), timezone.now()

    for second in range(0, 60, 3):
        StatusReply.objects.update(status="due", text="", leased_until=None)
        with time_machine.travel(began_at + timedelta(seconds=second), tick=False):
            for number in StatusReply.objects.values_list("pk", flat=True):
                write_replies([number])

    methods = [method for method, _form in telegram.calls[before:]]
    assert {"sendMessage", "editMessageText"} == set(methods)
    assert 9 <= len(methods) <= 20 - MOST_ANSWERS
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


def test_in_a_supergroup_the_numbers_begin_anew_and_the_reply_too(
    chat, make_report, telegram, django_user_model
):
    issue = opened(make_report())
    write()
    number = StatusReply.objects.get().message_id
    Chat.move(chat.source, chat.reference, SUPERGROUP)

    react(chat, number, added=["👍"], group=SUPERGROUP)  # what has this number there is not ours
    assert StatusReply.objects.get().likes == 0

    approve(issue, by=django_user_model.objects.create_user("olena"))
    want([issue.pk])
    write()
    reply = StatusReply.objects.get()
    assert (reply.status, reply.chat_external_id, telegram.edited) == ("shown", SUPERGROUP, [])
    assert [sent["chat_id"] for sent in telegram.sent] == [GROUP, SUPERGROUP]

    react(chat, reply.message_id, added=["👍"], group=SUPERGROUP)
    assert StatusReply.objects.get().likes == 1


def test_a_move_that_an_edit_is_told_of_first_is_heeded(
    chat, make_report, telegram, django_user_model
):
    issue = opened(make_report())
    write()
    approve(issue, by=django_user_model.objects.create_user("olena"))
    want([issue.pk])
    moved = "Bad Request: group chat was upgraded to a supergroup chat"
    telegram.fail(400, moved, method="editMessageText", migrate_to_chat_id=int(SUPERGROUP))
    write()
    StatusReply.objects.update(leased_until=None)
    write()

    reply = StatusReply.objects.get()
    assert (reply.status, reply.chat_external_id) == ("shown", SUPERGROUP)


def test_a_reply_that_was_posted_where_the_chat_is_now_is_edited_there(
    chat, make_report, telegram, django_user_model
):
    issue = opened(make_report())
    moved = "Bad Request: group chat was upgraded to a supergroup chat"
    telegram.fail(400, moved, method="sendMessage", migrate_to_chat_id=int(SUPERGROUP))
    write()
    approve(issue, by=django_user_model.objects.create_user("olena"))
    want([issue.pk])
    write()

    assert [form["chat_id"] for form in telegram.edited] == [SUPERGROUP]


def test_only_the_task_that_is_live_is_told(make_report, make_export, tracker, chat):
    issue = opened(make_report())
    spare = type(tracker).objects.create(project=tracker.project, kind="json", name="Spare")
    closed = make_export(issue, status="created", is_live=False, external_url="https://a.example/1")
    live = {"status": "created", "external_url": "https://b.example/2"}
    type(closed).objects.create(issue=issue, tracker=spare, **live)

    assert text_of(issue, chat).splitlines()[1:] == ["https://b.example/2"]
