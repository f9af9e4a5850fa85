"""Listens to every active source whose platform does not call us."""

import asyncio
import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.sources.collect import LONG_POLL, Collector
from tasktracker.lib import bus
from tasktracker.models import Heartbeat


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
            on_round=lambda: Heartbeat.beat("collector"),
        )
        asyncio.run(collector.run_once() if once else _until_stopped(collector))
        bus.close()


async def _until_stopped(collector: Collector) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await collector.run(stop)
