"""Fits the judge's weights: logistic regression in which each weight keeps its permitted direction."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from apps.issues.dedup.corpus import DUPLICATES, Row
from apps.issues.dedup.features import DIRECTIONS, NAMES, features_of
from apps.issues.dedup.judge import PairModel

#: Bases that one text is compared with: what the search by vector hands to the judge.
NEAREST = 12
#: Of those, so many of other groups are examples for training.
TRAINED_NEAREST = 4
STRENGTH = 0.3  # inverse of the regularisation, on standardised features
#: `para` and `cross2` were written to be far from their base: they must not teach that far is near.
IMPORTANCE = {"para": 0.1, "cross2": 0.3}
#: In the shipped pairs nearly only look-alikes repeat the first words of their base; people do it too,
#: so this may cost an automatic merge, not the suggestion.
FLOORS = {"same_opening_other_facts": -16.0}

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """A text against one base, as the judge sees it."""

    text: int  # index of the row
    base: int
    is_own: bool  # the base of the same group
    is_duplicate: bool
    rank: int  # 0 for the nearest base by cosine
    features: tuple[float, ...]


def pairs_of(rows: Sequence[Row]) -> list[Pair]:
    """Each text against its own base and the nearest others."""
    bases = [index for index, row in enumerate(rows) if row.kind == "base"]
    vectors = np.stack([_vector(row) for row in rows])
    pairs = []
    for index, row in enumerate(rows):
        if row.kind == "base":
            continue
        similar = vectors[bases] @ vectors[index]
        order = np.argsort(-similar, kind="stable")
        for rank, position in enumerate(order):
            base = bases[position]
            is_own = rows[base].group == row.group
            if rank >= NEAREST and not is_own:
                continue
            rival = float(similar[order[1] if rank == 0 else order[0]])
            features = features_of(row.report, rows[base].report, float(similar[position]), rival)
            is_duplicate = is_own and row.kind in DUPLICATES
            pairs.append(Pair(index, base, is_own, is_duplicate, rank, tuple(features)))
    return pairs


def train(pairs: Sequence[Pair], rows: Sequence[Row]) -> PairModel:
    """The model for `pairs`; the same pairs give the same model."""
    used = [pair for pair in pairs if pair.is_own or pair.rank <= TRAINED_NEAREST]
    features = np.array([pair.features for pair in used])
    signs = np.array([1.0 if pair.is_duplicate else -1.0 for pair in used])
    importance = np.array(
        [IMPORTANCE.get(rows[pair.text].kind, 1.0) if pair.is_own else 1.0 for pair in used]
    )
    means, spreads = features.mean(axis=0), features.std(axis=0) + 1e-6
    floors = [
        FLOORS[name] * spread if name in FLOORS else None
        for name, spread in zip(NAMES, spreads, strict=True)
    ]
    weights = _fit((features - means) / spreads, signs, importance, floors)
    slopes = weights[1:] / spreads
    return PairModel(
        intercept=round(float(weights[0] - slopes @ means), 5),
        weights={name: round(float(slope), 5) for name, slope in zip(NAMES, slopes, strict=True)},
        means={name: round(float(mean), 5) for name, mean in zip(NAMES, means, strict=True)},
    )


def _fit(features: Array, signs: Array, importance: Array, floors: Sequence[float | None]) -> Array:
    """Intercept and weights that minimise the regularised log loss within their bounds."""
    from scipy.optimize import minimize

    def loss(weights: Array) -> tuple[float, Array]:
        margin = signs * (features @ weights[1:] + weights[0])
        pull = -importance * signs / (1 + np.exp(np.clip(margin, -40, 40)))
        value = (importance * np.logaddexp(0, -margin)).sum() + (weights[1:] ** 2).sum() / (
            2 * STRENGTH
        )
        gradient = np.concatenate([[pull.sum()], features.T @ pull + weights[1:] / STRENGTH])
        return float(value), gradient

    bounds: list[tuple[float | None, float | None]] = [(None, None)]
    for name, floor in zip(NAMES, floors, strict=True):
        lowest = 0.0 if DIRECTIONS[name] > 0 else floor
        bounds.append((lowest, 0.0 if DIRECTIONS[name] < 0 else None))
    found = minimize(
        loss,
        np.zeros(len(NAMES) + 1),
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"maxiter": 2000},
    )
    return np.asarray(found.x)


def _vector(row: Row) -> npt.NDArray[np.float32]:
    if row.report.vector is None:
        raise ValueError("the judge is trained on vectors")
    return row.report.vector
