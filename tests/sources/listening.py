"""A source's listener, run for as long as something is done beside it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from apps.sources.collect import Listening, inlets
from apps.sources.models import Source


def listening(work: Callable[[], Awaitable[Any]], *, within: float = 20) -> None:
    """The collector's own loop around the listener, without its pauses between two rounds."""

    async def run() -> None:
        (inlet,) = await sync_to_async(inlets)()
        task = asyncio.create_task(Listening(inlet, patience=50).run())
        try:
            async with asyncio.timeout(within):
                await work()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await sync_to_async(connections.close_all)()

    asyncio.run(run())


async def until(condition: Callable[[], object], *, within: float = 120) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other threads
            await asyncio.sleep(0.01)


async def caught_up() -> None:
    """The first look is over, and what comes from now on comes by itself."""
    while not (await Source.objects.aget()).position:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def has(found: list[Any], stream: Callable[[], list[Any]], count: int) -> bool:
    """Put what came into the list; whether it is as much as that."""
    found += stream()
    return len(found) == count


def texts(taken: list[Any]) -> list[str]:
    return [item["text"] for _, item in taken if "text" in item]
