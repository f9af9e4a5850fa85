"""What the trees of chats learn from: what heads that did not know a message said about it and those before it.

As in any stacking without a second cross-validation, the heads that answered about what trees learn from knew the
messages that these trees are asked about: held-out answers are of strange messages, but a little too good.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from apps.messages.classifiers.chat_trees import ChatTrees, seen_by_trees
from apps.messages.classifiers.features import Matrix, dense_features, without_vectors
from apps.messages.classifiers.local import BLIND, softmax
from apps.messages.training.evaluation import decisions, is_alone
from apps.messages.training.fitting import (
    Encoded,
    Labels,
    Views,
    are_enough_for_trees,
    fit_chat_trees,
)


@dataclass(frozen=True)
class Stack:
    """Messages that stand between others, and held-out answers about them; one row for each of `numbers`."""

    views: Views
    numbers: Labels
    folds: Labels
    inputs: Matrix
    answers: Labels
    weights: npt.NDArray[np.float64]

    @classmethod
    def of(cls, encoded: Encoded, views: Views, sight: str, folds: Labels) -> Self:
        """`views` are logits of linear heads that did not know the fold; negative folds have none and teach nothing."""
        numbers = np.where(~is_alone(encoded))[0]
        beside = decisions(encoded.examples, softmax(views.in_context))
        samples = [beside(encoded.examples[number]) for number in numbers]
        if sight == BLIND:
            samples = [without_vectors(sample) for sample in samples]
        dense = dense_features(samples)
        inputs = seen_by_trees(views.in_context[numbers], views.alone[numbers], dense)
        weights = np.array([encoded.examples[number].weight for number in numbers])
        return cls(views, numbers, folds[numbers], inputs, encoded.categories[numbers], weights)

    def fit(self) -> ChatTrees | None:
        """The trees that ship; None where there is too little to learn from."""
        return self._fit(self.folds >= 0) if self._are_enough() else None

    def held_out(self, advance: Callable[[], None] = lambda: None) -> Views:
        """Logits by trees that did not learn from the fold either; the rest stays as it was."""
        in_context = self.views.in_context.copy()
        are_enough = self._are_enough()
        for fold in range(self.folds.max(initial=-1) + 1):
            asked = self.folds == fold
            if are_enough and asked.any():
                trees = self._fit((self.folds >= 0) & ~asked)
                in_context[self.numbers[asked]] = trees.logits(self.inputs[asked])
            advance()
        return replace(self.views, in_context=in_context)

    def _fit(self, chosen: npt.NDArray[np.bool_]) -> ChatTrees:
        return fit_chat_trees(self.inputs[chosen], self.answers[chosen], self.weights[chosen])

    def _are_enough(self) -> bool:
        """Whether every fold can be answered by trees of the others; else there are no trees at all."""
        known = self.folds >= 0
        return bool(known.any()) and all(
            are_enough_for_trees(self.answers[known & (self.folds != fold)])
            for fold in np.unique(self.folds[known])
        )
