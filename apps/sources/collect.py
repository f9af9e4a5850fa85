"""Polls Telegram: publish everything, then raise the offset, then ask again.

Telegram forgets an update once a higher offset is asked for, so the offset only follows JetStream's
acknowledgements. The library's own Updater does it the other way round and loses updates in a crash.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connections
from django.utils.translation import gettext as _
from telegram.error import (
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from apps.sources.adapters.base import Unreadable
from apps.sources.adapters.telegram import Telegram
from apps.sources.adapters.telegram_polling import BotConnection
from apps.sources.intake import accept_async
from apps.sources.models import DeadLetter, Source
from tasktracker.lib.advisory import HeldElsewhere, Lock, advisory_lock
from tasktracker.lib.bus import BusUnavailable
from tasktracker.lib.secrets import CannotDecrypt

logger = logging.getLogger(__name__)

LOCK_KIND = 0x7467  # "tg": one poller per bot, or Telegram answers 409 to both
ROUND = 5.0  # seconds between two looks at the sources
STANDBY = 5.0  # seconds until a collector asks again for a lock that another one holds
LONG_POLL = 50  # seconds; Telegram allows no more

_TROUBLES = (TelegramError, BusUnavailable, DatabaseTrouble, psycopg.Error)


@dataclass(frozen=True)
class Polled:
    """A source as its poller needs it; a change of any of these restarts the poller."""

    id: int
    name: str
    token: str = field(repr=False)


@dataclass
class Trouble:
    """Why a poller waits, in words for the admin, and how long."""

    sentence: str
    pause: float


class Collector:
    """One poller per active polling source; sources are read again every few seconds."""

    def __init__(self, *, long_poll: int = LONG_POLL, on_round: Callable[[], None]) -> None:
        self.long_poll = long_poll
        self.on_round = on_round
        self.pollers: dict[Polled, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set."""
        try:
            while not stop.is_set():
                try:
                    await sync_to_async(self.on_round)()
                    self._follow(await sync_to_async(polled_sources)())
                except DatabaseTrouble as error:
                    logger.warning("PostgreSQL is away: %s", _first_line(error))
                    await sync_to_async(connections.close_all)()
                await _wait(stop, ROUND)
        finally:
            self._follow([])
            await sync_to_async(connections.close_all)()

    async def run_once(self) -> None:
        """Take what every source has now."""
        try:
            for source in await sync_to_async(polled_sources)():
                await Poller(source, long_poll=0).run_once()
        finally:
            await sync_to_async(connections.close_all)()

    def _follow(self, sources: list[Polled]) -> None:
        for source, task in list(self.pollers.items()):
            if task.done():
                del self.pollers[source]
                logger.error("the poller of %s broke off", source.name, exc_info=task.exception())
            elif source not in sources:
                del self.pollers[source]
                task.cancel()
                logger.info("no longer polling %s", source.name)
        for source in sources:
            if source not in self.pollers:
                poller = Poller(source, long_poll=self.long_poll)
                self.pollers[source] = asyncio.create_task(poller.run())


