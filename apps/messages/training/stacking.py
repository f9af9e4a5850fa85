"""What the trees of chats learn from: what heads that did not know a message said about it and those before it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from apps.messages.classifiers.chat_trees import ChatTrees, seen_by_trees
from apps.messages.classifiers.features import Matrix, dense_features, without_vectors
from apps.messages.classifiers.local import BLIND, softmax
from apps.messages.training.evaluation import decisions, is_alone, splits
from apps.messages.training.fitting import Encoded, Labels, Views, fit_chat_trees


@dataclass(frozen=True)
class Stack:
    """Messages that stand between others, and held-out answers about them; one row for each of `numbers`."""

    encoded: Encoded
    views: Views
    numbers: Labels
    inputs: Matrix

    @classmethod
    def of(cls, encoded: Encoded, views: Views, sight: str) -> Self:
        """`views` are held-out logits of the linear heads for every example."""
        numbers = np.where(~is_alone(encoded))[0]
        decided = decisions(encoded.examples, softmax(views.in_context))
        samples = [decided(encoded.examples[number].sample) for number in numbers]
        if sight == BLIND:
            samples = [without_vectors(sample) for sample in samples]
        dense = dense_features(samples)
        inputs = seen_by_trees(views.in_context[numbers], views.alone[numbers], dense)
        return cls(encoded, views, numbers, inputs)

    def fit(self) -> ChatTrees | None:
        """The trees that ship; None where there is too little to learn from."""
        return self._fit(np.arange(len(self.numbers)))

    def held_out(self, folds: Labels, advance: Callable[[], None] = lambda: None) -> Views:
        """Logits by trees that did not know the message either; where a fold is negative they stay as they were."""
        in_context = self.views.in_context.copy()
        among = folds[self.numbers]
        for learn, test in splits(among):
            trees = self._fit(learn[among[learn] >= 0])
            if trees is not None and len(test):
                in_context[self.numbers[test]] = trees.logits(self.inputs[test])
            advance()
        return replace(self.views, in_context=in_context)

    def _fit(self, rows: Labels) -> ChatTrees | None:
        numbers = self.numbers[rows]
        weights = np.array([self.encoded.examples[number].weight for number in numbers])
        return fit_chat_trees(self.inputs[rows], self.encoded.categories[numbers], weights)
