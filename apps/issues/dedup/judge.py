"""Level 4: a small calibrated pair model: cosine, words, and what the two texts agree or conflict about.

Trained by `manage.py calibrate_duplicates`; its weights are plain numbers in `thresholds.json`, and each
may only point in the direction that makes sense (`features.DIRECTIONS`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.issues.dedup.base import Candidate, Match, Report
from apps.issues.dedup.cognates import words_of
from apps.issues.dedup.conflicts import explain, facts_of
from apps.issues.dedup.features import NAMES, cosine, features_of

EXPLAINED = 4  # features named in an explanation
NEAREST = 30  # candidates that are judged; the right one is hardly ever further down


@dataclass(frozen=True)
class PairModel:
    """Logistic regression on NAMES; `means` are the average features, only for explanations."""

    intercept: float
    weights: Mapping[str, float]
    means: Mapping[str, float]

    def score(self, features: Sequence[float]) -> float:
        """How likely the pair reports one problem, 0..1."""
        total = self.intercept
        for name, value in zip(NAMES, features, strict=True):
            total += self.weights[name] * value
        return 1 / (1 + math.exp(-max(-40.0, min(40.0, total))))

    def reasons(self, features: Sequence[float]) -> dict[str, float]:
        """The features that moved this score most, with signed log-odds against the average pair."""
        moved = {
            name: self.weights[name] * (value - self.means[name])
            for name, value in zip(NAMES, features, strict=True)
        }
        strongest = sorted(moved, key=lambda name: -abs(moved[name]))[:EXPLAINED]
        return {name: round(moved[name], 2) for name in strongest if abs(moved[name]) >= 0.05}


class Judge:
    name = "judged"

    def __init__(self, model: PairModel, *, threshold: float, suggest_threshold: float) -> None:
        self.model = model
        self.threshold = threshold
        self.suggest_threshold = suggest_threshold

    def match(self, report: Report, candidates: Sequence[Candidate]) -> list[Match]:
        near = [(cosine(report, candidate), candidate) for candidate in candidates]
        known = [(value, candidate) for value, candidate in near if value is not None]
        known = sorted(known, key=lambda pair: -pair[0])[:NEAREST]
        rivals = _two_best(known)
        best: dict[int, tuple[float, float, list[float], Candidate]] = {}
        for value, candidate in known:
            features = features_of(report, candidate.report, value, _rival(candidate, rivals))
            score = self.model.score(features)
            if score >= self.suggest_threshold and score > best.get(candidate.issue_id, (0.0,))[0]:
                best[candidate.issue_id] = (score, value, features, candidate)
        ranked = sorted(best.values(), key=lambda item: -item[0])
        return [self._match(report, *item) for item in ranked]

    def _match(
        self,
        report: Report,
        score: float,
        value: float,
        features: list[float],
        candidate: Candidate,
    ) -> Match:
        return Match(
            issue_id=candidate.issue_id,
            level=self.name,
            score=score,
            threshold=self.threshold,
            suggest_threshold=self.suggest_threshold,
            explanation=self._explain(report, value, features, candidate),
        )

    def _explain(
        self, report: Report, value: float, features: list[float], candidate: Candidate
    ) -> dict[str, Any]:
        other = candidate.report
        facts = facts_of(report.text), facts_of(other.text)
        return {
            "cosine": round(value, 4),
            "fuzzy": round(features[NAMES.index("words_sorted")], 4),
            "languages": [report.language, other.language],
            "reasons": self.model.reasons(features),
            **explain(words_of(report.text), words_of(other.text), *facts),
        }


def _two_best(known: Sequence[tuple[float, Candidate]]) -> list[tuple[float, int]]:
    """The best cosine of each of the two nearest issues."""
    by_issue: dict[int, float] = {}
    for value, candidate in known:
        by_issue[candidate.issue_id] = max(value, by_issue.get(candidate.issue_id, -1.0))
    return sorted(((value, issue) for issue, value in by_issue.items()), reverse=True)[:2]


def _rival(candidate: Candidate, rivals: Sequence[tuple[float, int]]) -> float:
    return next((value for value, issue in rivals if issue != candidate.issue_id), 0.0)
