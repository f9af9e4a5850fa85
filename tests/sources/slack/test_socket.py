"""The collector at a Slack that speaks Socket Mode: an event is acknowledged when it is safe."""

import asyncio
from typing import Any

import pytest
from django.core.management import call_command

from apps.sources.adapters.slack.adapter import Slack
from apps.sources.adapters.slack.history import History, Progress
from apps.sources.adapters.slack.library import WebApi, connected
from apps.sources.adapters.slack.names import Names
from apps.sources.collect import inlets
from apps.sources.models import Source
from tests.sources.listening import caught_up, has, listening, texts, until
from tests.stubs.slack import APP_ID, APP_TOKEN, BOT_TOKEN, CHANNEL, slack_server

pytestmark = pytest.mark.django_db(transaction=True)

BOTH = {"app_token": APP_TOKEN, "bot_token": BOT_TOKEN}


@pytest.fixture
def slack(settings):
    with slack_server() as server:
        settings.SLACK_API_URL = server.served.url
        yield server


@pytest.fixture
def app(transactional_db, project, slack):
    return Source.objects.create(project=project, kind="slack", name="Slack", config=BOTH)


def collect():
    call_command("collect_messages", once=True)


def test_what_comes_is_taken_with_names_and_then_acknowledged(app, slack, stream):
    found: list[Any] = []

    async def work():
        await caught_up()
        first = slack.post("Прод лежить")
        slack.edit(first, "Прод лежить, 502")
        slack.post("Дивлюся", thread_ts=first["ts"])
        slack.delete(first)
        await until(lambda: has(found, stream, 4) and not slack.waiting)

    listening(work)

    (_, first), (_, edit), (_, answer), (_, gone) = found
    assert (first["author_name"], first["chat"]["title"]) == ("Олена Кравець", "#payments")
    assert first["url"].startswith("https://smachno.slack.com/archives/C07DEVCHAT1/p")
    assert (edit["external_id"], edit["text"]) == (first["external_id"], "Прод лежить, 502")
    assert answer["reply_to"] == first["external_id"]
    assert (gone["notice"], gone["message"]) == ("deleted", first["external_id"])
    assert slack.calls.count("users.info") == 1


def test_a_name_that_slack_does_not_tell_holds_nothing_back(app, slack, stream):
    found: list[Any] = []
    slack.users = {}
    slack.errors["conversations.info"] = ["missing_scope"]

    async def work():
        await caught_up()
        slack.post("Прод лежить")
        await until(lambda: has(found, stream, 1))

    listening(work)

    assert (found[0][1]["author_name"], found[0][1]["chat"]["title"]) == ("U05OLENAKR1", "")


def test_without_a_bot_token_ids_stay(app, slack, stream):
    app.config = {"app_token": APP_TOKEN}
    app.save()
    found: list[Any] = []

    async def work():
        await until(lambda: bool(slack.links))
        slack.post("Прод лежить")
        await until(lambda: has(found, stream, 1) and not slack.waiting)

    listening(work)

    assert found[0][1]["author_name"] == "U05OLENAKR1"
    assert set(slack.calls) == {"apps.connections.open"}


def test_a_connection_that_slack_renews_loses_nothing(app, slack, stream):
    found: list[Any] = []

    async def work():
        await caught_up()
        slack.disconnect("refresh_requested")
        await until(lambda: len(slack.links) == 2)
        slack.post("на обох")
        slack.close_oldest()
        await until(lambda: len(slack.links) == 1)
        slack.post("на новому")
        await until(lambda: has(found, stream, 2) and not slack.waiting)

    listening(work)

    assert texts(found) == ["на обох", "на новому"]
    assert slack.opened == 2
    app.refresh_from_db()
    assert app.last_error == ""


def test_what_was_said_while_nobody_listened_is_read_with_threads_and_edits(app, slack, stream):
    slack.is_listening = False
    first = slack.post("Прод лежить")
    collect()
    slack.edit(first, "Прод лежить, 502")
    slack.post("у гілці", thread_ts=first["ts"])
    for number in range(230):
        slack.post(f"№{number}")
    slack.errors["conversations.history"] = ["ratelimited"]

    collect()

    assert texts(stream()) == [
        "Прод лежить",
        "Прод лежить, 502",
        "у гілці",
        *(f"№{number}" for number in range(230)),
    ]
    app.refresh_from_db()
    assert app.position["channels"] == {CHANNEL: slack.messages[CHANNEL][-1]["ts"]}


