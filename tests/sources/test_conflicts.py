"""Telegram lets one poller in, and none beside a webhook: who has to wait waits, and says why."""

import asyncio
import json
import urllib.request
from functools import partial
from itertools import pairwise

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from apps.sources.collect import Collector, Listening, inlets
from apps.sources.models import Source
from tests.sources.conftest import recorded
from tests.stubs.telegram import TOKEN, telegram_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def telegram(settings):
    with telegram_server(hold=20) as server:
        settings.TELEGRAM_API_URL = server.url
        yield server


@pytest.fixture
def bot(transactional_db, project, telegram):
    return Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN}
    )


def update(number):
    update = {**recorded("text"), "update_id": number}
    update["message"]["message_id"] = number
    return update


def call(telegram, method, **form):
    """Somebody else who has the bot's token."""
    data = json.dumps(form).encode()
    address = f"{telegram.url}/bot{TOKEN}/{method}"
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["result"]


def run_to_its_end(main):
    async def whole():
        try:
            await main()
        finally:
            await sync_to_async(connections.close_all)()

    asyncio.run(whole())


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other threads
            await asyncio.sleep(0.01)


async def last_error():
    return (await Source.objects.aget()).last_error


def test_a_webhook_that_somebody_sets_is_waited_out(bot, telegram, stream):
    (inlet,) = inlets()

    async def run():
        polling = asyncio.create_task(Listening(inlet, patience=50).once())
        await until(lambda: telegram.questions)

        await asyncio.to_thread(call, telegram, "setWebhook", url="https://a.example/x")
        assert await polling == 3  # seconds until the next attempt
        assert "A webhook was set" in await last_error()
        telegram.hold = 0
        listening = Listening(inlet, patience=0)
        assert [await listening.once(), await listening.once()] == [3, 6]
        assert "The bot has a webhook" in await last_error()

        await asyncio.to_thread(call, telegram, "deleteWebhook")
        telegram.add(update(10))
        await listening.once()
        assert (await last_error(), listening.failures) == ("", 0)

    run_to_its_end(run)

    assert len(stream()) == 1


def test_another_program_that_polls_the_bot_is_waited_out(bot, telegram, stream):
    (inlet,) = inlets()

    async def run():
        polling = asyncio.create_task(Listening(inlet, patience=50).once())
        await until(lambda: telegram.questions)

        other = asyncio.create_task(asyncio.to_thread(call, telegram, "getUpdates", timeout=20))
        assert await polling == 3
        assert "Somebody else polls" in await last_error()
        telegram.add(update(10))

        assert len(await other) == 1  # which did not confirm it
        await Listening(inlet, patience=0).once()
        assert await last_error() == ""

    run_to_its_end(run)

    assert len(stream()) == 1


def test_of_two_collectors_with_two_sources_of_one_bot_one_polls_and_the_other_takes_over(
    bot, telegram, stream, other_project, monkeypatch
):
    """Each collector has database sessions of its own, and so they meet as two processes do."""
    monkeypatch.setattr("apps.sources.collect.ROUND", 0.05)
    monkeypatch.setattr("apps.sources.collect.STANDBY", 0.05)
    telegram.hold = 0.05
    Source.objects.create(
        project=other_project, kind="telegram", name="Again", config={"bot_token": TOKEN}
    )

    async def run():
        rounds = [0, 0]

        def count(which):
            rounds[which] += 1

        stops = [asyncio.Event(), asyncio.Event()]
        running = []
        for which, stop in enumerate(stops):
            collector = Collector(long_poll=50, on_round=partial(count, which))
            running.append(asyncio.create_task(collector.run(stop)))
        telegram.add(*(update(number) for number in range(10, 15)))
        await until(lambda: not telegram.updates and min(rounds) > 5)
        stops[0].set()
        await running[0]
        telegram.add(*(update(number) for number in range(15, 20)))
        await until(lambda: not telegram.updates)
        stops[1].set()
        await running[1]

    run_to_its_end(run)

    assert [envelope["external_id"].rpartition(":")[2] for _, envelope in stream()] == [
        str(number) for number in range(10, 20)
    ]
    offsets = [int(question.get("offset", 0)) for question in telegram.questions]
    assert all(before <= after for before, after in pairwise(offsets))
    assert telegram.conflicts == 0
