"""Level 1: the same words, whatever the case, punctuation and invisible characters."""

from collections.abc import Sequence

from apps.issues.dedup.base import Candidate, Match, Report
from tasktracker.lib.text import normal_form

MIN_WORDS = 3
MIN_CHARACTERS = 12  # "не працює", "still broken": the same words, hardly the same problem


class Exact:
    name = "exact"

    def match(self, report: Report, candidates: Sequence[Candidate]) -> list[Match]:
        normal = normal_form(report.text)
        if not report.fingerprint or not is_telling(normal):
            return []
        issues = {
            candidate.issue_id: None
            for candidate in candidates
            if candidate.report.fingerprint == report.fingerprint
        }
        return [
            Match(
                issue_id=issue_id,
                level=self.name,
                score=1.0,
                threshold=1.0,
                suggest_threshold=1.0,
                explanation={"fingerprint": report.fingerprint, "words": len(normal.split())},
            )
            for issue_id in issues
        ]


def is_telling(normal: str) -> bool:
    """Long enough for the same words to mean the same problem."""
    return len(normal.split()) >= MIN_WORDS and len(normal) >= MIN_CHARACTERS
