"""Stores what JetStream holds, batch by batch, and acknowledges after the commit."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error as DatabaseTrouble
from django.db import close_old_connections, connection
from django.utils.translation import gettext as _

from apps.messages.ingest import Arrival, ingest
from tasktracker.lib import bus
from tasktracker.lib.bus import BusUnavailable, Delivery
from tasktracker.management.stopping import StopSignal
from tasktracker.models import Heartbeat

logger = logging.getLogger(__name__)

BATCH = 50
FETCH_FOR = 1.0  # seconds; SIGTERM waits no longer than this
BEAT_EVERY = 5.0  # seconds
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 5.0  # seconds


class Command(BaseCommand):
    help = "Store messages from JetStream until stopped."
    requires_system_checks = []  # `make lint` and the tests check; this starts with everything else

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="store what is there, then stop")

    def handle(self, *args: Any, once: bool, **options: Any) -> None:
        with StopSignal() as stop:
            Ingester(stop, is_once=once).run()
        bus.close()


class Ingester:
    """The loop; a service that is away pauses it and never ends it."""

    def __init__(self, stop: StopSignal, *, is_once: bool) -> None:
        self.stop = stop
        self.is_once = is_once
        self.in_hand: list[Delivery] = []  # fetched and not stored yet
        self.pause = SHORTEST_PAUSE
        self.beat_after = 0.0

    def run(self) -> None:
        while not self.stop.is_set:
            try:
                if not self.step() and self.is_once:
                    return
                self.pause = SHORTEST_PAUSE
            except (BusUnavailable, DatabaseTrouble) as error:
                if self.is_once:
                    raise CommandError(
                        _("A service is away: %(reason)s") % {"reason": error}
                    ) from error
                self.wait_after(error)

    def step(self) -> bool:
        """Fetch, store, acknowledge; False when there was nothing."""
        self.beat()
        if not self.in_hand:
            self.in_hand = bus.fetch(BATCH, timeout=FETCH_FOR)
        if not self.in_hand:
            return False
        result = ingest([Arrival(item.data, item.subject, item.sequence) for item in self.in_hand])
        done, self.in_hand = self.in_hand, []
        bus.acknowledge(done)
        logger.info(
            "stored %d, seen before %d, dead letters %d, not monitored %d",
            result.stored, result.duplicates, result.dead, result.ignored,
        )  # fmt: skip
        return True

    def beat(self) -> None:
        if time.monotonic() >= self.beat_after:
            Heartbeat.beat("ingester")
            self.beat_after = time.monotonic() + BEAT_EVERY

    def wait_after(self, error: Exception) -> None:
        logger.warning("waiting %.1f s: %s", self.pause, str(error).strip().partition("\n")[0])
        if isinstance(error, DatabaseTrouble) and not connection.in_atomic_block:
            connection.close()
        close_old_connections()
        self.stop.wait(self.pause)
        self.pause = min(self.pause * 2, LONGEST_PAUSE)
