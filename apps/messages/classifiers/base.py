"""What every classifier takes and gives. Plain Python: no ORM, no settings, no sibling."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

CATEGORIES = ("bug", "feature", "question", "info")
PRIORITIES = ("low", "medium", "high", "critical")

Vector = npt.NDArray[np.float32]  # of length 1, centred by language


@dataclass(frozen=True)
class Neighbour:
    """A message near the one to classify: the one it replies to, or the one before it in the chat."""

    text: str
    vector: Vector | None
    category: str | None  # as decided so far, None when it is not decided yet
    is_same_author: bool
    seconds_before: float
    number: int = 0  # which message this is, for those who look for more about it
    author: str = ""


@dataclass(frozen=True)
class Sample:
    """One message as a classifier sees it."""

    text: str
    vector: Vector | None = None
    sent_at: datetime | None = None
    replied_to: Neighbour | None = None
    previous: Neighbour | None = None  # same chat and topic, at most 30 minutes before
    is_reply: bool = False
    is_forward: bool = False
    author: str = ""
    is_from_bot: bool = False
    recent: tuple[Neighbour, ...] = ()  # the last messages of the chat and topic, newest first


@dataclass(frozen=True)
class Shot:
    """A message that a person has corrected: an example for a language model."""

    text: str
    category: str
    priority: str


@dataclass(frozen=True)
class Verdict:
    """One classifier's answer. `confidence` is calibrated: 0.9 is right nine times in ten."""

    category: str
    priority: str
    confidence: float
    scores: dict[str, float] = field(default_factory=dict)  # category -> probability
    entities: dict[str, list[str]] = field(default_factory=dict)  # kind -> surface strings
    raw: dict[str, Any] = field(default_factory=dict)  # what else the classifier wants kept
    is_alarming: bool = False  # a person should look, however sure the answer is


class Classifier(Protocol):
    name: str
    version: str

    def classify(self, samples: Sequence[Sample]) -> list[Verdict | None]:
        """One answer per sample, None where this classifier has nothing to say."""
