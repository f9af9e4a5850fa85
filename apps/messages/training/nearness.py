"""How near two texts must be to mean the same: what `memory` and `split` take their limits from."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from apps.messages.classifiers.base import Vector
from apps.messages.classifiers.features import Matrix
from apps.messages.training.corpus import Example

LIMITS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
KINDS = ("near", "hard_negative")


class Nearness(NamedTuple):
    """Shares of pairs that are at least `limit` near."""

    limit: float
    near: float  # a report said again in other words
    look_alike: float  # another problem in nearly the same words
    unrelated: float  # two reports of different groups
    pairs: int  # of the classifier's corpus that are so near, and
    same_category: float  # how many of them have one category
    same_priority: float


class Said(NamedTuple):
    """One text of the duplicates' corpus."""

    group: str
    kind: str
    text: str


def read_pairs(folder: Path) -> list[Said]:
    rows = []
    for path in sorted(folder.glob("dup_pairs*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            rows.append(Said(row["group_id"], row["kind"], row["text"]))
    return rows


def measure(
    said: Sequence[Said],
    examples: Sequence[Example],
    vectors: Mapping[str, Vector],
    *,
    at_least_words: int,
) -> list[Nearness]:
    """One row per limit; of the corpus only texts that are long enough to stand alone."""
    bases = {row.group: vectors[row.text] for row in said if row.kind == "base"}
    own = {
        kind: np.array([vectors[row.text] @ bases[row.group] for row in said if row.kind == kind])
        for kind in KINDS
    }
    unrelated = _upper(np.stack(list(bases.values())))
    long_enough = [e for e in examples if len(e.sample.text.split()) >= at_least_words]
    corpus = _upper(np.stack([vectors[e.sample.text] for e in long_enough]))
    same = {
        field: _upper_equal([getattr(e, field) for e in long_enough])
        for field in ("category", "priority")
    }
    table = []
    for limit in LIMITS:
        is_near = corpus >= limit
        table.append(
            Nearness(
                limit,
                float((own["near"] >= limit).mean()),
                float((own["hard_negative"] >= limit).mean()),
                float((unrelated >= limit).mean()),
                int(is_near.sum()),
                *(float(equal[is_near].mean()) for equal in same.values()),
            )
        )
    return table


def _upper(rows: Matrix) -> Matrix:
    similar: Matrix = (rows @ rows.T)[np.triu_indices(len(rows), 1)]
    return similar


def _upper_equal(labels: Sequence[str]) -> np.ndarray:
    values = np.unique(labels, return_inverse=True)[1]
    first, second = np.triu_indices(len(labels), 1)
    return np.asarray(values[first] == values[second])
