"""What a message's values are, by the paths of an operator: the same for what comes in and for its preview."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from django.utils.translation import gettext as _
from pydantic import TypeAdapter

from apps.sources.adapters.base import Unreadable
from apps.sources.adapters.json_path import EACH, find, follow, steps_of

MOST_MESSAGES = 500  # in one body
_MOMENT: TypeAdapter[datetime] = TypeAdapter(datetime)


@dataclass(frozen=True)
class Value:
    """What one field of a message becomes, or why it cannot; what is missing has its default."""

    path: str
    state: Literal["found", "missing", "wrong"]
    value: Any = ""
    reason: str = ""


def messages_in(body: Any, path: str) -> list[Any]:
    """The messages of one body; without a path it is one. Raises Unreadable."""
    if not path:
        return [body]
    steps = steps_of(path)
    if steps and steps[-1] is EACH:
        steps = steps[:-1]
    found = follow(steps, body)
    if not found:
        raise Unreadable(_("There is nothing at the path of the messages."))
    messages: list[Any] = []
    for part in found:
        if not isinstance(part, list | dict):
            reason = _("The path of the messages leads to %(kind)s, not to a list.")
            raise Unreadable(reason % {"kind": _kind(part)})
        messages += part if isinstance(part, list) else [part]
    if len(messages) > MOST_MESSAGES:
        raise Unreadable(_("There are more than %(n)d messages in it.") % {"n": MOST_MESSAGES})
    return messages


def values_of(
    paths: Mapping[str, str], message: Any, body: Any, defaults: Mapping[str, Any]
) -> dict[str, Value]:
    """Every field by its name."""
    return {
        name: _value(name, path, find(path, message, body) if path else [], defaults.get(name, ""))
        for name, path in paths.items()
    }


def _value(name: str, path: str, found: list[Any], default: Any) -> Value:
    if not found:
        return Value(path, "missing", default)
    read: Callable[[list[Any]], Any] = {"text": _lines, "sent_at": _moment}.get(name, _word)
    try:
        value = read(found)
    except ValueError as error:
        return Value(path, "wrong", reason=str(error))
    if value == "" and name != "text":  # an empty name is no name; a text may well be empty
        return Value(path, "missing", default)
    return Value(path, "found", value)


def _lines(found: list[Any]) -> str:
    return "\n".join(_word([value]) for value in found)


def _word(found: list[Any]) -> str:
    value = found[0]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(_("It is %(kind)s, not a text.") % {"kind": _kind(value)})
    return str(value)


def _moment(found: list[Any]) -> datetime:
    value = found[0]
    try:
        moment = _MOMENT.validate_python(value.strip() if isinstance(value, str) else value)
    except ValueError:
        text = _(
            "It is no time that is known here: ISO 8601, or seconds or milliseconds since 1970."
        )
        raise ValueError(text) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return _("an object")
    if isinstance(value, list):
        return _("a list")
    if isinstance(value, bool):
        return _("true or false")
    return _("a number") if isinstance(value, int | float) else _("a text")
