"""Level 2: nearly the same words, and nothing that contradicts: for reposts, edits and typing errors."""

from collections.abc import Sequence
from typing import Any

from rapidfuzz import fuzz

from apps.issues.dedup.base import Candidate, Match, Report
from apps.issues.dedup.cognates import words_of
from apps.issues.dedup.conflicts import Facts, compare, facts_of
from apps.issues.dedup.exact import is_telling


class Fuzzy:
    name = "fuzzy"

    def __init__(self, *, threshold: float, suggest_threshold: float) -> None:
        self.threshold = threshold
        self.suggest_threshold = suggest_threshold

    def match(self, report: Report, candidates: Sequence[Candidate]) -> list[Match]:
        normal = words_of(report.text)
        if not is_telling(normal):
            return []
        best: dict[int, Match] = {}
        for candidate in candidates:
            match = self._compare(report, normal, candidate)
            if match is None:
                continue
            known = best.get(candidate.issue_id)
            if known is None or match.score > known.score:
                best[candidate.issue_id] = match
        return sorted(best.values(), key=lambda match: -match.score)

    def _compare(self, report: Report, normal: str, candidate: Candidate) -> Match | None:
        other = words_of(candidate.report.text)
        score = (
            fuzz.token_sort_ratio(normal, other, score_cutoff=self.suggest_threshold * 100) / 100
        )
        if score < self.suggest_threshold or not is_telling(other):
            return None
        ours, theirs = facts_of(report.text), facts_of(candidate.report.text)
        if contradicts(ours, theirs):
            # One changed number or word is a small edit and another problem: never merged by words.
            score = min(score, (self.threshold + self.suggest_threshold) / 2)
        return Match(
            issue_id=candidate.issue_id,
            level=self.name,
            score=score,
            threshold=self.threshold,
            suggest_threshold=self.suggest_threshold,
            explanation=explain(normal, other, ours, theirs) | {"fuzzy": round(score, 4)},
        )


def contradicts(ours: Facts, theirs: Facts) -> bool:
    """Stricter than a conflict: any other number, platform, direction or negation."""
    return bool(
        compare(ours, theirs).conflicting
        or ours.versions != theirs.versions
        or ours.numbers != theirs.numbers
        or ours.endpoints != theirs.endpoints
        or ours.values != theirs.values
        or ours.negations != theirs.negations
        or ours.is_request != theirs.is_request
    )


def explain(normal: str, other: str, ours: Facts, theirs: Facts) -> dict[str, Any]:
    """Codes and values that a page can show in any language."""
    comparison = compare(ours, theirs)
    theirs_words = set(other.split())
    words = [
        word for word in dict.fromkeys(normal.split()) if word in theirs_words and len(word) > 2
    ]
    return {
        "words": words[:12],
        "shared": dict(comparison.shared),
        "conflicts": dict(comparison.conflicting),
    }
