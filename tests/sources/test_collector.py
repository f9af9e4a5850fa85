"""A collector that runs: it follows its sources, and ends with all its listeners."""

import asyncio

import pytest

from apps.sources.collect import LOCK_KIND, Collector, Listening
from apps.sources.models import Source
from tasktracker.lib.advisory import advisory_lock
from tests.sources.conftest import numbered
from tests.sources.listening import until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_running_collector_follows_its_sources_and_ends_when_told(
    bot, telegram, stream, monkeypatch
):
    monkeypatch.setattr("apps.sources.collect.ROUND", 0.05)
    rounds = []

    async def run():
        stop = asyncio.Event()
        collector = Collector(long_poll=0, on_round=lambda: rounds.append(1))
        running = asyncio.create_task(collector.run(stop))
        async with asyncio.timeout(20):
            await until(lambda: telegram.questions)
            await Source.objects.filter(pk=bot.pk).aupdate(is_active=False)
            await until(lambda: not collector.listeners)
            await Source.objects.filter(pk=bot.pk).aupdate(is_active=True)
            telegram.add(numbered("text", 10))
            await until(lambda: not telegram.updates)
            stop.set()
            await running
        assert collector.listeners == {}

    asyncio.run(run())

    assert len(stream()) == 1
    assert rounds


def test_a_collector_waits_for_a_listener_that_lost_its_cancellation(
    bot, telegram, stream, monkeypatch
):
    monkeypatch.setattr("tasktracker.lib.ending.AGAIN", 0.05)
    ended = []

    async def deaf(_self):
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    monkeypatch.setattr("apps.sources.collect.Listening.run", deaf)

    async def run():
        stop = asyncio.Event()
        collector = Collector(long_poll=0, on_round=lambda: None)
        running = asyncio.create_task(collector.run(stop))
        async with asyncio.timeout(20):
            await until(lambda: collector.listeners)
            stop.set()
            await running

    asyncio.run(run())

    assert ended == [True]


def test_another_listener_comes_in_the_place_of_one_that_lost_its_cancellation(
    bot, telegram, stream, monkeypatch
):
    monkeypatch.setattr("tasktracker.lib.ending.AGAIN", 0.05)
    monkeypatch.setattr("apps.sources.collect.ROUND", 0.05)
    monkeypatch.setattr("apps.sources.collect.STANDBY", 0.05)
    listen = Listening.once
    lost: list[bool] = []

    async def deaf_once(self):
        if lost:
            return await listen(self)
        lost.append(True)
        async with advisory_lock(LOCK_KIND, self.inlet.lock_number):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(60)
        return 0.0

    monkeypatch.setattr(Listening, "once", deaf_once)

    async def run():
        stop = asyncio.Event()
        collector = Collector(long_poll=0, on_round=lambda: None)
        running = asyncio.create_task(collector.run(stop))
        async with asyncio.timeout(20):
            await until(lambda: lost)
            await Source.objects.filter(pk=bot.pk).aupdate(is_active=False)
            await until(lambda: not collector.listeners)
            await Source.objects.filter(pk=bot.pk).aupdate(is_active=True)
            await until(lambda: telegram.questions)
            stop.set()
            await running

    asyncio.run(run())
