"""Listens to every source whose platform does not call us: one task per source, whatever its kind.

What only the platform's adapter knows is in `adapters/`; here is who listens to whom, what happens in
trouble, and where people see it.
"""

import asyncio
import logging
import random
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from asgiref.sync import sync_to_async
from django.db import Error as DatabaseTrouble
from django.db import connections
from django.utils.translation import gettext as _
from pydantic import BaseModel

from apps.sources.adapters import able_to
from apps.sources.adapters.base import Occupied, Payload, Position
from apps.sources.gaps import note_contact
from apps.sources.intake import take
from apps.sources.models import Source
from tasktracker.lib.advisory import HeldElsewhere, Lock, advisory_lock
from tasktracker.lib.bus import BusUnavailable
from tasktracker.lib.ending import end
from tasktracker.lib.secrets import CannotDecrypt
from tasktracker.lib.workflow import GiveUp, TryLater

logger = logging.getLogger(__name__)

LOCK_KIND = 0x7467  # one collector per bot or mailbox, or the platform refuses both
ROUND = 5.0  # seconds between two looks at the sources
STANDBY = 5.0  # seconds until a collector asks again for a lock that another one holds
CONTACT_EVERY = 30.0  # seconds between two notes that the platform answers
LONG_POLL = 50  # seconds that a platform may keep a question open

_TROUBLES = (TryLater, GiveUp, BusUnavailable, DatabaseTrouble, psycopg.Error)


@dataclass(frozen=True)
class Inlet:
    """A source as its listener needs it; a change of any of these restarts the listener."""

    id: int
    name: str
    kind: str
    account: str
    api_url: str
    config: BaseModel = field(repr=False)
    adapter: Any = field(repr=False, compare=False)

    @property
    def lock_number(self) -> int:
        """The bot's or the mailbox's, not the source's: two sources may have the same one."""
        return _lock_number(self.kind, self.account)


@dataclass
class Trouble:
    """Why a listener waits, in words for the admin, and how long."""

    sentence: str
    pause: float


class Collector:
    """One listener per inlet; sources are read again every few seconds."""

    def __init__(self, *, long_poll: int = LONG_POLL, on_round: Callable[[], None]) -> None:
        self.long_poll = long_poll
        self.on_round = on_round
        self.listeners: dict[int, tuple[Inlet, asyncio.Task[None]]] = {}
        self.leaving: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Listen until `stop` is set."""
        try:
            while not stop.is_set():
                try:
                    await sync_to_async(self.on_round)()
                    self._follow(await sync_to_async(inlets)())
                except DatabaseTrouble as error:
                    logger.warning("PostgreSQL is away: %s", _first_line(error))
                    await sync_to_async(connections.close_all)()
                await _wait(stop, ROUND)
        finally:
            self._follow([])
            await asyncio.gather(*self.leaving)
            await sync_to_async(connections.close_all)()

    async def run_once(self) -> None:
        """Take what every source has now."""
        try:
            for inlet in await sync_to_async(inlets)():
                await Listening(inlet, patience=0).once()
        finally:
            await sync_to_async(connections.close_all)()

    def _follow(self, wanted: list[Inlet]) -> None:
        for inlet, task in list(self.listeners.values()):
            if task.done():
                del self.listeners[inlet.id]
                logger.error("the listener of %s broke off", inlet.name, exc_info=task.exception())
            elif inlet not in wanted:
                del self.listeners[inlet.id]
                ending = asyncio.create_task(end(task))
                self.leaving.add(ending)
                ending.add_done_callback(self.leaving.discard)
                logger.info("no longer listening to %s", inlet.name)
        for inlet in wanted:
            if inlet.id not in self.listeners:
                listening = Listening(inlet, patience=self.long_poll)
                self.listeners[inlet.id] = (inlet, asyncio.create_task(listening.run()))


class Listening:
    """Listens to one inlet for ever; trouble makes it wait and shows in the source's last error."""

    def __init__(self, inlet: Inlet, *, patience: int) -> None:
        self.inlet = inlet
        self.patience = patience
        self.failures = 0
        self.noted_at = float("-inf")  # when the contact was last written down

    async def run(self) -> None:
        while True:
            pause = await self.once()
            await asyncio.sleep(pause)

    async def once(self) -> float:
        """Listen until the listener returns or something is wrong; how long to wait then."""
        inlet = self.inlet
        try:
            async with advisory_lock(LOCK_KIND, inlet.lock_number) as lock:
                logger.info("listening to %s", inlet.name)
                await inlet.adapter.listen(
                    SourceInbox(self, lock), api_url=inlet.api_url, patience=self.patience
                )
        except HeldElsewhere:
            logger.debug("another collector listens to %s", inlet.name)
        except _TROUBLES as error:
            return await self._suffer(error)
        return STANDBY

    async def _suffer(self, error: Exception) -> float:
        """Say what is wrong where people see it; how long to wait."""
        trouble = trouble_of(error, self.failures)
        self.failures += 1
        logger.warning("%s: %s Waiting %.1f s.", self.inlet.name, trouble.sentence, trouble.pause)
        try:
            if isinstance(error, DatabaseTrouble):
                await sync_to_async(connections.close_all)()
            else:
                await sync_to_async(_complain)(self.inlet.id, trouble.sentence)
        except DatabaseTrouble:
            logger.warning("PostgreSQL is away, too")
        return trouble.pause


