"""Level 4: a calibrated model of what the levels before leave open: meaning, words, facts, and the talk around.

Trained by `manage.py calibrate_duplicates`; most numbers may only point in the direction that makes
sense (`scene.DIRECTIONS`).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from apps.issues.dedup.base import Candidate, Match, Report
from apps.issues.dedup.cognates import words_of
from apps.issues.dedup.conflicts import explain, facts_of
from apps.issues.dedup.line import Line
from apps.issues.dedup.scene import NAMES, TIME_ALONE, Rival, rivals, time_alone
from apps.issues.dedup.space import Space
from apps.issues.dedup.trees import Trees

EXPLAINED = 5  # features named in an explanation
TOLD_FROM = 0.1  # log-odds


@dataclass(frozen=True, eq=False)
class PairModel:
    """`trees` for what is said in a conversation, `line` for texts from nowhere; both on one scale."""

    space: Space
    trees: Trees
    line: Line

    def scores(self, report: Report, found: Sequence[Rival]) -> list[float]:
        """How likely each issue is the report's own, 0..1."""
        if not found:
            return []
        rows = np.array([rival.features for rival in found], np.float64)
        log_odds = log_odds_of_talk(self.trees, rows) if report.author else self.line.log_odds(rows)
        return [1 / (1 + math.exp(-max(-40.0, min(40.0, value)))) for value in log_odds]

    def reasons(self, report: Report, rival: Rival) -> dict[str, float]:
        """The numbers that moved this score most, with signed log-odds."""
        moved = self._part(report).contributions(rival.features)
        if report.author and time_alone(np.array([rival.features]))[0]:
            moved[NAMES.index("rarity_share")] -= TIME_ALONE
        strongest = np.argsort(-np.abs(moved))[:EXPLAINED]
        return {
            NAMES[place]: round(float(moved[place]), 2)
            for place in strongest
            if abs(moved[place]) >= TOLD_FROM
        }

    def _part(self, report: Report) -> Trees | Line:
        return self.trees if report.author else self.line


def log_odds_of_talk(trees: Trees, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shape (rows,): what the trees say, less where nothing but the time speaks for it."""
    return trees.log_odds(rows) - TIME_ALONE * time_alone(rows)


class Judge:
    name = "judged"

    def __init__(self, model: PairModel, *, threshold: float, suggest_threshold: float) -> None:
        self.model = model
        self.threshold = threshold
        self.suggest_threshold = suggest_threshold

    def match(self, report: Report, candidates: Sequence[Candidate]) -> list[Match]:
        found = rivals(report, candidates, self.model.space)
        scored = zip(self.model.scores(report, found), found, strict=True)
        ranked = sorted(scored, key=lambda pair: -pair[0])
        return [
            Match(
                issue_id=rival.issue_id,
                level=self.name,
                score=score,
                threshold=self.threshold,
                suggest_threshold=self.suggest_threshold,
                like=rival.candidate.report.number or None,
                explanation=self._explain(report, rival),
            )
            for score, rival in ranked
            if score >= self.suggest_threshold
        ]

    def _explain(self, report: Report, rival: Rival) -> dict[str, Any]:
        other = rival.candidate.report
        facts = facts_of(report.text), facts_of(other.text)
        told = {
            "cosine": round(rival.similarity, 4),
            "fuzzy": round(rival.features[NAMES.index("words_sorted")], 4),
            "languages": [report.language, other.language],
            "reasons": self.model.reasons(report, rival),
            **explain(words_of(report.text), words_of(other.text), *facts),
        }
        if report.author:
            told["seconds_later"] = round((report.sent_at - other.sent_at).total_seconds())
        return told
