"""Paths into JSON: `event.text`, `messages[0].body`, `items[*].text`, `["a key with spaces"]`.

A path starts at the message; with `$` at the whole body, which differs when one body has several
messages: `$.channel`. `@` is the message itself, for lists of plain texts.
"""

import re
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

LONGEST = 200  # characters
EACH = None  # the step `[*]`
Step = str | int | None

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]"'*\s]+)|\[(?P<number>-?\d{1,6})\]|\[(?P<each>\*)\]|\[(?P<quote>["'])(?P<quoted>.+?)(?P=quote)\]"""
)


class BadPath(ValueError):
    """It is no path; the text says what is not understood."""


@lru_cache(maxsize=1024)
def steps_of(path: str) -> tuple[Step, ...]:
    """The path taken apart, without its start; raises BadPath."""
    if len(path) > LONGEST:
        raise BadPath(_("A path has at most %(n)d characters.") % {"n": LONGEST})
    rest = path[1:] if path[:1] in ("$", "@") else path
    if rest == path and not path.startswith("["):
        rest = f".{path}"
    steps: list[Step] = []
    position = 0
    while position < len(rest):
        found = _STEP.match(rest, position)
        if found is None:
            text = _(
                "“%(rest)s” is not understood. Paths look like event.text, messages[0].body or items[*]."
            )
            raise BadPath(text % {"rest": rest[position:].removeprefix(".") or rest})
        steps.append(_step(found))
        position = found.end()
    return tuple(steps)


def find(path: str, message: Any, body: Any) -> list[Any]:
    """What is at the path: nothing, one value, or several with `[*]`. A null is nothing."""
    return follow(steps_of(path), body if path.startswith("$") else message)


def follow(steps: tuple[Step, ...], start: Any) -> list[Any]:
    values = [start]
    for step in steps:
        values = [inner for value in values for inner in _inside(value, step)]
    return [value for value in values if value is not None]


def _step(found: re.Match[str]) -> Step:
    if found["number"]:
        return int(found["number"])
    return EACH if found["each"] else found["name"] or found["quoted"]


def _inside(value: Any, step: Step) -> list[Any]:
    if isinstance(value, dict):
        return [value[step]] if step in value else []
    if not isinstance(value, list):
        return []
    if step is EACH:
        return value
    is_there = isinstance(step, int) and -len(value) <= step < len(value)
    return [value[step]] if is_there else []  # type: ignore[index]
