"""Judges texts of which no conversation is known: one part for two of one language, one for two of different ones.

What tells the same problem from one in the same words differs: in one language nearly all words of a
repeat are the same, across languages no word is.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from apps.issues.dedup.scene import NAMES
from tasktracker.lib.trees import Rows, Trees

_IS_OTHER_LANGUAGE = NAMES.index("is_other_language")


@dataclass(frozen=True, eq=False)
class Texts:
    same_language: Trees
    other_language: Trees

    def log_odds(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Shape (rows,)."""
        same, other = self.same_language.log_odds(rows), self.other_language.log_odds(rows)
        return np.where(of_other_language(rows), other, same)

    def contributions(self, rows: Rows) -> npt.NDArray[np.float64]:
        """Shape of `rows`: how far each feature moved a row's log-odds."""
        same = self.same_language.contributions(rows)
        other = self.other_language.contributions(rows)
        return np.where(of_other_language(rows)[:, None], other, same)

    def raised(self, same: float, other: float) -> "Texts":
        """With so much more log-odds for every pair of the one kind and of the other."""
        return Texts(
            replace(self.same_language, intercept=self.same_language.intercept + same),
            replace(self.other_language, intercept=self.other_language.intercept + other),
        )


def of_other_language(rows: Rows) -> npt.NDArray[np.bool_]:
    """Shape (rows,): which of these compare texts in two languages."""
    return np.asarray(rows[:, _IS_OTHER_LANGUAGE] > 0)
