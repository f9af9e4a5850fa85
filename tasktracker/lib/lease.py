"""Keeps a row leased while a long work runs in a process of its own, and ends what must not go on."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, connection
from django.db.models.functions import Now

from tasktracker.lib.workflow import WorkItem


@contextmanager
def kept(
    item: WorkItem,
    *,
    lease: timedelta,
    limit: timedelta,
    stop: Callable[[], None] = lambda: os._exit(1),
) -> Iterator[None]:
    """Extend the lease of `item` until the block ends; `stop` when the limit is over or the parent gone.

    Whoever is killed keeps nothing: the lease runs out, and the row is handed out again.
    """
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(item, lease, limit, stop, done), daemon=True)
    watch.start()
    try:
        yield
    finally:
        done.set()
        watch.join()


def _watch(
    item: WorkItem,
    lease: timedelta,
    limit: timedelta,
    stop: Callable[[], None],
    done: threading.Event,
) -> None:
    parent, ends_at = os.getppid(), time.monotonic() + limit.total_seconds()
    try:
        while not done.wait(lease.total_seconds() / 6):
            if os.getppid() != parent or time.monotonic() > ends_at:
                stop()
                return
            _extend(item, lease)
    finally:
        connection.close()  # this thread's own


def _extend(item: WorkItem, lease: timedelta) -> None:
    rows = type(item)._default_manager.filter(pk=item.pk, status=item.status)
    try:
        rows.update(leased_until=Now() + lease, due_at=Now() + lease)
    except DatabaseError:
        connection.close()  # a restart of the database; the next turn connects anew
