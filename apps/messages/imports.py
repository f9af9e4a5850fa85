"""Reads uploaded archives, one at a time, for as long as that takes.

No Celery task, whose time is limited: the collector's process does it beside its listeners. Whoever is
killed keeps nothing but the row; when its lease has run out, the file is begun again, and what is stored
already costs one query per 500 messages.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import Error as DatabaseTrouble
from django.db import connection
from django.utils.translation import gettext as _

from apps.messages.history import CannotImport, Summary, publish_history, still_to_store
from apps.messages.pacing import Pace
from apps.sources.gaps import close_gaps
from apps.sources.intake import forget_stored_archives
from apps.sources.models import COUNTS, HistoryImport
from apps.sources.uploads import remove_upload, sweep_uploads
from tasktracker.lib.bus import BusUnavailable
from tasktracker.lib.text import storable
from tasktracker.lib.workflow import LostRace, WrongTransition, words_of

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=60)
ROUND = 2.0  # seconds between two looks for uploads
TELL_EVERY = 1.0  # seconds between two notes in the row; pages look every two
SWEEP_EVERY = 60 * 60.0  # seconds
MOST_BEGINNINGS = 50  # of one file; more, and it is the file that ends the process
_S = HistoryImport.Status


class Cancelled(Exception):
    """A person has cancelled the import, or it is somebody else's by now."""


class Stopped(Exception):
    """This process is to end; the import goes on in the next one."""


def import_uploads(is_stopped: Callable[[], bool]) -> None:
    """Look for uploads until stopped; trouble makes it wait and never ends it."""
    swept_at = float("-inf")
    while not is_stopped():
        try:
            if time.monotonic() - swept_at > SWEEP_EVERY:
                sweep_uploads()
                swept_at = time.monotonic()
            while import_next(is_stopped):
                pass
        except (DatabaseTrouble, OSError) as error:
            logger.warning("imports wait: %s", type(error).__name__)
            connection.close()
        except Exception:
            logger.exception("imports wait")
            connection.close()
        _pause(is_stopped)
    connection.close()


def import_next(is_stopped: Callable[[], bool] = lambda: False) -> bool:
    """Work on the oldest upload that waits; False when there is none."""
    row = HistoryImport.claim_next(LEASE)
    if row is None:
        return False
    try:
        _work_on(row, is_stopped)
    except (LostRace, WrongTransition):
        logger.info("import %d was moved by somebody else", row.pk)
    return True


def _work_on(row: HistoryImport, is_stopped: Callable[[], bool]) -> None:
    try:
        _import(row, is_stopped)
    except Cancelled:
        logger.info("import %d was cancelled", row.pk)
    except Stopped:
        row.try_later("", delay=timedelta(0))
    except (CannotImport, BusUnavailable) as error:
        row.try_later(str(error))
    except OSError as error:
        row.end(_S.FAILED, last_error=_("The uploaded file cannot be read: %s") % error.strerror)
    except (LostRace, WrongTransition, DatabaseTrouble):
        raise
    except Exception as error:
        logger.exception("import %d failed", row.pk)
        row.end(_S.FAILED, last_error=storable(words_of(error))[:500])


def _import(row: HistoryImport, is_stopped: Callable[[], bool]) -> None:
    if row.attempts > MOST_BEGINNINGS:
        row.end(_S.FAILED, last_error=_("It was begun again and again, and never came to its end."))
        return
    progress = _Progress(row, is_stopped)
    pace = Pace(waits_forever=True, on_wait=progress.keep_on)
    summary = publish_history(
        row.path,
        row.source,
        progress.tell,
        pace=pace,
        is_live=row.is_live,
        summary=progress.summary,
    )
    while still_to_store(row.source, summary):
        pace.wait()
    close_gaps(row.source, summary.spans, closed_by=row)
    _end(row, progress)
    _clear_away(row)


class _Progress:
    """Writes into the row how far the import is, and holds its lease."""

    def __init__(self, row: HistoryImport, is_stopped: Callable[[], bool]) -> None:
        self.row = row
        self.is_stopped = is_stopped
        self.summary = Summary()
        #: What this import had brought before it was begun again is no news, but its own.
        self.before = int(row.counts.get("published", 0))
        self.done = 0
        self.told_at = float("-inf")

    def tell(self, done: int, total: int) -> None:
        self.done = done
        self.keep_on()
        still_to_store(self.row.source, self.summary)  # what is stored need not be remembered

    def keep_on(self) -> None:
        if self.is_stopped():
            raise Stopped
        if time.monotonic() - self.told_at < TELL_EVERY:
            return
        if not self.row.keep(LEASE, done=self.done, counts=self.counts()):
            raise Cancelled
        self.told_at = time.monotonic()

    def counts(self) -> dict[str, int]:
        counts = {name: getattr(self.summary, name) for name in COUNTS}
        own = min(self.before, counts["already_stored"])
        counts["published"] += own
        counts["already_stored"] -= own
        return counts


def _end(row: HistoryImport, progress: _Progress) -> None:
    summary = progress.summary
    values = {"counts": progress.counts(), "problems": summary.problems, "done": row.size}
    if summary.truncated:
        sentence = _("The file is broken: %(reason)s. Everything before that was imported.")
        error = sentence % {"reason": summary.truncated}
        row.end(_S.FAILED, **values, last_error=error)
    elif summary.invalid and not summary.read:
        row.end(_S.FAILED, **values, last_error=_("Nothing in the file could be read."))
    else:
        row.end(_S.DONE, **values)


def _clear_away(row: HistoryImport) -> None:
    """What an ended import leaves; of trouble here only the log tells."""
    try:
        remove_upload(row)  # also a broken one: reading it again would find the same
        forget_stored_archives()
    except (OSError, BusUnavailable) as error:
        logger.warning("import %d has left something: %s", row.pk, error)


def _pause(is_stopped: Callable[[], bool]) -> None:
    waiting = threading.Event()
    until = time.monotonic() + ROUND
    while time.monotonic() < until and not is_stopped():
        waiting.wait(0.2)
