"""Runs the levels in order: exact, fuzzy, then the judge over what is near in meaning."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from importlib import resources
from typing import Any

from apps.issues.dedup.base import Candidate, Level, Match, Report
from apps.issues.dedup.exact import Exact
from apps.issues.dedup.fuzzy import Fuzzy
from apps.issues.dedup.judge import Judge, PairModel
from apps.issues.dedup.semantic import Semantic

THRESHOLDS_FILE = "thresholds.json"
_HARMLESS = ("calibrated_at", "figures")
_ORDER = {"exact": 0, "fuzzy": 1, "judged": 2, "semantic": 3}


@dataclass(frozen=True)
class Thresholds:
    """A project's own thresholds for the judge: merge automatically, suggest to a person."""

    merge: float
    suggest: float


@dataclass(frozen=True)
class Calibration:
    """What `manage.py calibrate_duplicates` wrote."""

    embedding_model: str
    calibrated_at: str
    model: PairModel
    judged: Thresholds
    fuzzy: Thresholds
    semantic: Thresholds
    figures: Mapping[str, Any]

    @cached_property
    def version(self) -> str:
        """Short name of the weights and thresholds: two that differ in any decide differently."""
        decisive = {name: value for name, value in asdict(self).items() if name not in _HARMLESS}
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:12]


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """The shipped calibration, read once per process."""
    path = resources.files("apps.issues.dedup") / THRESHOLDS_FILE
    return parse_calibration(json.loads(path.read_text(encoding="utf-8")))


def parse_calibration(data: Mapping[str, Any]) -> Calibration:
    judge = data["judge"]
    return Calibration(
        embedding_model=data["embedding_model"],
        calibrated_at=data["calibrated_at"],
        model=PairModel(judge["intercept"], judge["weights"], judge["means"]),
        judged=Thresholds(**data["thresholds"]["judged"]),
        fuzzy=Thresholds(**data["thresholds"]["fuzzy"]),
        semantic=Thresholds(**data["thresholds"]["semantic"]),
        figures=data["figures"],
    )


def find_matches(
    report: Report,
    candidates: Sequence[Candidate],
    thresholds: Thresholds | None = None,
    *,
    embedding_model: str | None = None,
) -> list[Match]:
    """At most one match per issue, best first; those with `is_same` are duplicates, the rest suggestions.

    With the name of another `embedding_model` than the calibrated one the judge's cosines mean
    nothing: then only equal and nearly equal words merge, and meaning only ranks suggestions.
    """
    known = calibration()
    is_calibrated = embedding_model in (None, known.embedding_model)
    closed = {candidate.issue_id for candidate in candidates if not candidate.is_open}
    best: dict[int, Match] = {}
    for level in levels(known, thresholds, is_calibrated=is_calibrated):
        for match in level.match(report, candidates):
            found = replace(match, is_open=match.issue_id not in closed)
            best[match.issue_id] = _better(best.get(match.issue_id), found)
    return sorted(
        best.values(), key=lambda match: (not match.is_same, _ORDER[match.level], -match.score)
    )


def levels(
    known: Calibration, thresholds: Thresholds | None = None, *, is_calibrated: bool = True
) -> list[Level]:
    judged = thresholds or known.judged
    fuzzy = Fuzzy(threshold=known.fuzzy.merge, suggest_threshold=known.fuzzy.suggest)
    if not is_calibrated:
        # Above 1 no cosine merges: a stranger's cosines may be compressed to 0.84 and more.
        return [Exact(), fuzzy, Semantic(threshold=1.01, suggest_threshold=known.semantic.suggest)]
    judge = Judge(known.model, threshold=judged.merge, suggest_threshold=judged.suggest)
    return [Exact(), fuzzy, judge]


def _better(known: Match | None, match: Match) -> Match:
    """An earlier level that is sure wins; of two suggestions the later level knows more."""
    if known is None or (match.is_same and not known.is_same):
        return match
    return known if known.is_same else match
