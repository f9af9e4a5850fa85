"""Level 1: the same words, whatever the case, punctuation and invisible characters."""

from collections.abc import Sequence

from apps.issues.dedup.base import Candidate, Match, Report
from apps.issues.dedup.cognates import is_telling
from tasktracker.lib.text import normal_form


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
