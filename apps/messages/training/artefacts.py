"""From labelled messages with vectors to what ships: weights and figures."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
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
    is_alone,
    predict_in_order,
    priority_figures,
    sources_of,
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


def fits(examples: Sequence[Example]) -> int:
    """How often `train` advances: two kinds of two heads in folds, the fast lane, the end."""
    return 4 * FOLDS + int(sources_of(examples).max()) + 2


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
        guesses[kind] = _shares(held_out.category, category)
        between, alone = _priority_temperatures(encoded, held_out.priority)
        temperatures[kind] = {"category": category, "priority": between, "priority_alone": alone}
        shares = CategoryGuess(
            _tempered(held_out.priority.in_context, np.where(is_alone(encoded), alone, between)),
            _tempered(held_out.priority.alone, alone),
        )
        figures[kind] = _held_out_figures(encoded, guesses[kind], shares)
    fast_lane = _fast_lane(encoded, guesses, temperatures, advance)
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
        temperatures[kind] = {"category": category, "priority": 1.0, "priority_alone": 1.0}
        guesses[kind] = _shares(logits, category)
    fast_lane = _fast_lane(encoded, guesses, temperatures)
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


def _fast_lane(
    encoded: Encoded,
    guesses: Mapping[str, CategoryGuess],
    temperatures: Mapping[str, Mapping[str, float]],
    advance: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    folds = sources_of(encoded.examples)
    strange = cross_validate_category(encoded, "blind", advance, folds=folds)
    shares = _shares(strange, temperatures["blind"]["category"])
    return fast_lane_figures(encoded, guesses["blind"].in_context, shares.in_context)


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
    return CategoryGuess(
        _tempered(logits.in_context, temperature), _tempered(logits.alone, temperature)
    )


def _priority_temperatures(encoded: Encoded, logits: CategoryGuess) -> tuple[float, float]:
    """Of the head for what stands between others, and of the one for what stands alone."""
    alone = is_alone(encoded)
    sides = ((logits.in_context, ~alone), (logits.alone, alone))
    between, apart = (
        fit_temperature(side[rows], encoded.priorities[rows]) if rows.any() else 1.0
        for side, rows in sides
    )
    return between, apart


def _tempered(logits: Matrix, temperature: float | npt.NDArray[np.float64]) -> Matrix:
    """Probabilities; one temperature, or one for each row."""
    scale = np.asarray(temperature, np.float32).reshape(-1, 1)
    return softmax(logits / scale)
