"""What trackers that are asked over HTTP have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.utils.translation import gettext as _
from pydantic import SecretStr

from apps.exports.trackers.base import Unasked
from tasktracker.lib.http import Answer, Forbidden, NoAnswer, Unreachable
from tasktracker.lib.workflow import TryLater

Words = TypeVar("Words", bound=SecretStr | str)


@contextmanager
def as_trackers_say(unanswered: Callable[[str], Exception] = TryLater) -> Iterator[None]:
    """The door's errors as those that trackers raise; `unanswered` is the one where nobody answered."""
    try:
        yield
    except Unreachable as error:
        raise TryLater(str(error)) from error
    except Forbidden as error:
        raise Unasked(str(error)) from error
    except NoAnswer as error:
        raise unanswered(str(error)) from error


def own_fault(tracker: str, words: str) -> str:
    """What a 5xx means for people."""
    told = _("%(tracker)s answers with a fault of its own (%(words)s): who runs it knows more.")
    return told % {"tracker": tracker, "words": words.rstrip(".")}


def http_status(answer: Answer) -> str:
    """For an answer that has no words of its own."""
    return _("HTTP status %(status)s") % {"status": answer.status}


def too_often(tracker: str, words: str) -> str:
    told = _("%(tracker)s asks for fewer calls (%(words)s): what waits goes on by itself.")
    return told % {"tracker": tracker, "words": words.rstrip(".")}


def senseless(tracker: str) -> str:
    """An answer that is neither a yes nor a no."""
    told = _(
        "What answers in place of %(tracker)s makes no sense: a proxy or a firewall may stand between."
    )
    return told % {"tracker": tracker}


def fits_a_header(value: Words) -> Words:
    """Of settings that are sent as a header; raises ValueError."""
    words = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not words.isascii() or not words.isprintable() or " " in words:
        raise ValueError(_("A key has only Latin letters, digits and signs."))
    return value
