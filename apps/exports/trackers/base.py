"""What every tracker takes and gives. Plain Python: no ORM, no settings, no sibling.

A tracker must `create`, `find` and `check`; `Completer` and `Chooser` are parts that it may have besides.
Its errors say what the caller should do: see `Tracker.create`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Protocol
from uuid import UUID

from pydantic import BaseModel, JsonValue

from apps.sources.adapters.base import Finding as Finding  # what `check` gives
from tasktracker.lib.workflow import NotNow, TryLater


class Doubtful(TryLater):
    """The call may have worked, and nobody knows: `find` is asked before the next one."""


class Limited(NotNow):
    """The tracker is well and asks us to wait; that is no failure of anybody."""


@dataclass(frozen=True)
class Quote:
    """One message that reports the issue, verbatim."""

    text: str
    author: str
    chat: str
    sent_at: datetime
    external_id: str
    url: str = ""  # of the message itself, where its platform has one


@dataclass(frozen=True)
class IssuePayload:
    """An issue as a tracker sees it."""

    id: int
    project: str
    title: str
    description: str
    category: str
    priority: str
    confidence: float | None
    status: str
    language: str
    reported_at: datetime
    entities: dict[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()
    due_on: date | None = None


@dataclass(frozen=True)
class ExternalIssue:
    """What the tracker made: the id that people know it by, and where it is seen."""

    id: str
    url: str


@dataclass(frozen=True)
class Means:
    """What a tracker is given besides its settings."""

    folder: Path  # of its own, for one that writes files
    api_url: str = ""  # of a vendor with one address for all
    #: Told (account, calls per hour) before each call of a vendor that counts them; raises Limited.
    count_call: Callable[[str, int], None] = lambda account, per_hour: None
    #: Told how long the vendor wants no call, when an answer that worked says so.
    wait: Callable[[timedelta], None] = lambda delay: None


class Tracker(Protocol):
    """A vendor's plug-in: made from the tracker's settings, for one piece of work."""

    Config: ClassVar[type[BaseModel]]

    def __init__(self, config: Any, means: Means) -> None: ...

    def create(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        """Create the issue, with the key in or on it so that `find` finds it.

        Raises Doubtful when it may have been made. Limited, any other TryLater and GiveUp say that it
        surely was not: try later, or a person must change something, as the sentence says.
        """

    def find(self, key: UUID) -> ExternalIssue | None:
        """What an earlier `create` with this key made, if anything; raises TryLater or GiveUp."""

    def check(self) -> list[Finding]:
        """Who we are there and what is missing; raises GiveUp or TryLater when not even that is known."""


class Completer(Protocol):
    """A tracker that adds to an issue what `create` alone cannot."""

    def complete(self, made: ExternalIssue, issue: IssuePayload, *, key: UUID) -> None:
        """Add it; a repeat must change nothing. Raises TryLater or GiveUp."""


@dataclass(frozen=True)
class Choice:
    """Something of the tracker's own that a setting may name."""

    id: str
    label: str


#: `json_schema_extra` of a setting that is chosen from `choices` and never typed in a form.
OFFERED: dict[str, JsonValue] = {"is_offered": True}


class Chooser(Protocol):
    """A tracker that knows what its settings may be, so that nobody has to type ids."""

    def choices(self) -> Mapping[str, Sequence[Choice]]:
        """By name of the setting; raises GiveUp or TryLater."""


class Replacer(Protocol):
    """A tracker that can also put an issue's present words in the place of what it has."""

    def replace(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        """Leave nothing of the earlier words there; raises TryLater and GiveUp."""
