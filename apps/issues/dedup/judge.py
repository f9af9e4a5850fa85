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
from apps.issues.dedup.scene import NAMES, Rival, rivals
from apps.issues.dedup.space import Space
from apps.issues.dedup.texts import Texts
from tasktracker.lib.trees import Trees

EXPLAINED = 5  # features named in an explanation
TOLD_FROM = 0.1  # log-odds


@dataclass(frozen=True, eq=False)
class PairModel:
    """`trees` for what is said in a conversation, `texts` for those from nowhere; both on one scale."""

    space: Space
    trees: Trees
    texts: Texts

    def scores(self, report: Report, found: Sequence[Rival]) -> list[float]:
        """How likely each issue is the report's own, 0..1."""
        if not found:
            return []
        rows = np.array([rival.features for rival in found], np.float64)
        log_odds = self._part(report).log_odds(rows)
        return [1 / (1 + math.exp(-max(-40.0, min(40.0, value)))) for value in log_odds]

    def reasons(self, report: Report, found: Sequence[Rival]) -> list[dict[str, float]]:
        """For each issue the numbers that moved its score most, with signed log-odds."""
        if not found:
            return []
        rows = np.array([rival.features for rival in found], np.float64)
        return [_strongest(row) for row in self._part(report).contributions(rows)]

    def _part(self, report: Report) -> Trees | Texts:
        return self.trees if report.author else self.texts


def _strongest(moved: npt.NDArray[np.float64]) -> dict[str, float]:
    strongest = np.argsort(-np.abs(moved))[:EXPLAINED]
    return {
        NAMES[place]: round(float(moved[place]), 2)
        for place in strongest
        if abs(moved[place]) >= TOLD_FROM
    }


class Judge:
    name = "judged"

    def __init__(self, model: PairModel, *, threshold: float, suggest_threshold: float) -> None:
        self.model = model
        self.threshold = threshold
        self.suggest_threshold = suggest_threshold

    def match(self, report: Report, candidates: Sequence[Candidate]) -> list[Match]:
        found = rivals(report, candidates, self.model.space)
        scored = zip(self.model.scores(report, found), found, strict=True)
        likely = [pair for pair in scored if pair[0] >= self.suggest_threshold]
        likely.sort(key=lambda pair: -pair[0])
        reasons = self.model.reasons(report, [rival for _score, rival in likely])
        return [
            Match(
                issue_id=rival.issue_id,
                level=self.name,
                score=score,
                threshold=self.threshold,
                suggest_threshold=self.suggest_threshold,
                like=rival.candidate.report.number or None,
                explanation=self._explain(report, rival, why),
            )
            for (score, rival), why in zip(likely, reasons, strict=True)
        ]

    @staticmethod
    def _explain(report: Report, rival: Rival, reasons: dict[str, float]) -> dict[str, Any]:
        other = rival.candidate.report
        facts = facts_of(report.text), facts_of(other.text)
        told = {
            "cosine": round(rival.similarity, 4),
            "fuzzy": round(rival.features[NAMES.index("words_sorted")], 4),
            "languages": [report.language, other.language],
            "reasons": reasons,
            **explain(words_of(report.text), words_of(other.text), *facts),
        }
        if report.author:
            told["seconds_later"] = round((report.sent_at - other.sent_at).total_seconds())
        return told
