"""The last word on a line among others: boosted trees over what the linear heads say and how the chat goes.

A linear head adds up what each word, neighbour and gap says by itself; trees see what they mean together
(stacked generalisation, Wolpert 1992).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from apps.messages.classifiers.base import CATEGORIES
from apps.messages.classifiers.features import CHAT_COLUMNS, Matrix
from tasktracker.lib.trees import Trees

LEAST = -9.2  # log-share; what is less likely is all the same


@dataclass(frozen=True)
class ChatTrees:
    """Trees for each of CATEGORIES."""

    by_category: tuple[Trees, ...]

    def logits(self, inputs: Matrix) -> Matrix:
        """Shape (rows, 4), from what `seen_by_trees` gives."""
        rows = inputs.astype(np.float64)
        return np.stack([trees.log_odds(rows) for trees in self.by_category], 1).astype(np.float32)

    def arrays(self, prefix: str) -> dict[str, npt.NDArray[Any]]:
        stored: dict[str, npt.NDArray[Any]] = {}
        for name, trees in zip(CATEGORIES, self.by_category, strict=True):
            stored |= trees.arrays(f"{prefix}_{name}")
        return stored

    @classmethod
    def from_arrays(cls, prefix: str, stored: Mapping[str, npt.NDArray[Any]]) -> Self | None:
        """None where the artefact has none."""
        if f"{prefix}_{CATEGORIES[0]}_roots" not in stored:
            return None
        return cls(tuple(Trees.from_arrays(f"{prefix}_{name}", stored) for name in CATEGORIES))


def seen_by_trees(between: Matrix, alone: Matrix, dense: Matrix) -> Matrix:
    """The inputs of the trees: the logits of the head for chats and of the one for single messages, both of
    shape (rows, 4), and the dense features."""
    return np.hstack([_log_shares(between), _log_shares(alone), dense[:, CHAT_COLUMNS]])


def _log_shares(logits: Matrix) -> Matrix:
    shifted = logits - logits.max(axis=1, keepdims=True)
    shares: Matrix = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.maximum(shares, np.float32(LEAST))
