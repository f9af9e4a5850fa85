"""What every tracker takes and gives. Plain Python: no ORM, no settings, no sibling.

A tracker turns its vendor's errors into TryLater (429, 5xx, time-out) or GiveUp (401, 404, 422).
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True)
class Quote:
    """One message that reports the issue, verbatim."""

    text: str
    author: str
    chat: str
    sent_at: datetime
    external_id: str


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


@dataclass(frozen=True)
class ExternalIssue:
    """What the tracker made."""

    id: str
    url: str


class Tracker(Protocol):
    """Made with its `Config` and `folder=`, a directory of its own for those that write files."""

    def create(self, issue: IssuePayload, *, idempotency_key: UUID) -> ExternalIssue:
        """Create the issue; the same key twice makes one."""

    def check(self) -> None:
        """Raise GiveUp with a sentence for the admin when the settings cannot work."""


class Replacer(Protocol):
    """A tracker that can also put an issue's present words in the place of what it has."""

    def replace(self, issue: IssuePayload, *, idempotency_key: UUID) -> ExternalIssue:
        """Leave nothing of the earlier words there; raises TryLater and GiveUp."""
