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
from apps.messages.classifiers.local import ALONE, BLIND, SEEING, LinearModel, softmax
from apps.messages.training.corpus import STRANGERS, Example, with_vectors
from apps.messages.training.evaluation import (
    FOLDS,
    Mask,
    Predict,
    category_figures,
    cross_validate_category,
    cross_validate_priority,
    fast_lane_figures,
    fit_temperatures,
    folds_of,
    is_alone,
    predict_in_order,
    priority_figures,
    sources_of,
)
from apps.messages.training.fitting import Encoded, Labels, Views, corpus_hash, fit_model
from apps.messages.training.stacking import Stack


@dataclass(frozen=True)
class Artefacts:
    """What training makes."""

    model: LinearModel
    figures: dict[str, Any]

    def write(self, *, weights: Path, figures: Path) -> None:
        np.savez_compressed(weights, allow_pickle=False, **self.model.arrays())
        figures.write_text(json.dumps(self.figures, indent=1) + "\n", encoding="utf-8")


def fits(examples: Sequence[Example]) -> int:
    """How often `train` advances: with and without vectors two heads and the trees, the fast lane, the end."""
    sources = int(sources_of(examples).max()) + 1
    return 2 * (3 * FOLDS + 1) + (2 * sources if sources > 1 else 0) + 1


def train(
    examples: Sequence[Example],
    vectors: Mapping[str, Vector],
    embedding_model: str,
    advance: Callable[[], None] = lambda: None,
) -> Artefacts:
    """Cross-validation, its temperatures and figures, then the weights from all examples."""
    encoded = Encoded.of(with_vectors(examples, vectors))
    folds = folds_of(encoded.examples)
    guesses, chats, temperatures, figures = {}, {}, {}, {}
    for sight in (SEEING, BLIND):
        stack = Stack.of(encoded, cross_validate_category(encoded, sight, advance), sight, folds)
        said = stack.held_out(advance)
        urgent = cross_validate_priority(encoded, sight, said, advance)
        chats[sight] = stack.fit()
        advance()
        category, of_category = _calibrated(encoded, said, encoded.categories)
        priority, of_priority = _calibrated(encoded, urgent, encoded.priorities)
        guesses[sight] = category
        figures[sight] = _held_out_figures(encoded, category, priority)
        for place in ("", ALONE):
            heads = {"category": of_category[place], "priority": of_priority[place]}
            temperatures[sight + place] = heads
    fast_lane = _fast_lane(encoded, guesses[BLIND], temperatures, advance)
    model = fit_model(encoded, guesses, embedding_model, chats, temperatures, fast_lane["from"])
    advance()
    return Artefacts(model, _card(encoded, model, temperatures, figures, fast_lane))


def learn(examples: Sequence[Example], embedding_model: str) -> LinearModel:
    """The weights alone, from examples that carry their vectors."""
    encoded = Encoded.of(examples)
    folds = folds_of(encoded.examples)
    guesses, chats, temperatures = {}, {}, {}
    for sight in (SEEING, BLIND):
        stack = Stack.of(encoded, cross_validate_category(encoded, sight), sight, folds)
        said = stack.held_out()
        guesses[sight], of_category = _calibrated(encoded, said, encoded.categories)
        chats[sight] = stack.fit()
        for place, temperature in of_category.items():
            temperatures[sight + place] = {"category": temperature, "priority": 1.0}
    fast_lane = _fast_lane(encoded, guesses[BLIND], temperatures)
    return fit_model(encoded, guesses, embedding_model, chats, temperatures, fast_lane["from"])


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
    known: Views,
    temperatures: Mapping[str, Mapping[str, float]],
    advance: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Where it opens, by each source of chats as the training without that source sees it.

    The trees of this training know the chats of other sources only.
    """
    folds = sources_of(encoded.examples)
    if folds.max() < 1:  # nobody else to learn from
        return fast_lane_figures(encoded, known.in_context, known.in_context)
    linear = cross_validate_category(encoded, BLIND, advance, folds=folds)
    strange = Stack.of(encoded, linear, BLIND, folds).held_out(advance)
    shares = _tempered(strange.in_context, temperatures[BLIND]["category"])
    return fast_lane_figures(encoded, known.in_context, shares)


def _held_out_figures(encoded: Encoded, categories: Views, priorities: Views) -> dict[str, Any]:
    """Figures of the single messages and the conversations, and of each author's part of them."""
    is_single = np.array([not example.is_conversation for example in encoded.examples])
    in_chat = np.array([example.is_team_chat for example in encoded.examples])
    sources = np.array([example.source for example in encoded.examples])
    views = [
        ("single messages", is_single, "alone"),
        ("conversations", in_chat, "in_context"),
        ("conversations without context", in_chat, "alone"),
        ("strangers alone", sources == STRANGERS, "alone"),
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


def _calibrated(encoded: Encoded, logits: Views, answers: Labels) -> tuple[Views, dict[str, float]]:
    """Probabilities, and the temperatures between others ("") and ALONE."""
    between, alone = fit_temperatures(encoded, logits, answers)
    in_place = np.where(is_alone(encoded), alone, between)
    shares = Views(_tempered(logits.in_context, in_place), _tempered(logits.alone, alone))
    return shares, {"": between, ALONE: alone}


def _tempered(logits: Matrix, temperature: float | npt.NDArray[np.float64]) -> Matrix:
    """Probabilities; one temperature, or one for each row."""
    scale = np.asarray(temperature, np.float32).reshape(-1, 1)
    return softmax(logits / scale)
