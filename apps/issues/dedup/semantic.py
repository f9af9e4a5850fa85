"""Level 3: the same meaning by cosine. Finds what to look at; deciding is the judge's work.

Measured on the shipped pairs: reports of another problem in the same words lie as near as real
duplicates, so the merge threshold of this level alone is very high.
"""

from collections.abc import Sequence

from apps.issues.dedup.base import Candidate, Match, Report
from apps.issues.dedup.features import cosine


class Semantic:
    name = "semantic"

    def __init__(self, *, threshold: float, suggest_threshold: float) -> None:
        self.threshold = threshold
        self.suggest_threshold = suggest_threshold

    def match(self, report: Report, candidates: Sequence[Candidate]) -> list[Match]:
        best: dict[int, float] = {}
        for candidate in candidates:
            score = cosine(report, candidate)
            if score is not None and score >= self.suggest_threshold:
                best[candidate.issue_id] = max(score, best.get(candidate.issue_id, -1.0))
        return [
            Match(
                issue_id=issue_id,
                level=self.name,
                score=score,
                threshold=self.threshold,
                suggest_threshold=self.suggest_threshold,
                explanation={"cosine": round(score, 4)},
            )
            for issue_id, score in sorted(best.items(), key=lambda item: -item[1])
        ]
