"""A task ends when it is told to, whatever the library below it makes of that."""

import asyncio

import pytest

from tasktracker.lib import ending


async def _for_ever():
    await asyncio.sleep(60)


async def _deaf(told, *, until):
    """Loses every cancellation but the last."""
    while len(told) < until:
        try:
            await _for_ever()
        except asyncio.CancelledError:
            told.append(True)


def test_a_task_that_works_is_cancelled():
    async def run():
        task = asyncio.create_task(_for_ever())
        await asyncio.sleep(0)
        await ending.end(task)
        return task

    assert asyncio.run(run()).cancelled()


def test_a_task_that_lost_its_cancellation_is_told_again(monkeypatch):
    monkeypatch.setattr(ending, "AGAIN", 0.01)
    told: list[bool] = []

    async def run():
        task = asyncio.create_task(_deaf(told, until=3))
        await asyncio.sleep(0)
        await ending.end(task)

    asyncio.run(run())

    assert len(told) == 3


@pytest.mark.parametrize("ends_before", [True, False])
def test_the_error_of_a_task_that_is_ended_goes_no_further(ends_before):
    async def broken():
        try:
            await asyncio.sleep(0 if ends_before else 60)
        finally:
            raise OSError

    async def run():
        task = asyncio.create_task(broken())
        await asyncio.sleep(0.01)
        await ending.end(task)
        return task

    assert isinstance(asyncio.run(run()).exception(), OSError)


def test_whoever_is_cancelled_while_ending_others_ends_them_first(monkeypatch):
    monkeypatch.setattr(ending, "AGAIN", 0.02)
    told: list[bool] = []

    async def outer():
        inner = asyncio.create_task(_deaf(told, until=4))
        try:
            await _for_ever()
        finally:
            await ending.end(inner)

    async def run():
        task = asyncio.create_task(outer())
        await asyncio.sleep(0.01)
        await ending.end(task)
        return task

    assert asyncio.run(run()).cancelled()
    assert len(told) == 4


def test_what_does_not_end_is_told_to_whoever_reads_the_log(monkeypatch, caplog):
    monkeypatch.setattr(ending, "AGAIN", 0.01)

    async def run():
        task = asyncio.create_task(_deaf([], until=2), name="hearing")
        await asyncio.sleep(0)
        await ending.end(task)

    asyncio.run(run())

    assert "hearing has not ended" in caplog.text


def test_ending_nothing_is_nothing():
    asyncio.run(ending.end())
