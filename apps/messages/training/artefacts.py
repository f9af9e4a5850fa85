"""From labelled messages with vectors to what ships: weights and figures."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sklearn

from apps.messages.classifiers.base import CATEGORIES, PRIORITIES, Vector
from apps.messages.classifiers.features import FEATURES_VERSION, Matrix
from apps.messages.classifiers.local import LinearModel, softmax
from apps.messages.training.corpus import Example, with_vectors
from apps.messages.training.evaluation import (
    FOLDS,
    Mask,
    Predict,
    category_figures,
    cross_validate,
    cross_validate_category,
    fast_lane_figures,
    fit_temperature,
    predict_in_order,
    priority_figures,
)
from apps.messages.training.fitting import CategoryGuess, Encoded, corpus_hash, fit_model


@dataclass(frozen=True)
class Artefacts:
    """What training makes."""

    model: LinearModel
    figures: dict[str, Any]

    def write(self, *, weights: Path, figures: Path) -> None:
        np.savez_compressed(weights, allow_pickle=False, **self.model.arrays())
        figures.write_text(json.dumps(self.figures, indent=1) + "\n", encoding="utf-8")


def train(
    examples: Sequence[Example],
    vectors: Mapping[str, Vector],
    embedding_model: str,
    advance: Callable[[], None] = lambda: None,
) -> Artefacts:
    """Cross-validation, its temperatures and figures, then the weights from all examples."""
    encoded = Encoded.of(with_vectors(examples, vectors))
    guesses, temperatures, figures = {}, {}, {}
    for kind in ("seeing", "blind"):
        held_out = cross_validate(encoded, kind, advance)
        category = fit_temperature(held_out.category.in_context, encoded.categories)
        priority = fit_temperature(held_out.priority.in_context, encoded.priorities)
        temperatures[kind] = {"category": category, "priority": priority}
        guesses[kind] = _shares(held_out.category, category)
        shares = _shares(held_out.priority, priority)
        figures[kind] = _held_out_figures(encoded, guesses[kind], shares)
    fast_lane = fast_lane_figures(encoded, guesses["blind"].in_context)
    model = fit_model(encoded, guesses, embedding_model, temperatures, fast_lane["from"])
    advance()
    return Artefacts(model, _card(encoded, model, temperatures, figures, fast_lane))


def learn(examples: Sequence[Example], embedding_model: str) -> LinearModel:
    """The weights alone, from examples that carry their vectors."""
    encoded = Encoded.of(examples)
    guesses, temperatures = {}, {}
    for kind in ("seeing", "blind"):
        logits = cross_validate_category(encoded, kind)
        category = fit_temperature(logits.in_context, encoded.categories)
        temperatures[kind] = {"category": category, "priority": 1.0}
        guesses[kind] = _shares(logits, category)
    fast_lane = fast_lane_figures(encoded, guesses["blind"].in_context)
    return fit_model(encoded, guesses, embedding_model, temperatures, fast_lane["from"])


def report_on(examples: Sequence[Example], predict: Predict) -> dict[str, Any]:
    """Figures on messages that were not trained on, conversations read in their order."""
    categories, priorities = predict_in_order(examples, predict)
    encoded = Encoded.of(examples)
    texts = [example.sample.text for example in examples]
    return {
        "category": category_figures(encoded.categories, categories, texts),
        "priority": priority_figures(encoded.priorities, priorities),
    }


def _held_out_figures(
    encoded: Encoded, categories: CategoryGuess, priorities: CategoryGuess
) -> dict[str, Any]:
    """Figures of the single messages and the conversations, and of each author's part of them."""
    is_conversation = np.array([example.is_conversation for example in encoded.examples])
    sources = np.array([example.source for example in encoded.examples])
    views = [
        ("single messages", ~is_conversation, "alone"),
        ("conversations", is_conversation, "in_context"),
        ("conversations without context", is_conversation, "alone"),
    ]
    views += [
        (f"source {source}", sources == source, "in_context") for source in sorted(set(sources))
    ]
    return {
        name: _figures_of(encoded, chosen, getattr(categories, view), getattr(priorities, view))
        for name, chosen, view in views
        if chosen.any()
    }


def _figures_of(
    encoded: Encoded, chosen: Mask, categories: Matrix, priorities: Matrix
) -> dict[str, Any]:
    texts = [encoded.examples[number].sample.text for number in np.where(chosen)[0]]
    return {
        "category": category_figures(encoded.categories[chosen], categories[chosen], texts),
        "priority": priority_figures(encoded.priorities[chosen], priorities[chosen]),
    }


def _card(
    encoded: Encoded,
    model: LinearModel,
    temperatures: dict[str, dict[str, float]],
    figures: dict[str, Any],
    fast_lane: dict[str, float],
) -> dict[str, Any]:
    return {
        "version": model.version,
        "features_version": FEATURES_VERSION,
        "embedding_model": model.embedding_model,
        "scikit_learn": sklearn.__version__,
        "corpus": {
            "messages": len(encoded.examples),
            "in_conversations": sum(example.is_conversation for example in encoded.examples),
            "sha256": corpus_hash(encoded.examples),
        },
        "categories": list(CATEGORIES),
        "priorities": list(PRIORITIES),
        "folds": FOLDS,
        "temperatures": temperatures,
        "fast_lane": fast_lane,
        "cross_validated": figures,
    }


def _shares(logits: CategoryGuess, temperature: float) -> CategoryGuess:
    scale = np.float32(temperature)
    return CategoryGuess(softmax(logits.in_context / scale), softmax(logits.alone / scale))