def test_no_position_moves_before_the_whole_channel_is_safe(slack, monkeypatch):
    monkeypatch.setattr("apps.sources.adapters.slack.history.TAKEN_AT_ONCE", 1)
    slack.post("Прод лежить")
    said = slack.post("Ще лежить")
    moments = []

    class Slow:
        async def position(self):
            return {}

        async def take(self, payloads, position):
            moments.append((len(payloads), position["channels"]))

    progress = Progress({})

    async def work():
        async with connected() as session:
            api = WebApi(BOT_TOKEN, session, slack.served.url)
            names = Names(api, {})
            try:
                await History(api, names, Slow(), {}).catch_up(progress)
            finally:
                await names.close()

    asyncio.run(work())

    assert moments[:3] == [(1, {}), (1, {}), (0, {CHANNEL: said["ts"]})]


def test_with_a_bot_token_alone_what_was_not_posted_to_us_is_read(app, slack, stream):
    app.config = {"bot_token": BOT_TOKEN, "signing_secret": "8f742231b10e"}
    app.save()
    slack.post("Прод лежить")
    found: list[Any] = []

    listening(lambda: until(lambda: has(found, stream, 1)))

    assert texts(found) == ["Прод лежить"]
    assert slack.opened == 0


def test_a_bot_that_may_not_read_the_past_still_listens(app, slack, stream):
    slack.errors["users.conversations"] = ["missing_scope"] * 3 + ["invalid_auth"]
    found: list[Any] = []

    async def work():
        await until(lambda: "users.conversations" in slack.calls)
        slack.post("Прод лежить")
        await until(lambda: has(found, stream, 1) and not slack.waiting)

    listening(work)

    assert slack.opened == 1


def test_other_envelopes_are_acknowledged_and_left(app, slack, stream):
    async def work():
        await caught_up()
        slack.send_envelope("slash_commands", {"command": "/report"})
        slack.send_envelope("events_api", {"type": "event_callback", "event": {}})
        await until(lambda: not slack.waiting)

    listening(work)

    assert stream() == []


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({**BOTH, "app_token": APP_TOKEN + "x"}, "does not accept the token"),
        ({**BOTH, "bot_token": BOT_TOKEN + "x"}, "does not accept the token"),
        ({"app_token": BOT_TOKEN}, "xapp-"),
    ],
)
def test_wrong_tokens_are_told_and_never_shown(app, slack, config, words, caplog):
    app.config = config
    app.save()

    async def work():
        while not (await Source.objects.aget()).last_error:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    if words == "xapp-":
        assert inlets() == []
    else:
        listening(work)

    app.refresh_from_db()
    assert words in app.last_error
    assert "nobody-may-see" not in app.last_error + caplog.text


def test_socket_mode_that_is_off_is_told(app, slack):
    async def work():
        await caught_up()
        slack.disconnect("link_disabled")
        while not (await Source.objects.aget()).last_error:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    listening(work)

    app.refresh_from_db()
    assert "Socket Mode is off" in app.last_error


def test_whom_only_one_may_listen_to():
    def account(**config):
        return Slack(Slack.Config(**config), source_id=1).account()

    assert account(signing_secret="8f742231b10e") == ""
    assert account(**BOTH) == APP_ID
    assert account(bot_token=BOT_TOKEN) not in ("", BOT_TOKEN)


def test_a_wrong_bot_token_hides_nothing_of_the_app_token(slack):
    config = Slack.Config(app_token=APP_TOKEN, bot_token="xoxb-of-somebody-else")
    socket, bot = Slack(config, source_id=1).check(api_url=slack.served.url)

    assert "The app token is right" in socket.sentence
    assert "invalid_auth" in bot.sentence
    assert "Bot User OAuth Token" in bot.remedy


def test_a_check_finds_what_is_there_and_what_lacks(slack):
    def check(**config):
        return Slack(Slack.Config(**config), source_id=1).check(api_url=slack.served.url)

    assert [item.remedy for item in check(**BOTH)] == [""] * 4

    slack.scopes = "channels:history"
    slack.channels = {}
    slack.errors["apps.connections.open"] = ["missing_scope"]
    socket, bot, scopes, channels = check(**BOTH, workspace_id="T05STRANGER")

    assert "connections:write" in socket.remedy
    assert "workspace id" in bot.remedy
    assert "users:read" in scopes.sentence
    assert "/invite" in channels.remedy

    assert all(item.remedy for item in check())
    assert not check(signing_secret="8f742231b10e")[0].remedy
