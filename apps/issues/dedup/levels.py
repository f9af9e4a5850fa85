"""Runs the levels in order: exact, fuzzy, then the judge over what is near in meaning or in the talk."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import Any

from apps.issues.dedup.artefact import MODEL_FILE, read_model
from apps.issues.dedup.base import Candidate, Level, Match, Report
from apps.issues.dedup.exact import Exact
from apps.issues.dedup.fuzzy import Fuzzy
from apps.issues.dedup.judge import Judge, PairModel
from apps.issues.dedup.semantic import Semantic

THRESHOLDS_FILE = "thresholds.json"
_ORDER = {"exact": 0, "fuzzy": 1, "judged": 2, "semantic": 3}


@dataclass(frozen=True)
class Thresholds:
    """A project's own thresholds for the judge: merge automatically, suggest to a person."""

    merge: float
    suggest: float


@dataclass(frozen=True, eq=False)
class Calibration:
    """What `manage.py calibrate_duplicates` wrote."""

    embedding_model: str
    calibrated_at: str
    version: (
        str  # short name of the weights and thresholds: two that differ in any decide differently
    )
    model: PairModel
    judged: Thresholds
    fuzzy: Thresholds
    semantic_suggest: float
    figures: Mapping[str, Any]


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """The shipped calibration, read once per process."""
    folder = resources.files("apps.issues.dedup")
    data = json.loads((folder / THRESHOLDS_FILE).read_text(encoding="utf-8"))
    with (folder / MODEL_FILE).open("rb") as file:
        return parse_calibration(data, *read_model(file))


def parse_calibration(data: Mapping[str, Any], model: PairModel, version: str) -> Calibration:
    """Raises ValueError when the weights are not those that the thresholds were chosen for."""
    if data["version"] != version:
        raise ValueError(f"thresholds of {data['version']}, weights of {version}")
    return Calibration(
        embedding_model=data["embedding_model"],
        calibrated_at=data["calibrated_at"],
        version=version,
        model=model,
        judged=Thresholds(**data["thresholds"]["judged"]),
        fuzzy=Thresholds(**data["thresholds"]["fuzzy"]),
        semantic_suggest=data["thresholds"]["semantic_suggest"],
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
    is_judged = is_calibrated and report.vector is not None
    for level in levels(known, thresholds, is_calibrated=is_calibrated):
        for match in level.match(report, candidates):
            if is_judged and match.level == "fuzzy" and not match.is_same:
                continue  # the judge has seen the words too, and more
            found = replace(match, is_open=match.issue_id not in closed)
            best[match.issue_id] = _better(best.get(match.issue_id), found)
    return best_first(best.values())


def best_first(matches: Iterable[Match]) -> list[Match]:
    """Duplicates before suggestions, the surer level before the others."""
    return sorted(matches, key=lambda match: (not match.is_same, _ORDER[match.level], -match.score))


def levels(
    known: Calibration, thresholds: Thresholds | None = None, *, is_calibrated: bool = True
) -> list[Level]:
    judged = thresholds or known.judged
    fuzzy = Fuzzy(threshold=known.fuzzy.merge, suggest_threshold=known.fuzzy.suggest)
    if not is_calibrated:
        # Above 1 no cosine merges: a stranger's cosines may be compressed to 0.84 and more.
        return [Exact(), fuzzy, Semantic(threshold=1.01, suggest_threshold=known.semantic_suggest)]
    judge = Judge(known.model, threshold=judged.merge, suggest_threshold=judged.suggest)
    return [Exact(), fuzzy, judge]


def _better(known: Match | None, match: Match) -> Match:
    """An earlier level that is sure wins; of two suggestions the later level knows more."""
    if known is None or (match.is_same and not known.is_same):
        return match
    return known if known.is_same else match
