"""What nobody waits for: one thread that does it in order, with a bound on how much may wait."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from django.db import connections

logger = logging.getLogger(__name__)

AT_ONCE = 100
PACE = 0.1  # seconds; in a burst no sooner, so that the next ones gather
Item = TypeVar("Item")


class Afterwards(Generic[Item]):
    """Hands items over, all that wait at once: in a burst that is much less work than one by one.

    It may be late and may even leave items out, while the database is away or slow.
    """

    def __init__(self, name: str, hand_over: Callable[[list[Item]], object], *, limit: int) -> None:
        self.name = name
        self.limit = limit
        self._hand_over = hand_over
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: list[Item] = []  # with those that are being handed over
        self._is_full = False
        self._is_at_work = False

    def do(self, item: Item) -> bool:
        """Hand it over soon; False when so much waits that it is left out."""
        with self._lock:
            if len(self._waiting) >= self.limit:
                if not self._is_full:
                    logger.warning("%s: %d wait, more are left out", self.name, self.limit)
                self._is_full = True
                return False
            self._waiting.append(item)
            if not self._is_at_work:
                self._is_at_work = True
                self._thread.submit(self._work)
        return True

    def settle(self, *, timeout: float) -> None:
        """Return when everything that waits now was handed over; raises TimeoutError."""
        self._thread.submit(lambda: None).result(timeout)

    def _work(self) -> None:
        while items := self._next():
            begun = time.monotonic()
            try:
                self._hand_over(items)
            except Exception:  # nobody is there to take it
                logger.warning("%s failed", self.name, exc_info=True)
            with self._lock:
                del self._waiting[: len(items)]
                is_last = not self._waiting
                self._is_full = self._is_full and not is_last
            _let_go(is_last)
            if not is_last:
                time.sleep(max(0.0, PACE - (time.monotonic() - begun)))

    def _next(self) -> list[Item]:
        with self._lock:
            self._is_at_work = bool(self._waiting)
            return self._waiting[:AT_ONCE]


def _let_go(is_last: bool) -> None:
    """A burst shares one connection to the database, unless it broke."""
    for connection in connections.all(initialized_only=True):
        if is_last or connection.errors_occurred:
            connection.close()
