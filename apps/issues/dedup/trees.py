"""Gradient-boosted trees as plain arrays: scikit-learn grows them, nothing but numpy reads them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

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
