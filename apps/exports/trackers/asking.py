"""What trackers that are asked over HTTP have in common."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from django.utils.translation import gettext as _
from pydantic import SecretStr

from apps.exports.trackers.base import Unasked
from tasktracker.lib.http import Forbidden, NoAnswer, Unreachable
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


def fits_a_header(value: Words) -> Words:
    """Of settings that are sent as a header; raises ValueError."""
    words = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not words.isascii() or not words.isprintable() or " " in words:
        raise ValueError(_("A key has only Latin letters, digits and signs."))
    return value
