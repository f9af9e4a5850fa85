"""Level 1: the same words and signs, whatever the case, other punctuation and invisible characters."""

import re
from collections.abc import Sequence

from apps.issues.dedup.base import Candidate, Match, Report
from apps.issues.dedup.cognates import is_telling
from tasktracker.lib.text import clean, normal_form

#: "-50", but neither "utf-8" nor "10-20"; "UTC+2", but no telephone; "> 100", but no quote and no arrow; "C++", "C#".
_SIGN = re.compile(
    r"(?<![\w-])[-\u2212\u2013]\d+|\+\d{1,6}(?!\d)|(?<=\S)[ \t]*(?<![-=<>])[<>\u2264\u2265]=?\s*\d+"
    r"|\w+(?:\+{1,2}|#)(?!\w)"
)
_ONE_WAY = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2264": "<=", "\u2265": ">="})


class Exact:
    name = "exact"

    def match(self, report: Report, candidates: Sequence[Candidate]) -> list[Match]:
        normal = normal_form(report.text)
        if not report.fingerprint or not is_telling(normal):
            return []
        return [
            Match(
                issue_id=issue_id,
                level=self.name,
                score=1.0,
                threshold=1.0,
                suggest_threshold=1.0,
                explanation={"fingerprint": report.fingerprint, "words": len(normal.split())},
            )
            for issue_id, has_same_signs in _same_words(report, candidates).items()
            if has_same_signs
        ]


def opposites(report: Report, candidates: Sequence[Candidate]) -> set[int]:
    """Issues that have the words of the report, but only with other signs: no level can tell more."""
    same_words = _same_words(report, candidates) if report.fingerprint else {}
    return {issue_id for issue_id, has_same_signs in same_words.items() if not has_same_signs}


def signs_of(text: str) -> frozenset[str]:
    """Signs that the normal form drops, with the number or name that they belong to."""
    found = _SIGN.findall(clean(text))
    return frozenset("".join(sign.split()).translate(_ONE_WAY).casefold() for sign in found)


def _same_words(report: Report, candidates: Sequence[Candidate]) -> dict[int, bool]:
    """By issue: whether any of its reports with the same words has the same signs."""
    found: dict[int, bool] = {}
    for candidate in candidates:
        if candidate.report.fingerprint == report.fingerprint:
            is_same = signs_of(candidate.report.text) == signs_of(report.text)
            found[candidate.issue_id] = found.get(candidate.issue_id, False) or is_same
    return found
