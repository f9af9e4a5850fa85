"""Commands in a chat: what each does, who may give it, and that it is answered once."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.issues.models import Evidence, Issue
from apps.issues.tasks import answer_commands, obey_commands
from apps.messages.ingest import Arrival, ingest
from apps.messages.models import ChatCommand, Message
from apps.sources.adapters.telegram.adapter import Telegram
from apps.sources.adapters.telegram.sending import COMMANDS, username_of
from apps.sources.models import Author, Chat, Erasure, Source
from tests.stubs.telegram import TOKEN, telegram_server

GROUP = -1005
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server():
    with telegram_server() as running:
        yield running


@pytest.fixture
def telegram(server, settings):
    settings.TELEGRAM_API_URL = server.url
    for kept in (server.sent, server.commands, server.faults, server.members):
        kept.clear()
    server.add_chat(GROUP, title="Dev chat")
    server.add_member(GROUP, 7, status="administrator")
    username_of.cache_clear()
    return server


@pytest.fixture
def source(project):
    project.language = "en"
    project.save()
    source = Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN}
    )
    Chat.objects.create(source=source, external_id=str(GROUP), title="Dev chat")
    return source


def update(text, *, number=1, author=7, chat=GROUP, kind="supergroup", **more):
    message = {
        "message_id": number,
        "date": int(timezone.now().timestamp()),
        "chat": {"id": chat, "type": kind, "title": "Dev chat"},
        "from": {"id": author, "is_bot": False, "first_name": "Олена"},
        "text": text,
        **more,
    }
    if text.startswith("/"):
        entity = {"type": "bot_command", "offset": 0, "length": len(text.split()[0])}
        message["entities"] = [entity]
    return {"update_id": number, "message": message}


@pytest.fixture
def say(source, telegram):
    """Something is said in a chat; what the bot answers, if it does."""
    numbers = iter(range(1, 100))

    def come_in(text, **more):
        before = len(telegram.sent)
        payload = update(text, number=next(numbers), **more)
        adapter = source.adapter()
        ingest([Arrival(item.to_bytes(), item.subject) for item in adapter.envelopes(payload)])
        work()
        told = telegram.sent[before:]
        return told[0]["text"] if told else None

    return come_in


def work():
    for command in ChatCommand.objects.order_by("pk"):
        obey_commands([command.pk])
        answer_commands([command.pk])


def reply_to(number):
    return {"reply_to_message": {"message_id": number, "chat": {"id": GROUP}}}


def test_help_is_a_quiet_answer_in_the_same_topic(say, telegram):
    told = say("/help", message_thread_id=3, is_topic_message=True)

    assert "/forget" in told
    [sent] = telegram.sent
    assert sent["disable_notification"] == "true"
    assert sent["message_thread_id"] == "3"
    assert json.loads(sent["reply_parameters"])["message_id"] == 1
    assert "parse_mode" not in sent
    assert not Message.objects.exists()


def test_answers_are_in_the_language_of_the_chat(say, telegram):
    say("Привіт")
    Chat.objects.update(language="uk")

    say("/status")

    command = ChatCommand.objects.get()
    assert command.chat.language_of_answers == "uk"


def test_who_calls_another_bot_hears_nothing(say):
    assert say("/help@other_bot") is None
    assert say("/help@Tracker_Bot") is not None
    assert list(ChatCommand.objects.order_by("pk").values_list("status", flat=True)) == [
        "ignored",
        "done",
    ]


def test_an_unknown_command_is_kept_unread_and_without_an_answer(say):
    assert say("/deploy prod") is None
    assert Message.objects.get().status == Message.Status.NOISE


def test_a_command_that_comes_twice_is_obeyed_once(source, telegram):
    [envelope] = source.adapter().envelopes(update("/help"))
    for _again in range(2):
        ingest([Arrival(envelope.to_bytes(), envelope.subject)])
        work()

    assert len(telegram.sent) == 1


def test_a_message_that_is_reported_is_an_issue_at_once(say):
    say("Щось дивне зі звітами сьогодні")
    Message.objects.update(status="noise", category="info", priority="low")

    told = say("/report", **reply_to(1))

    issue = Issue.objects.get()
    assert told == f"It is issue #{issue.pk} now."
    assert (issue.category, issue.is_provisional) == ("bug", True)
    assert say("/report", **reply_to(1)) == f"It is issue #{issue.pk}: new."
    assert say("/status", **reply_to(1)) == f"It is issue #{issue.pk}: new."
    assert say("/status") == "1 issue is open: 1 new, 0 in work."


def test_the_words_after_the_command_are_a_report(say):
    say("/report Експорт звіту у PDF падає з помилкою 500")

    message = Evidence.objects.get().message
    assert (message.text, message.author, message.status) == (
        "Експорт звіту у PDF падає з помилкою 500",
        "Олена",
        "filed",
    )
    assert ChatCommand.objects.get().argument == ""


@pytest.mark.parametrize("command", ["/status", "/report Прод лежить"])
def test_before_the_yes_a_chat_is_told_nothing_of_the_project(say, command):
    Chat.objects.update(state=Chat.State.WAITING)

    assert "not read" in say(command)
    assert not Issue.objects.exists()


def test_an_empty_report_is_told_how(say):
    assert say("/report") == "Answer a message with /report, or write what is wrong after it."


def test_only_administrators_mute_the_bot_and_then_it_is_quiet(say, telegram):
    telegram.add_member(GROUP, 8)

    assert say("/mute", author=8) == "Only administrators of the chat may do that."
    assert say("/mute") == "I am quiet here from now on. /mute off ends that."
    assert say("/help") is None
    assert say("/optout", author=8) is not None
    assert say("/mute off") == "I answer here again."


def test_who_opts_out_is_no_longer_stored_until_they_opt_in(say):
    say("/optout")
    say("Прод лежить")
    assert not Message.objects.exists()
    assert "/optin" in say("/report Прод лежить")

    say("/optin")
    say("Прод знову лежить")

    assert Message.objects.get().text == "Прод знову лежить"


def test_what_came_in_before_an_opt_out_was_heard_is_not_kept(source, telegram):
    now = int(timezone.now().timestamp())
    said = ("Прод лежить", now - 9), ("/optout", now - 8), ("Прод досі лежить", now - 7)
    payloads = [update(text, number=at, date=at) for text, at in said]
    items = [item for payload in payloads for item in source.adapter().envelopes(payload)]
    ingest([Arrival(item.to_bytes(), item.subject) for item in items])
    work()

    assert Message.objects.get().text == "Прод лежить"


def test_who_asks_is_forgotten_and_hears_so(say, telegram):
    say("Прод лежить")

    assert "is being erased" in say("/forget")
    assert Erasure.objects.get().author == Author.objects.get(external_id="7")
    assert "reply_markup" not in telegram.sent[-1]


def test_an_anonymous_administrator_cannot_be_forgotten(say):
    told = say("/forget", sender_chat={"id": GROUP, "type": "supergroup", "title": "Dev chat"})

    assert told == "You speak for a chat here. Ask for it as yourself."
    assert not Erasure.objects.exists()


def test_an_answer_that_may_have_been_sent_is_not_sent_again(say, telegram):
    telegram.hang_up(method="sendMessage")

    say("/help")
    work()

    assert len(telegram.sent) == 1
    assert ChatCommand.objects.get().status == ChatCommand.Status.FAILED


def test_an_old_command_is_ignored_unless_it_is_somebodys_right(say):
    old = int((timezone.now() - timedelta(hours=2)).timestamp())

    assert say("/help", date=old) is None
    say("/forget", date=old)

    assert Erasure.objects.exists()


def test_a_flood_of_commands_is_not_answered_by_a_flood(say, telegram):
    for _each in range(12):
        say("/status")

    assert len(telegram.sent) == 8


@pytest.mark.parametrize(
    ("kind", "chat", "key"), [("supergroup", GROUP, "url"), ("private", 7, "web_app")]
)
def test_a_button_leads_to_the_team_page(say, telegram, settings, kind, chat, key):
    settings.WEBHOOK_BASE_URL = "https://tracker.example"

    say("/start", chat=chat, kind=kind)

    [[button]] = json.loads(telegram.sent[0]["reply_markup"])["inline_keyboard"]
    address = button[key] if key == "url" else button[key]["url"]
    assert address == "https://tracker.example/"


def test_telegram_is_told_of_every_command_in_both_languages(source, telegram):
    found = source.adapter().check(api_url=telegram.url)

    assert {*COMMANDS, "start"} == set(ChatCommand.Name.values)
    assert [form.get("language_code") for form in telegram.commands] == ["uk", "en", None]
    assert "commands are listed" in found[-1].sentence


@pytest.mark.parametrize(
    ("text", "offset", "kind"),
    [("/report 502", 0, "command"), ("see /report", 4, "text")],
)
def test_only_what_begins_with_a_command_is_one(text, offset, kind):
    message = update(text)
    message["message"]["entities"] = [{"type": "bot_command", "offset": offset, "length": 7}]

    [envelope] = Telegram(Telegram.Config(), source_id=1).envelopes(message)

    assert envelope.kind == kind


def test_a_burst_of_commands_is_not_answered_by_a_flood(source, telegram):
    for number in range(12):
        come_in(source, update("/status", number=number + 1))

    for command in ChatCommand.objects.order_by("pk"):
        obey_commands([command.pk])

    assert ChatCommand.objects.filter(status="answering").count() == 8


def test_nobody_is_named_by_a_command_that_is_done(say, source, telegram):
    say("/status")
    come_in(source, update("/status words", number=50))

    waiting = ChatCommand.objects.get(status="waiting")
    waiting.give_up("the chat is away")

    assert set(ChatCommand.objects.values_list("author", "argument")) == {("", "")}


def come_in(source, payload):
    envelopes = source.adapter().envelopes(payload)
    ingest([Arrival(item.to_bytes(), item.subject) for item in envelopes])
