"""The collector at a Discord that speaks its own protocol: what is said comes in, whatever breaks."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import connections

from apps.messages.models import Message
from apps.sources.adapters.discord import history, library
from apps.sources.adapters.discord.adapter import Discord
from apps.sources.adapters.discord.events import snowflake_of
from apps.sources.adapters.discord.gateway import _Listening
from apps.sources.adapters.discord.history import Progress, before
from apps.sources.collect import Listening, inlets
from apps.sources.models import Source
from tasktracker.lib.workflow import GiveUp
from tests.sources.listening import caught_up, has, listening, texts, until
from tests.sources.losing import read
from tests.stubs.discord.gateway import TOKEN
from tests.stubs.discord.server import BOT_ID, CHANNEL_ID, SERVER_ID, discord_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def discord(settings):
    with discord_server() as server:
        settings.DISCORD_API_URL = server.served.url
        yield server


@pytest.fixture
def bot(transactional_db, project, discord):
    return Source.objects.create(
        project=project, kind="discord", name="Bot", config={"bot_token": TOKEN}
    )


def collect():
    call_command("collect_messages", once=True)


def test_what_was_said_today_is_read_when_it_begins(bot, discord, stream):
    discord.post("Прод лежить")
    discord.post("Усе ще лежить")

    collect()
    collect()

    assert texts(stream()) == ["Прод лежить", "Усе ще лежить"]
    bot.refresh_from_db()
    assert bot.position["channels"] == {CHANNEL_ID: discord.messages[CHANNEL_ID][-1]["id"]}
    assert bot.last_error == ""


def test_what_comes_is_taken(bot, discord, stream):
    found: list[Any] = []

    async def work():
        await caught_up()
        first = discord.post("Прод лежить")
        discord.edit(first, "Прод лежить, 502")
        discord.delete(first)
        discord.post("Ні, вже ні")
        await until(lambda: has(found, stream, 4))

    listening(work)

    assert texts(found) == ["Прод лежить", "Прод лежить, 502", "Ні, вже ні"]
    assert found[2][1]["notice"] == "deleted"
    assert found[2][1]["message"] == found[0][1]["external_id"]
    assert found[0][1]["chat"]["title"] == "Smachno #payments"


def test_a_thread_and_what_is_said_in_it_are_known(bot, discord, stream):
    found: list[Any] = []

    async def work():
        await caught_up()
        first = discord.post("Прод лежить")
        discord.add_thread(CHANNEL_ID, "Прод лежить", first["id"])
        discord.post("Дивлюся", first["id"], content="Дивлюся, див. <#900000000000000010>")
        await until(lambda: has(found, stream, 3))

    listening(work)

    (_, first), (_, topic), (_, answer) = found
    assert (topic["notice"], topic["data"]["title"]) == ("topic", "Прод лежить")
    assert answer["chat"]["external_id"] == CHANNEL_ID
    assert (answer["topic"], answer["reply_to"]) == (topic["data"]["topic"], first["external_id"])
    assert answer["text"] == "Дивлюся, див. #payments"


def test_more_than_one_answer_is_read_and_threads_and_edits_too(bot, discord, stream):
    first = discord.post("Прод лежить")
    collect()
    thread = discord.add_thread(CHANNEL_ID, "Прод лежить", first["id"])
    discord.edit(first, "Прод лежить, 502")
    for number in range(130):
        discord.post(f"№{number}")
    discord.post("у гілці", thread)

    collect()

    assert texts(stream()) == [
        "Прод лежить",
        "Прод лежить, 502",
        *(f"№{number}" for number in range(130)),
        "у гілці",
    ]


def test_a_thread_that_was_archived_while_nobody_listened_is_read(bot, discord, stream):
    first = discord.post("Прод лежить")
    collect()
    thread = discord.add_thread(CHANNEL_ID, "Прод лежить", first["id"])
    discord.post("у гілці", thread)
    discord.archive(thread)

    collect()

    assert texts(stream()) == ["Прод лежить", "у гілці"]


def test_what_was_deleted_while_nobody_listened_is_marked(bot, discord, monkeypatch):
    monkeypatch.setattr(history, "OVERLAP", 0)
    read(bot, CHANNEL_ID)
    first, second, _third = [discord.post(text) for text in ("один", "два", "три")]
    thread = discord.add_thread(CHANNEL_ID, "гілка", first["id"])
    discord.post("у гілці", thread)

    def deleted():
        collect()
        call_command("ingest_messages", once=True)
        return set(Message.objects.exclude(deleted_at=None).values_list("text", flat=True))

    assert deleted() == set()
    discord.messages[CHANNEL_ID] = []  # as it looks to whom Discord shows no history
    assert deleted() == set()
    discord.messages[CHANNEL_ID] = [second]
    discord.post("чотири")
    assert deleted() == {"один", "три"}
    assert Message.objects.count() == 5


def test_a_private_talk_is_read_on_after_an_outage(bot, discord, stream):
    async def work():
        await caught_up()
        discord.post("Привіт", "555")
        while not (await Source.objects.aget()).position.get("private"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    listening(work)
    discord.post("Ти тут?", "555")
    collect()

    found = [item for _, item in stream() if "text" in item]
    assert [item["text"] for item in found] == ["Привіт", "Ти тут?"]
    assert found[0]["chat"] == {"external_id": "555", "title": "Олена Кравець", "kind": "private"}


def test_what_a_server_that_does_not_answer_holds_stays_to_be_read():
    event = {"t": "MESSAGE_CREATE", "d": {"channel_id": CHANNEL_ID, "id": str(1 << 62)}}
    nobody: Any = SimpleNamespace(user=None)
    heard = _Listening(nobody, nobody, {})
    since = heard.progress.since

    heard.directory.learn({"t": "GUILD_DELETE", "d": {"id": SERVER_ID, "unavailable": True}})
    heard._note(event)
    assert heard.progress.since == since
    heard.directory.learn({"t": "GUILD_DELETE", "d": {"id": SERVER_ID}})
    heard._note(event)

    assert heard.progress.since > since


def test_a_private_talk_is_not_forgotten():
    now = snowflake_of(1_772_442_101)
    channels = {"555": before(now, 60 * 24 * 3600), "666": before(now, 60 * 24 * 3600)}
    progress = Progress({"since": str(now), "channels": channels, "private": ["555"]})

    progress.forget_old()

    assert progress.position()["private"] == list(progress.channels) == ["555"]


@pytest.mark.parametrize("break_it", ["drop", "reconnect"])
def test_a_broken_session_is_taken_up_again(bot, discord, stream, break_it):
    found: list[Any] = []

    async def work():
        await caught_up()
        discord.post("перед")
        discord.drop() if break_it == "drop" else discord.send({"op": 7, "d": None})
        discord.post("між")
        await until(lambda: discord.resumed)
        discord.post("після")
        await until(lambda: has(found, stream, 3))

    listening(work)

    assert texts(found) == ["перед", "між", "після"]
    assert discord.identified == 1


def test_what_a_lost_session_missed_is_read(bot, discord, stream, monkeypatch):
    monkeypatch.setattr(library, "NEW_SESSION", 0.01)
    found: list[Any] = []

    async def work():
        await caught_up()
        discord.post("перед")
        await until(lambda: has(found, stream, 1))
        discord.invalidate()
        discord.post("між")
        await until(lambda: has(found, stream, 3))

    listening(work)

    assert texts(found) == ["перед", "між"]


def test_without_the_intent_people_are_told_where_to_switch_it_on(bot, discord):
    discord.flags = 0

    listening(lambda: _error_of(bot))

    bot.refresh_from_db()
    assert "Message Content Intent" in bot.last_error
    assert discord.identified == 1


async def _error_of(source):
    while not (await Source.objects.aget(pk=source.pk)).last_error:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def test_a_wrong_token_is_told_and_never_shown(bot, discord, caplog):
    bot.config = {"bot_token": TOKEN + "x"}
    bot.save()

    collect()

    bot.refresh_from_db()
    assert "does not accept the bot token" in bot.last_error
    assert TOKEN not in bot.last_error + caplog.text


def test_a_pause_that_discord_asks_for_is_obeyed(bot, discord, stream):
    discord.post("Прод лежить")
    limited = {"message": "You are being rate limited.", "retry_after": 0.05, "global": False}
    discord.errors.append((429, limited))

    collect()

    assert texts(stream()) == ["Прод лежить"]


def test_a_channel_that_may_not_be_read_does_not_hold_back_the_others(bot, discord, stream):
    discord.add_channel("900000000000000011", "secret")
    discord.closed_to_us.add("900000000000000011")
    discord.post("Таємне", "900000000000000011")
    discord.post("Прод лежить")

    async def twice():
        (inlet,) = await sync_to_async(inlets)()
        for _ in range(2):
            await Listening(inlet, patience=0).once()
        await sync_to_async(connections.close_all)()

    asyncio.run(twice())

    assert texts(stream()) == ["Прод лежить"]
    assert discord.calls.count("/channels/900000000000000011/messages") == 1


@pytest.mark.parametrize("token", ["", "x", "MTIz", "0JDQkdCS.a.b"])
def test_what_is_no_token_is_told(bot, discord, token):
    bot.config = {"bot_token": token}
    bot.save()

    assert inlets() == []

    bot.refresh_from_db()
    assert "token" in bot.last_error
    assert discord.calls == []


def test_the_account_is_the_bot():
    assert Discord(Discord.Config(bot_token=TOKEN), source_id=1).account() == BOT_ID


@pytest.mark.parametrize("token", ["", "MTIz.not.known"])
def test_a_check_says_where_the_right_token_is(discord, token):
    adapter = Discord(Discord.Config(bot_token=token), source_id=1)

    with pytest.raises(GiveUp, match=r"bot token.*Developer Portal.*Reset Token"):
        adapter.check(api_url=discord.served.url)


def test_a_check_names_the_bot_its_intent_and_its_channels(discord):
    adapter = Discord(Discord.Config(bot_token=TOKEN), source_id=1)
    found = adapter.check(api_url=discord.served.url)

    assert [item.remedy for item in found] == ["", "", ""]
    assert "tracker" in found[0].sentence
    assert "reads 1 of 1" in found[2].sentence

    discord.flags = 0
    discord.roles = [{**discord.roles[0], "permissions": "0"}]
    found = adapter.check(api_url=discord.served.url)

    assert "Developer Portal" in found[1].remedy
    assert "reads 0 of 1" in found[2].sentence
    assert "View Channel" in found[2].remedy
