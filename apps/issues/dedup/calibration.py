"""Trains the judge, chooses the thresholds by grouped cross-validation, and says what they are worth.

Every figure is of texts whose whole group the deciding model has not seen: bases are the open issues,
each other text is decided against all of them, as a live report is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz

from apps.issues.dedup.conflicts import contradicts, facts_of
from apps.issues.dedup.corpus import DUPLICATES, LOOKALIKES, Row
from apps.issues.dedup.pair_training import NEAREST, Pair, pairs_of, train
from tasktracker.lib.text import normal_form

FOLDS = 5
REPEATS = 3  # shuffles of the groups; figures are their means
#: A false merge hides a problem, a missed duplicate costs a click.
MAX_LOOKALIKES_MERGED = 0.05
MAX_WRONG_GROUP = 0.003
SUGGESTED_SHARE = 0.97  # of near and cross-language duplicates
FUZZY_MARGIN = 0.03
FUZZY_FLOOR, FUZZY_SUGGEST = 0.9, 0.75
SEMANTIC_MARGIN = 0.02
CURVE = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """The out-of-fold scores of one shuffle, one per pair."""

    rows: Sequence[Row]
    pairs: Sequence[Pair]
    scores: Array


def calibrate(rows: Sequence[Row], *, embedding_model: str, today: str) -> dict[str, Any]:
    """The whole content of `thresholds.json`."""
    pairs = pairs_of(rows)
    shuffles = [cross_validate(rows, pairs, seed) for seed in range(REPEATS)]
    merge = float(np.mean([choose_merge(scored) for scored in shuffles]))
    suggest = min(merge, float(np.mean([choose_suggest(scored) for scored in shuffles])))
    merge, suggest = round(merge, 4), round(suggest, 4)
    model = train(pairs, rows)
    return {
        "embedding_model": embedding_model,
        "calibrated_at": today,
        "thresholds": {
            "judged": {"merge": merge, "suggest": suggest},
            "fuzzy": {"merge": choose_fuzzy(rows, pairs), "suggest": FUZZY_SUGGEST},
            "semantic": choose_semantic(rows, pairs),
        },
        "judge": {"intercept": model.intercept, "weights": model.weights, "means": model.means},
        "figures": {
            "pairs": len(pairs),
            "groups": len({row.group for row in rows}),
            "cross_validation": f"{FOLDS} folds by group, {REPEATS} shuffles",
            **_mean([figures(scored, merge, suggest) for scored in shuffles]),
            "curve": curve(shuffles),
        },
    }


def cross_validate(rows: Sequence[Row], pairs: Sequence[Pair], seed: int) -> Scored:
    """Scores of each pair by a model that saw neither the text's group nor the base's."""
    groups = sorted({row.group for row in rows})
    shuffled = np.random.default_rng(seed).permutation(len(groups))
    fold = {group: int(place) % FOLDS for group, place in zip(groups, shuffled, strict=True)}
    scores = np.zeros(len(pairs))
    for number in range(FOLDS):
        # A base of a held-out group may not serve as a negative for the others either.
        seen = [
            pair
            for pair in pairs
            if fold[rows[pair.text].group] != number and fold[rows[pair.base].group] != number
        ]
        model = train(seen, rows)
        for index, pair in enumerate(pairs):
            if fold[rows[pair.text].group] == number:
                scores[index] = model.score(pair.features)
    return Scored(rows, pairs, scores)


def choose_merge(scored: Scored) -> float:
    """The lowest threshold that keeps both kinds of false merges under their limits."""
    own, other = _best_scores(scored)
    lookalikes = np.array([own[text] for text in own if scored.rows[text].kind in LOOKALIKES])
    strangers = np.array(list(other.values()))
    return float(
        max(
            np.quantile(lookalikes, 1 - MAX_LOOKALIKES_MERGED),
            np.quantile(strangers, 1 - MAX_WRONG_GROUP),
        )
        + 1e-4
    )


def choose_suggest(scored: Scored) -> float:
    own, _other = _best_scores(scored)
    duplicates = [own[text] for text in own if scored.rows[text].kind in ("near", "cross")]
    return float(np.quantile(np.array(duplicates), 1 - SUGGESTED_SHARE))


def choose_fuzzy(rows: Sequence[Row], pairs: Sequence[Pair]) -> float:
    """Above every pair of different problems that the guard of contradictions lets through."""
    highest = FUZZY_FLOOR
    for pair in pairs:
        ours, theirs = rows[pair.text].report.text, rows[pair.base].report.text
        if not pair.is_duplicate and not contradicts(facts_of(ours), facts_of(theirs)):
            score = fuzz.token_sort_ratio(normal_form(ours), normal_form(theirs)) / 100
            highest = max(highest, score + FUZZY_MARGIN)
    return round(min(highest, 0.98), 3)


def choose_semantic(rows: Sequence[Row], pairs: Sequence[Pair]) -> dict[str, float]:
    """Cosines that no look-alike reaches, and that nearly all near and cross duplicates do."""
    cosines = {
        kinds: [
            float(_cosine(rows, pair))
            for pair in pairs
            if pair.is_own and rows[pair.text].kind in kinds
        ]
        for kinds in (LOOKALIKES, ("near", "cross"))
    }
    return {
        "merge": round(min(0.99, max(cosines[LOOKALIKES]) + SEMANTIC_MARGIN), 3),
        "suggest": round(float(np.quantile(cosines["near", "cross"], 1 - SUGGESTED_SHARE)), 3),
    }


def figures(scored: Scored, merge: float, suggest: float) -> dict[str, float]:
    """What the live path would do at these thresholds."""
    outcome: dict[str, list[float]] = {}
    for text, ranked in _ranked(scored).items():
        kind = scored.rows[text].kind
        best_score, best_is_own = ranked[0]
        merged = best_score >= merge
        right = merged and best_is_own
        top = [is_own for score, is_own in ranked[:3] if score >= suggest]
        group = kind if kind in DUPLICATES else "lookalikes"
        outcome.setdefault(f"merged_{group}", []).append(right)
        outcome.setdefault(f"suggested_{group}", []).append(right or (not merged and any(top)))
        outcome.setdefault("wrong_group_merged", []).append(merged and not best_is_own)
        # How much noise a person sees: wrong issues offered for a text.
        outcome.setdefault("wrong_suggestions", []).append(float(len(top) - sum(top)))
        if kind in LOOKALIKES:
            outcome.setdefault(f"merged_{kind}", []).append(right)
    return {name: float(np.mean(values)) for name, values in sorted(outcome.items())}


def curve(shuffles: Sequence[Scored]) -> list[dict[str, float]]:
    """Recall of each kind of duplicate by the share of look-alikes merged."""
    points = []
    for rate in CURVE:
        found = []
        for scored in shuffles:
            own, _other = _best_scores(scored)
            lookalikes = [own[text] for text in own if scored.rows[text].kind in LOOKALIKES]
            threshold = float(np.quantile(lookalikes, 1 - rate))
            point = {"lookalikes": rate, "threshold": threshold}
            for kind in [
                kind for kind in DUPLICATES if any(scored.rows[text].kind == kind for text in own)
            ]:
                scores = [own[text] for text in own if scored.rows[text].kind == kind]
                point[kind] = float(np.mean(np.array(scores) >= threshold))
            found.append(point)
        points.append(_mean(found))
    return points


def _best_scores(scored: Scored) -> tuple[dict[int, float], dict[int, float]]:
    """Per text: the score of its own base, and the best of any other."""
    own: dict[int, float] = {}
    other: dict[int, float] = {}
    for pair, score in zip(scored.pairs, scored.scores, strict=True):
        scores = own if pair.is_own else other
        scores[pair.text] = max(scores.get(pair.text, 0.0), float(score))
    return own, other


def _ranked(scored: Scored) -> dict[int, list[tuple[float, bool]]]:
    """Per text: (score, is its own base), best first; only what the search by vector would hand over."""
    ranked: dict[int, list[tuple[float, bool]]] = {}
    for pair, score in zip(scored.pairs, scored.scores, strict=True):
        known = ranked.setdefault(pair.text, [])
        # A base beyond NEAREST was kept for training; a live search would not find it.
        known.append((float(score) if pair.rank < NEAREST else 0.0, pair.is_own))
    for scores in ranked.values():
        scores.sort(key=lambda item: -item[0])
    return ranked


def _mean(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: round(float(np.mean([one[name] for one in found])), 4) for name in found[0]}


def _cosine(rows: Sequence[Row], pair: Pair) -> float:
    features = rows[pair.text].report.vector, rows[pair.base].report.vector
    return (
        float(features[0] @ features[1])
        if features[0] is not None and features[1] is not None
        else 0.0
    )
