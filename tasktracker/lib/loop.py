"""One event loop per process for async clients, which sync code reaches, too.

It runs in a daemon thread, but in the web process it is the server's own: there every request would change
the thread twice, and each change waits for Python's lock while the other thread computes.

`async_to_sync` makes a loop per call; clients that keep connections leak and break on that
(channels_redis#332). Here a connection lives as long as its process. Fork-safe: a child gets its own.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from django.utils import translation

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


def adopt() -> None:
    """Make the running loop the process's, unless there is one; only for a loop that lasts as long."""
    global _loop, _owner
    if _loop is None or _owner != os.getpid():
        with _lock:
            if _loop is None or _owner != os.getpid():
                _loop = asyncio.get_running_loop()
                _owner = os.getpid()


def submit(coroutine: Coroutine[Any, Any, Result]) -> "Future[Result]":
    """Start `coroutine` on the background loop and return at once."""
    return asyncio.run_coroutine_threadsafe(coroutine, background_loop())


def run(coroutine: Coroutine[Any, Any, Result], *, timeout: float) -> Result:
    """Run `coroutine` on the background loop and wait; raises TimeoutError after `timeout` seconds.

    It speaks the language of the caller, which Django keeps for each thread.
    """
    if _is_running(background_loop()):
        coroutine.close()
        raise RuntimeError("the loop cannot wait for itself; await it, or call this from a thread")
    future = submit(_speaking(translation.get_language(), coroutine))
    try:
        return future.result(timeout)
    except TimeoutError:
        future.cancel()
        raise


async def run_async(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run `coroutine` on the process's loop, from whichever loop."""
    if _is_running(background_loop()):
        return await coroutine
    return await asyncio.wrap_future(submit(coroutine))


async def _speaking(language: str | None, coroutine: Coroutine[Any, Any, Result]) -> Result:
    with translation.override(language):
        return await coroutine


def _is_running(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether it is the loop of the calling code."""
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
