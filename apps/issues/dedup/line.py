"""Logistic regression as plain numbers: for texts of which no conversation is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Line:
    """`weights` and the average features `means` have the shape (features,); features after those are not read."""

    intercept: float
    weights: npt.NDArray[np.float64]
    means: npt.NDArray[np.float64]

    def log_odds(self, rows: Rows) -> npt.NDArray[np.float64]:
        return np.asarray(rows[:, : len(self.weights)] @ self.weights + self.intercept)

    def contributions(self, row: Sequence[float]) -> npt.NDArray[np.float64]:
        """How far each feature moved the log-odds from those of the average pair."""
        return np.asarray((np.asarray(row)[: len(self.weights)] - self.means) * self.weights)
