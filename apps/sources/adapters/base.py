"""What every adapter is, what it may be able to do besides, and how it says no. Plain Python.

`Adapter` is all that a platform must have. `Listener` and `Sender` are parts that it may have: whoever
needs one asks the registry which kinds have its method.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ValidationError

from apps.sources.envelope import Envelope
from tasktracker.lib.workflow import TryLater


class Unreadable(ValueError):
    """The input is not what its platform documents; the text is a short reason without values."""


class Occupied(TryLater):
    """Somebody else listens in our place; asking too often would keep both from listening."""


@dataclass(frozen=True)
class Payload:
    """One thing that a platform said, as it said it, with the platform's own number for it."""

    data: Mapping[str, Any]
    number: int


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


class Inbox(Protocol):
    """Where a listener puts what it hears."""

    async def position(self) -> int:
        """How far this source was read, 0 at first; raises when we may listen no longer."""

    async def take(self, payloads: Sequence[Payload], position: int) -> None:
        """Return when all messages are safe and the position is stored after them.

        Taking nothing says that the platform answered: whatever was wrong before has passed.
        """


class Listener(Protocol):
    """An adapter that asks its platform for messages, or holds a connection to it."""

    def account(self) -> str:
        """Whom only one collector may listen to at a time: a bot, a mailbox.

        Empty when this source is not listened to; raises GiveUp when its settings lack something.
        """

    async def listen(self, inbox: Inbox, *, api_url: str, patience: int) -> None:
        """Put everything into the inbox, in order, until cancelled or the connection ends.

        The platform may keep a question open for `patience` seconds; with 0, take what is there and
        return. Raises TryLater, Occupied or GiveUp, with a sentence that holds no secret.
        """


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
