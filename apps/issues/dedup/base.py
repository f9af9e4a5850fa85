"""What a level of duplicate detection takes and gives. Plain Python."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float32]  # shape (384,), length 1, centred by language


@dataclass(frozen=True)
class Report:
    """A text that reports something: the new message, or one that is already evidence of an issue."""

    text: str
    fingerprint: str
    language: str
    sent_at: datetime
    vector: Vector | None = None
    category: str = ""
    number: int = 0  # the message's id
    chat: str = ""  # chat and topic: where it was said
    author: str = ""
    answers: int | None = None  # the message that it replies to


def matrix_of(reports: Sequence[Report]) -> npt.NDArray[np.float32]:
    """Shape (reports, 384); raises ValueError for a report without a vector."""
    vectors = [report.vector for report in reports if report.vector is not None]
    if len(vectors) != len(reports):
        raise ValueError("reports without a vector cannot be compared by meaning")
    return np.stack(vectors)


@dataclass(frozen=True)
class Candidate:
    """A report that is evidence of an issue. `similarity` is pgvector's cosine, if it found this one."""

    issue_id: int
    report: Report
    similarity: float | None = None
    is_open: bool = True  # a closed issue takes no reports, it is only suggested


@dataclass(frozen=True)
class Match:
    """How well a candidate's issue fits. `score` is compared with the thresholds of its `level`."""

    issue_id: int
    level: str  # exact, fuzzy, semantic, judged
    score: float
    threshold: float  # at or above: the same problem
    suggest_threshold: float  # at or above: a person should look
    like: int | None = None  # the message of the candidate that matched
    explanation: dict[str, Any] = field(default_factory=dict)
    is_open: bool = True

    @property
    def is_same(self) -> bool:
        return self.is_open and self.score >= self.threshold

    @property
    def is_suggestion(self) -> bool:
        return not self.is_same and self.score >= self.suggest_threshold


class Level(Protocol):
    name: str

    def match(self, report: Report, candidates: Sequence[Candidate]) -> list[Match]:
        """Matches at or above the suggestion threshold, best first, at most one per issue."""