class SourceInbox:
    """The `Inbox` of one source, for as long as this collector holds the lock."""

    def __init__(self, listening: Listening, lock: Lock) -> None:
        self.listening = listening
        self.lock = lock

    async def position(self) -> Position:
        await self.lock.check()
        return await sync_to_async(_position)(self.listening.inlet.id)

    async def take(self, payloads: Sequence[Payload], position: Position) -> None:
        inlet = self.listening.inlet
        await take(payloads, kind=inlet.kind, adapter=inlet.adapter)
        await sync_to_async(_remember)(inlet.id, position)
        self.listening.failures = 0
        if time.monotonic() - self.listening.noted_at > CONTACT_EVERY:
            await sync_to_async(note_contact)(inlet.id)
            self.listening.noted_at = time.monotonic()


def inlets() -> list[Inlet]:
    """Active sources that are listened to; one that cannot be says why."""
    found: dict[tuple[str, str], Inlet] = {}
    active = Source.objects.filter(
        kind__in=able_to("listen"), is_active=True, project__is_active=True
    )
    # Each `config` is decrypted for itself: one may fail.
    for source in active.defer("config").order_by("pk"):
        try:
            adapter = source.adapter()
            account = adapter.account()
        except GiveUp as error:
            _complain(source.pk, str(error))
            continue
        except (ValueError, CannotDecrypt):
            _complain(source.pk, _("The settings do not fit; open the source and save it again."))
            continue
        key = (source.kind, account)
        if key in found:
            _complain(source.pk, _("Another source listens to the same account already."))
        elif account:
            found[key] = Inlet(
                source.pk, source.name, *key, source.api_url, adapter.config, adapter
            )
    return list(found.values())


async def is_listened_to(kind: str, adapter: Any) -> bool:
    """Whether a collector listens to the account of this adapter at this moment."""
    try:
        account = adapter.account()
        if not account:
            return False
        async with advisory_lock(LOCK_KIND, _lock_number(kind, account)):
            return False
    except HeldElsewhere:
        return True
    except GiveUp:
        return False


def trouble_of(error: Exception, failures: int) -> Trouble:
    """What a person should know of the error, and how long to wait after so many failures."""
    match error:
        case Occupied():
            return Trouble(str(error), min(60.0, 3.0 * 2 ** min(failures, 10)))
        case TryLater() if error.delay is not None:
            return Trouble(str(error), error.delay.total_seconds())
        case TryLater():
            return Trouble(str(error), _jittered(30.0, failures))
        case GiveUp():
            return Trouble(str(error), 60.0)
        case BusUnavailable():
            # Discord allows 1,000 connections a day, and each try is one.
            return Trouble(_("JetStream does not take messages."), _jittered(120.0, failures))
        case _:
            return Trouble(_("PostgreSQL is away."), _jittered(5.0, failures))


def _lock_number(kind: str, account: str) -> int:
    return zlib.crc32(f"{kind}/{account}".encode())


def _position(source_id: int) -> Position:
    return Source.objects.values_list("position", flat=True).filter(pk=source_id).first() or {}


def _remember(source_id: int, position: Position) -> None:
    Source.objects.filter(pk=source_id).exclude(position=position, last_error="").update(
        position=position, last_error=""
    )


def _complain(source_id: int, sentence: str) -> None:
    Source.objects.filter(pk=source_id).exclude(last_error=sentence).update(last_error=sentence)


def _jittered(longest: float, failures: int) -> float:
    pause: float = min(longest, 0.5 * 2 ** min(failures, 10))
    return pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