class Poller:
    """Polls one source for ever; trouble makes it wait and shows in the source's last error."""

    def __init__(self, source: Polled, *, long_poll: int) -> None:
        self.source = source
        self.long_poll = long_poll
        self.adapter = Telegram(Telegram.Config(), source_id=source.id)
        self.failures = 0

    async def run(self) -> None:
        while True:
            pause = STANDBY
            try:
                async with advisory_lock(LOCK_KIND, self.source.id) as lock:
                    logger.info("polling %s", self.source.name)
                    await self._poll(lock)
            except HeldElsewhere:
                logger.debug("another collector polls %s", self.source.name)
            except _TROUBLES as error:
                pause = await self._suffer(error)
            await asyncio.sleep(pause)

    async def run_once(self) -> None:
        try:
            async with (
                advisory_lock(LOCK_KIND, self.source.id),
                BotConnection(self.source.token, settings.TELEGRAM_API_URL) as bot,
            ):
                while await self._step(bot):
                    pass
        except HeldElsewhere:
            logger.info("another collector polls %s", self.source.name)
        except _TROUBLES as error:
            await self._suffer(error)

    async def _poll(self, lock: Lock) -> None:
        async with BotConnection(self.source.token, settings.TELEGRAM_API_URL) as bot:
            while True:
                await lock.check()
                await self._step(bot)
                self.failures = 0

    async def _step(self, bot: BotConnection) -> int:
        """Ask once, and publish what came; the number of updates."""
        offset = await sync_to_async(_cursor)(self.source.id)
        updates = await bot.updates(offset=offset, long_poll=self.long_poll)
        last = offset - 1
        for number, update in updates:
            await self._take(number, update)
            last = max(last, number)
        await sync_to_async(_remember)(self.source.id, last + 1)
        return len(updates)

    async def _take(self, number: int, update: dict[str, Any]) -> None:
        try:
            envelopes = self.adapter.envelopes(update)
        except Unreadable as error:
            await sync_to_async(DeadLetter.bury_update)(
                ("telegram", self.source.id), number=number, payload=update, reason=str(error)
            )
            return
        for envelope in envelopes:
            await accept_async(envelope)

    async def _suffer(self, error: Exception) -> float:
        """Say what is wrong where people see it; how long to wait."""
        trouble = trouble_of(error, self.failures)
        self.failures += 1
        sentence = trouble.sentence.replace(self.source.token or "\0", "***")
        logger.warning("%s: %s Waiting %.1f s.", self.source.name, sentence, trouble.pause)
        try:
            if isinstance(error, DatabaseTrouble):
                await sync_to_async(connections.close_all)()
            else:
                await sync_to_async(_complain)(self.source.id, sentence)
        except DatabaseTrouble:
            logger.warning("PostgreSQL is away, too")
        return trouble.pause


def polled_sources() -> list[Polled]:
    """Active Telegram sources that are polled; one whose settings do not fit says so."""
    found = []
    active = Source.objects.filter(kind="telegram", is_active=True, project__is_active=True)
    for source in active.defer("config"):  # each is decrypted for itself: one may fail
        try:
            config: Telegram.Config = source.adapter().config
        except (ValueError, CannotDecrypt):
            _complain(source.pk, _("The settings do not fit; open the source and save it again."))
            continue
        token = config.bot_token.get_secret_value()
        if config.mode != "polling":
            continue
        if token:
            found.append(Polled(source.pk, source.name, token))
        else:
            _complain(source.pk, _("There is no bot token, so nothing can be polled."))
    return found


def trouble_of(error: Exception, failures: int) -> Trouble:
    """What a person should know of the error, and how long to wait after so many failures."""
    match error:
        case RetryAfter():
            return Trouble(_("Telegram asks for a pause."), _seconds(error.retry_after))
        case Conflict():
            # The long poll of a collector that died lives on at Telegram's for half a minute.
            return Trouble(_conflict_sentence(error), min(60.0, 3.0 * 2 ** min(failures, 10)))
        case InvalidToken() | Forbidden():
            return Trouble(_("Telegram does not accept the bot token. Check it."), 60.0)
        case NetworkError():
            sentence = _("Telegram cannot be reached: %(reason)s.") % {"reason": _first_line(error)}
            return Trouble(sentence, _jittered(30.0, failures))
        case BusUnavailable():
            return Trouble(_("JetStream does not take messages."), _jittered(5.0, failures))
        case DatabaseTrouble() | psycopg.Error():
            return Trouble(_("PostgreSQL is away."), _jittered(5.0, failures))
        case _:
            sentence = _("Telegram refuses: %(reason)s.") % {"reason": _first_line(error)}
            return Trouble(sentence, _jittered(60.0, failures))


def _conflict_sentence(error: Exception) -> str:
    if "webhook" in str(error).lower():
        return _("The bot has a webhook, so it cannot be polled. Delete the webhook first.")
    return _("Somebody else polls this bot.")


def _cursor(source_id: int) -> int:
    return Source.objects.values_list("cursor", flat=True).filter(pk=source_id).first() or 0


def _remember(source_id: int, cursor: int) -> None:
    Source.objects.filter(pk=source_id).exclude(cursor=cursor, last_error="").update(
        cursor=cursor, last_error=""
    )


def _complain(source_id: int, sentence: str) -> None:
    Source.objects.filter(pk=source_id).exclude(last_error=sentence).update(last_error=sentence)


def _jittered(longest: float, failures: int) -> float:
    pause: float = min(longest, 0.5 * 2 ** min(failures, 10))
    return pause * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


def _seconds(pause: timedelta | int) -> float:
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
