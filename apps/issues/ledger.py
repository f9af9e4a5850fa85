"""The ledger of decisions: how each message was filed, and all that it takes to decide it again."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from apps.issues.comparison import Comparison, thresholds_of
from apps.issues.dedup.base import Candidate, Match
from apps.issues.dedup.cognates import words_of
from apps.issues.dedup.features import cosine
from apps.issues.dedup.levels import calibration
from apps.issues.models import Evidence, Filing, Issue
from apps.issues.search import NEAREST, RECENT
from apps.messages.glossary import glossary_of
from apps.messages.models import Message
from apps.sources.models import Project
from tasktracker.lib import embeddings
from tasktracker.lib.text import FINGERPRINT_VERSION

DETAILED = 30  # candidates of which more than the number is kept


def write(
    message: Message,
    issue: Issue,
    level: str,
    *,
    project: Project,
    comparison: Comparison | None = None,
) -> Filing:
    """One row for one filed message; without a comparison the conversation or an alert decided."""
    is_opened = level == Evidence.Level.OPENED
    thresholds = thresholds_of(project)
    same = comparison.same if comparison is not None and not is_opened else None
    return Filing.objects.create(
        message=message,
        issue=issue,
        outcome=Filing.Outcome.OPENED if is_opened else Filing.Outcome.ATTACHED,
        level=level,
        score=None if same is None else same.score,
        merge_threshold=thresholds.merge,
        suggest_threshold=thresholds.suggest,
        text_hash=message.text_hash,
        embedding_model=embeddings.model_name(),
        judge=calibration().version,
        limits=limits_of(project),
        compared=[] if comparison is None else _compared(comparison),
        saw={} if comparison is None or comparison.is_given else _saw(message, comparison),
    )


def limits_of(project: Project) -> dict[str, int]:
    """The windows and limits of the search."""
    return {
        "window_hours": project.duplicate_window_hours,
        "open_issue_days": project.open_issue_days,
        "closed_issue_days": project.closed_issue_days,
        "nearest": NEAREST,
        "recent": RECENT,
    }


def digest(*texts: str) -> str:
    """A short hash: enough to tell that something has changed."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


def digest_of_texts(candidates: Iterable[Candidate]) -> str:
    return digest(*(candidate.report.text for candidate in candidates))


def glossary_digest(project_id: int) -> str:
    """The project's own words, and the normal form's version: both say how words are spelled."""
    return digest(str(FINGERPRINT_VERSION), repr(glossary_of(project_id)))


def _compared(comparison: Comparison) -> list[dict[str, Any]]:
    """The matches, best first, then what came nearest without being one."""
    cosines = {
        candidate.report.number: cosine(comparison.report, candidate)
        for candidate in comparison.candidates
    }
    rows = [
        _match_row(match, comparison, cosines.get(match.like or 0)) for match in comparison.matches
    ]
    named = {match.like for match in comparison.matches}
    others = [
        candidate
        for candidate in comparison.candidates
        if cosines[candidate.report.number] is not None and candidate.report.number not in named
    ]
    others.sort(key=lambda candidate: -(cosines[candidate.report.number] or 0.0))
    for candidate in others:
        row = {"message": candidate.report.number, "issue": candidate.issue_id}
        rows.append(row | {"cosine": _short(cosines[candidate.report.number])})
    return rows[:DETAILED]


def _match_row(match: Match, comparison: Comparison, near: float | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "message": match.like,
        "issue": match.issue_id,
        "level": match.level,
        "score": _short(match.score),
    }
    if near is not None:
        row["cosine"] = _short(near)
    if match in comparison.suggestions:
        row["suggested"] = True
    return row


def _saw(message: Message, comparison: Comparison) -> dict[str, Any]:
    report, candidates = comparison.report, comparison.candidates
    return {
        "candidates": [[one.report.number, one.issue_id] for one in candidates],
        "closed": sorted({one.issue_id for one in candidates if not one.is_open}),
        "without_vector": _without_vector(comparison, candidates),
        "text": digest(message.text),
        "words": digest(words_of(report.text)),
        "glossary": glossary_digest(message.project_id),
        "texts": digest_of_texts(candidates),
    }


def _without_vector(comparison: Comparison, candidates: Sequence[Candidate]) -> list[int]:
    reports = [comparison.report, *(candidate.report for candidate in candidates)]
    return [report.number for report in reports if report.vector is None]


def _short(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
