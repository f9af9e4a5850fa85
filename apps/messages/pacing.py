"""Archives make room for live messages: they wait before the queue is long or the stream full."""

import logging
import time
from collections.abc import Callable

from apps.sources.intake import forget_stored_archives
from tasktracker.lib import bus
from tasktracker.lib.bus import BusUnavailable

logger = logging.getLogger(__name__)

#: A live message waits behind so many at most; the ingester stores them in about two seconds.
LONGEST_QUEUE = 1000
#: Share of the stream that archives fill at most; the rest stays for a week of live messages.
FULLEST = 0.5
BUS_PATIENCE = 120.0  # seconds without room, or without JetStream, until an import gives up
LOOK_EVERY = 0.2  # seconds


class NoRoom(Exception):
    """It took too long until there was room."""


class Pace:
    """When the next chunk of an archive may go; what is stored of archives leaves a stream that gets full.

    `on_wait` is called again and again meanwhile. Who `waits_forever` looks there whether to go on.
    """

    def __init__(
        self,
        *,
        longest_queue: int | None = LONGEST_QUEUE,
        waits_forever: bool = False,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self.longest_queue = longest_queue
        self.waits_forever = waits_forever
        self.on_wait = on_wait

    def hand_over(self, publish: Callable[[], None]) -> None:
        """Publish once there is room, again when JetStream does not take it; raise NoRoom in the end."""
        began_at = time.monotonic()
        while not (self._is_room() and _is_taken(publish)):
            if not self.waits_forever and time.monotonic() - began_at > BUS_PATIENCE:
                raise NoRoom
            self.wait()

    def wait(self) -> None:
        """Between two looks."""
        self.on_wait()
        time.sleep(LOOK_EVERY)

    def _is_room(self) -> bool:
        try:
            room = bus.room()
            if room.used > FULLEST:
                forget_stored_archives()
                room = bus.room()
        except BusUnavailable as error:
            logger.info("waiting for JetStream: %s", error)
            return False
        is_queue_short = self.longest_queue is None or room.pending < self.longest_queue
        return is_queue_short and room.used <= FULLEST


def _is_taken(publish: Callable[[], None]) -> bool:
    refusals: list[Exception] = []
    try:
        publish()
    except* BusUnavailable as group:
        refusals.extend(group.exceptions)
    if refusals:
        logger.info("JetStream is away, trying again: %s", refusals[0])
    return not refusals
