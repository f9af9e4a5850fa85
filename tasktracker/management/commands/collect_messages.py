"""Listens to every active source whose platform does not call us, and imports what people upload."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.messages.imports import import_uploads
from apps.sources.collect import LONG_POLL, Collector
from tasktracker.lib import bus
from tasktracker.models import Heartbeat

STOP_WITHIN = 5.0  # seconds


class Command(BaseCommand):
    help = "Listen to sources until stopped."
    requires_system_checks = []  # `make lint` and the tests check; this starts with everything else

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--long-poll",
            type=int,
            default=LONG_POLL,
            metavar="SECONDS",
            help=f"how long a platform may hold a question open ({LONG_POLL})",
        )
        parser.add_argument("--once", action="store_true", help="take what is there, then stop")

    def handle(self, *args: Any, long_poll: int, once: bool, **options: Any) -> None:
        collector = Collector(
            long_poll=max(0, min(long_poll, LONG_POLL)),
            on_round=partial(Heartbeat.beat, "collector"),
        )
        if once:
            asyncio.run(collector.run_once())
        else:
            with _importing():
                asyncio.run(_until_stopped(collector))
        bus.close()


@contextmanager
def _importing() -> Iterator[None]:
    """Uploads are read in a thread of their own; what is not at its end goes on in the next process."""
    stop = threading.Event()
    # A daemon: a call to a service that hangs must not hold up the end.
    thread = threading.Thread(
        target=import_uploads, args=(stop.is_set,), name="imports", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=STOP_WITHIN)


async def _until_stopped(collector: Collector) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await collector.run(stop)
