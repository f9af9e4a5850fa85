"""Gradient-boosted trees as plain arrays: scikit-learn grows them, nothing but numpy reads them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float64]  # shape (rows, features); NaN is a feature that is not known


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
        node = np.repeat(self.roots[None, :], len(rows), axis=0)
        while True:
            inner = self.left[node] >= 0
            if not inner.any():
                total = self.value[node].astype(np.float64).sum(axis=1)
                return np.asarray(total + self.intercept)
            node = np.where(inner, self._next(rows, node), node)

    def contributions(self, row: Sequence[float]) -> npt.NDArray[np.float64]:
        """How far each feature moved the log-odds of one row on its way down (Saabas 2014)."""
        rows = np.asarray([row], np.float64)
        node = self.roots[None, :]
        moved = np.zeros(rows.shape[1])
        while (self.left[node] >= 0).any():
            inner = self.left[node] >= 0
            below = np.where(inner, self._next(rows, node), node)
            np.add.at(
                moved, self.feature[node][inner], (self.value[below] - self.value[node])[inner]
            )
            node = below
        return moved

    def _next(self, rows: Rows, node: npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
        feature = np.maximum(self.feature[node], 0)
        seen = np.take_along_axis(rows, feature.astype(np.int64), axis=1)
        unknown = np.isnan(seen)
        goes_left = np.where(unknown, self.missing_left[node], seen <= self.threshold[node])
        return np.where(goes_left, self.left[node], self.right[node])
