"""Gradient-boosted trees as plain arrays: scikit-learn grows them, nothing but numpy reads them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float64]  # shape (rows, features); NaN is a feature that is not known
Nodes = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, eq=False)
class Trees:
    """Nodes of all trees one after the other; a leaf has no `left`. `value` is the expectation below a node."""

    intercept: float
    roots: npt.NDArray[np.int32]  # shape (trees,)
    feature: npt.NDArray[np.int16]
    threshold: npt.NDArray[np.float64]
    left: npt.NDArray[np.int32]  # -1 in a leaf
    right: npt.NDArray[np.int32]
    missing_left: npt.NDArray[np.bool_]
    value: npt.NDArray[np.float32]

    def log_odds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Shape (rows,)."""
        reached = np.tile(self.roots, len(rows))
        for place, _node, below in self._steps(rows):
            reached[place] = below
        values = self.value[reached].reshape(len(rows), len(self.roots))
        return np.asarray(values.astype(np.float64).sum(axis=1) + self.intercept)

    def contributions(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Shape of `rows`: how far each feature moved a row's log-odds on its way down (Saabas 2014)."""
        moved = np.zeros(rows.size)
        for place, node, below in self._steps(rows):
            cell = place // len(self.roots) * rows.shape[1] + self.feature[node]
            moved += np.bincount(cell, self.value[below] - self.value[node], rows.size)
        return moved.reshape(rows.shape)

    def _steps(self, rows: Rows) -> Iterator[tuple[Nodes, Nodes, Nodes]]:
        """Level by level of all ways that have not ended: the way (row by row, its trees), from where, to where."""
        place = np.arange(len(rows) * len(self.roots))
        node = np.tile(self.roots, len(rows))
        while True:
            is_inner = self.left[node] >= 0
            place, node = place[is_inner], node[is_inner]
            if not len(place):
                return
            seen = rows[place // len(self.roots), self.feature[node]]
            goes_left = seen <= self.threshold[node]
            goes_left |= np.isnan(seen) & self.missing_left[node]
            below = np.where(goes_left, self.left[node], self.right[node])
            yield place, node, below
            node = below

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        """What is stored in an artefact, under names that begin with `prefix`."""
        return {
            f"{prefix}_{field.name}": np.array(getattr(self, field.name)) for field in fields(self)
        }

    @classmethod
    def from_arrays(cls, prefix: str, stored: Mapping[str, npt.NDArray[Any]]) -> Self:
        arrays: dict[str, Any] = {
            field.name: stored[f"{prefix}_{field.name}"] for field in fields(cls)
        }
        return cls(**{**arrays, "intercept": float(arrays["intercept"])})


def trees_of(model: Any, place: int = 0) -> Trees:
    """What a fitted HistGradientBoostingClassifier asks, of the class in this `place` when there are more than two.

    Nodes come one tree after the other, with the expectation below each inner node.
    """
    # There is no public way to the nodes; the version is pinned and tests compare the answers.
    nodes = [stage[place].nodes for stage in model._predictors]  # noqa: SLF001
    starts = np.cumsum([0, *(len(tree) for tree in nodes)])[:-1]
    joined = np.concatenate(nodes)
    shift = np.repeat(starts, [len(tree) for tree in nodes])
    is_leaf = joined["is_leaf"].astype(bool)
    return Trees(
        intercept=float(np.ravel(model._baseline_prediction)[place]),  # noqa: SLF001
        roots=starts.astype(np.int32),
        feature=np.where(is_leaf, -1, joined["feature_idx"]).astype(np.int16),
        threshold=np.where(is_leaf, 0.0, joined["num_threshold"]).astype(np.float64),
        left=np.where(is_leaf, -1, joined["left"] + shift).astype(np.int32),
        right=np.where(is_leaf, -1, joined["right"] + shift).astype(np.int32),
        missing_left=joined["missing_go_to_left"].astype(bool),
        value=np.concatenate([_expectations(tree) for tree in nodes]).astype(np.float32),
    )


def _expectations(tree: npt.NDArray[np.void]) -> npt.NDArray[np.float64]:
    """A node's children come after it, so the last node is ready first."""
    values = tree["value"].astype(np.float64)
    for place in range(len(tree) - 1, -1, -1):
        node = tree[place]
        if not node["is_leaf"]:
            left, right = int(node["left"]), int(node["right"])
            counts = float(tree[left]["count"]), float(tree[right]["count"])
            values[place] = (values[left] * counts[0] + values[right] * counts[1]) / sum(counts)
    return values
