"""One event loop in a daemon thread per process: sync code's way to async clients.

`async_to_sync` makes a loop per call; clients that keep connections leak and break on that
(channels_redis#332). Here a connection lives as long as its process. Fork-safe: a child gets its own.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

Result = TypeVar("Result")

_lock = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_owner = 0


def background_loop() -> asyncio.AbstractEventLoop:
    """The process's loop, started on first use."""
    global _loop, _owner
    with _lock:
        if _loop is None or _owner != os.getpid():
            _loop = asyncio.new_event_loop()
            _owner = os.getpid()
            threading.Thread(target=_loop.run_forever, name="background-loop", daemon=True).start()
        return _loop


def submit(coroutine: Coroutine[Any, Any, Result]) -> "Future[Result]":
    """Start `coroutine` on the background loop and return at once."""
    return asyncio.run_coroutine_threadsafe(coroutine, background_loop())


def run(coroutine: Coroutine[Any, Any, Result], *, timeout: float) -> Result:
    """Run `coroutine` on the background loop and wait; raises TimeoutError after `timeout` seconds."""
    future = submit(coroutine)
    try:
        return future.result(timeout)
    except TimeoutError:
        future.cancel()
        raise


async def run_async(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run `coroutine` on the background loop from another loop."""
    return await asyncio.wrap_future(submit(coroutine))
