"""A call to a tracker, of which the tracker's row hears how it went."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import DatabaseError
from django.utils.translation import gettext as _

from apps.exports.models import QUIET, AnswerTimes, Tracker
from apps.exports.trackers.base import Doubtful, Limited, OwnLimit, Unasked
from apps.sources.adapters.base import reason_of
from tasktracker.lib.http import timing
from tasktracker.lib.workflow import GiveUp, LostRace, TryLater, backoff, words_of

LONGEST_PAUSE = timedelta(seconds=30)  # of a row whose tracker fails


class OwnMistake(TryLater):
    """An error that nobody expected, in something that may be left out: no failure of the tracker."""


def plugin_of(tracker: Tracker) -> Any:
    """Its plug-in; raises GiveUp when the settings do not fit."""
    try:
        return tracker.plugin()
    except ValueError as error:
        # Only the words: the values may be secrets.
        raise GiveUp(
            _("The tracker's settings do not fit: %(reason)s") % {"reason": reason_of(error)}
        ) from error


@contextmanager
def admitted(tracker: Tracker) -> Iterator[None]:
    """Within it the tracker may be called, and is timed; raises NotNow.

    A trial that calls nobody is given back.
    """
    tries_until = tracker.admit()
    try:
        with timing() as took:
            yield
    finally:
        AnswerTimes.add(tracker.kind, took)
        if tries_until is not None:
            tracker.give_back(tries_until)  # an answer or a failure has moved it


@contextmanager
def told_to(tracker: Tracker, *, attempts: int) -> Iterator[None]:
    """The tracker's row hears how it went: limits are no failures, and a refusal is an answer.

    What is our own trouble says nothing of the tracker.
    """
    try:
        yield
    except OwnMistake:
        raise
    except Limited as error:
        if not isinstance(error, OwnLimit):
            tracker.note_answer()
        tracker.wait(error.delay or LONGEST_PAUSE)
        raise
    except TryLater as error:
        tracker.note_failure(str(error))
        delay = QUIET if isinstance(error, Doubtful) else error.delay
        # The circuit spares the tracker; a row that waited for longer would be late when it is back.
        error.delay = delay or min(backoff(attempts), LONGEST_PAUSE)
        raise
    except Unasked as error:
        tracker.note_trouble(str(error))
        raise
    except GiveUp as error:
        tracker.note_answer(refusal=str(error))
        raise
    except (LostRace, DatabaseError):
        raise
    except Exception as error:
        tracker.note_failure(words_of(error))
        raise
    tracker.note_answer()
