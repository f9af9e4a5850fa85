"""What nobody waits for: one thread that does it in order, with a bound on how much may wait."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

logger = logging.getLogger(__name__)


class Afterwards:
    """Calls that may be late and may even be left out, while the database is away or slow."""

    def __init__(self, name: str, *, limit: int) -> None:
        self.name = name
        self.limit = limit
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting = 0
        self._is_full = False

    def do(self, function: Callable[..., object], *args: Any) -> bool:
        """Call it soon; False when so much waits that it is left out."""
        with self._lock:
            if self._waiting >= self.limit:
                if not self._is_full:
                    logger.warning("%s: %d calls wait, more are left out", self.name, self.limit)
                self._is_full = True
                return False
            self._waiting += 1
        self._thread.submit(self._run, function, *args)
        return True

    def settle(self, *, timeout: float) -> None:
        """Return when everything that waits now was done; raises TimeoutError."""
        self._thread.submit(lambda: None).result(timeout)

    def _run(self, function: Callable[..., object], *args: Any) -> None:
        try:
            function(*args)
        except Exception:  # nobody is there to take it
            logger.warning("%s failed", self.name, exc_info=True)
        finally:
            with self._lock:
                self._waiting -= 1
                is_last = not self._waiting
                self._is_full = self._is_full and not is_last
            _let_go(is_last)


def _let_go(is_last: bool) -> None:
    """A burst of calls shares one connection to the database, unless it broke."""
    for connection in connections.all(initialized_only=True):
        if is_last or connection.errors_occurred:
            connection.close()
