"""Level 2: nearly the same words, and nothing that contradicts: for reposts, edits and typing errors."""

from collections.abc import Sequence

from rapidfuzz import fuzz, process

from apps.issues.dedup.base import Candidate, Match, Report
from apps.issues.dedup.cognates import is_telling, words_of
from apps.issues.dedup.conflicts import contradicts, explain, facts_of


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
        others = [words_of(candidate.report.text) for candidate in candidates]
        alike = process.extract_iter(
            normal, others, scorer=fuzz.token_sort_ratio, score_cutoff=self.suggest_threshold * 100
        )
        for other, score, place in alike:
            candidate = candidates[place]
            match = self._compare(report, normal, candidate, other, score / 100)
            if match is None:
                continue
            known = best.get(candidate.issue_id)
            if known is None or match.score > known.score:
                best[candidate.issue_id] = match
        return sorted(best.values(), key=lambda match: -match.score)

    def _compare(
        self, report: Report, normal: str, candidate: Candidate, other: str, score: float
    ) -> Match | None:
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
