"""Tasks that end when they are told to."""

import asyncio
import logging
from typing import Any

logger = logging.getLogger(__name__)

AGAIN = 5.0  # seconds that a task has to tidy up until it is told once more


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks until they have ended; what they raise is nobody's matter any more.

    Once is not enough: before Python 3.12 a cancellation that comes just as the work inside `asyncio.wait_for`
    ends is lost (github.com/python/cpython/issues/86296), and libraries connect with that. Whoever is
    cancelled while ending others ends them first.
    """
    is_cancelled = False
    waiting = {task for task in tasks if not task.done()}
    while waiting:
        for task in waiting:
            task.cancel()
        try:
            _ended, waiting = await asyncio.wait(waiting, timeout=AGAIN)
        except asyncio.CancelledError:
            is_cancelled = True
            waiting = {task for task in waiting if not task.done()}
        for task in waiting:
            logger.warning("%s has not ended, and is told again", task.get_name())
    await asyncio.gather(*tasks, return_exceptions=True)
    if is_cancelled:
        raise asyncio.CancelledError
