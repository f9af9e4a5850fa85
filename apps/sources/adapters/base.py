"""What every adapter is, and what it says of input that is no message. Plain Python."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ValidationError

from apps.sources.envelope import Envelope


class Unreadable(ValueError):
    """The input is not what its platform documents; the text is a short reason without values."""


@dataclass(frozen=True)
class Skipped:
    """A part of an archive that gave no envelope."""

    why: Literal["service", "invalid", "truncated"]
    where: str = ""  # "line 12", "message 345"
    reason: str = ""


class Adapter(Protocol):
    """A platform's plug-in: made from the source's settings, turns its input into envelopes."""

    label: ClassVar[Any]
    Config: ClassVar[type[BaseModel]]
    source_id: int

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope]:
        """The messages of one payload; raises Unreadable when it breaks the platform's format."""


class Sender(Protocol):
    """An adapter that can also write into its chats."""

    longest_text: ClassVar[int]  # UTF-16 units, as platforms count

    def send(self, chat_id: str, text: str, *, api_url: str) -> str:
        """Post plain text once, quietly; the id of the message.

        Raises TryLater when the platform surely has not taken it, and GiveUp when it never will or
        when nobody can tell whether it has.
        """


def reason_of(error: ValueError) -> str:
    """What is wrong and where, without the values, which may be private."""
    if not isinstance(error, ValidationError):
        return str(error)[:500]
    problems = error.errors(include_input=False, include_url=False, include_context=False)[:5]
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'payload'}: {problem['msg']}"
        for problem in problems
    )
