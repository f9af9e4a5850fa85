"""What a message's values are, by the paths of an operator: the same for what comes in and for its preview."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal

from django.utils.translation import gettext as _
from pydantic import TypeAdapter

from apps.sources.adapters.base import Unreadable, reason_of
from apps.sources.adapters.mapping.json_path import EACH, find, follow, steps_of
from apps.sources.adapters.mapping.paths import Paths
from apps.sources.envelope import ChatReference, Envelope
from tasktracker.lib.text import shorten, storable

MOST_MESSAGES = 500  # in one body
NAMED = 12  # fields of a message without a text
Read = Callable[[list[Any]], Any]  # what was found at a path -> the value
_MOMENT: TypeAdapter[datetime] = TypeAdapter(datetime)


@dataclass(frozen=True)
class Value:
    """What one field of a message becomes, or why it cannot; what is missing has its default."""

    path: str
    state: Literal["found", "missing", "wrong"]
    value: Any = ""
    reason: str = ""


@dataclass(frozen=True)
class Reading:
    """One message: what each field becomes, and what keeps it from being a message."""

    values: Mapping[str, Value] = field(repr=False)
    envelope: Envelope | None = None
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
    paths: Mapping[str, str],
    message: Any,
    body: Any,
    defaults: Mapping[str, Any],
    *,
    read_moment: Read | None = None,
) -> dict[str, Value]:
    """Every field by its name."""
    readers: dict[str, Read] = {"text": _lines, "sent_at": read_moment or moment_of}
    return {
        name: _value(
            path,
            find(path, message, body) if path else [],
            defaults.get(name, ""),
            readers.get(name, _word),
            may_be_empty=name == "text",  # an empty name is no name; a text may well be empty
        )
        for name, path in paths.items()
    }


def reading_of(
    values: Mapping[str, Value], message: Any, *, source_id: int, is_history: bool = False
) -> Reading:
    """The message of these values, or why it is none."""
    if reason := _trouble(values, message):
        return Reading(values, reason=reason)
    word = {name: value.value for name, value in values.items()}
    chat = word["chat"]
    raw = {"message": message, "url": word["url"][:500]}
    try:
        envelope = Envelope(
            source_id=source_id,
            external_id=f"{chat}:{word['message']}",
            chat=ChatReference(external_id=chat, title=word["chat_title"]),
            topic=word["thread"],
            author_id=word["author"],
            author_name=word["author_name"],
            text=word["text"],
            sent_at=word["sent_at"],
            reply_to=f"{chat}:{word['reply_to']}" if word["reply_to"] else "",
            is_history=is_history,
            raw=raw if word["url"] else {"message": message},
        )
    except ValueError as error:
        return Reading(values, reason=reason_of(error))
    return Reading(values, envelope)


def _trouble(values: Mapping[str, Value], message: Any) -> str:
    """Why it is no message, a sentence a line; empty when it is one."""
    text = _("The field “%(field)s” cannot be read: %(reason)s")
    wrong = [
        text % {"field": _(Paths.model_fields[name].title or name), "reason": value.reason}
        for name, value in values.items()
        if value.state == "wrong"
    ]
    if values["text"].state == "missing":
        wrong.insert(0, _nothing_said(message))
    return "\n".join(wrong)


def _nothing_said(message: Any) -> str:
    if isinstance(message, list):
        return _("The body is a list: with the path [*] of the messages each part of it is one.")
    if not isinstance(message, dict) or not message:
        return _("There is nothing at the path of the text.")
    names = ", ".join(f"“{shorten(storable(str(name)), 40)}”" for name in list(message)[:NAMED])
    text = _("There is nothing at the path of the text. What there is: %(names)s.")
    return text % {"names": names}


def _value(path: str, found: list[Any], default: Any, read: Read, *, may_be_empty: bool) -> Value:
    if not found:
        return Value(path, "missing", default)
    try:
        value = read(found)
    except ValueError as error:
        return Value(path, "wrong", reason=str(error))
    if value == "" and not may_be_empty:
        return Value(path, "missing", default)
    return Value(path, "found", value)


def _lines(found: list[Any]) -> str:
    return "\n".join(_word([value]) for value in found)


def _word(found: list[Any]) -> str:
    value = found[0]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(_("It is %(kind)s, not a text.") % {"kind": _kind(value)})
    return str(value)


def moment_of(found: list[Any], zone: tzinfo = UTC) -> datetime:
    """Raise ValueError, in words for the operator, for what is no time."""
    value = found[0]
    try:
        moment = _MOMENT.validate_python(value.strip() if isinstance(value, str) else value)
    except ValueError:
        text = _(
            "It is no time that is known here: ISO 8601, or seconds or milliseconds since 1970."
        )
        raise ValueError(text) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return _("an object")
    if isinstance(value, list):
        return _("a list")
    if isinstance(value, bool):
        return _("true or false")
    return _("a number") if isinstance(value, int | float) else _("a text")
