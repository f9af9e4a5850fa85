"""From a folder of labelled messages to the files that ship: means, weights, figures."""

import hashlib
import json
from collections.abc import Callable, Sequence
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
    Predict,
    category_figures,
    cross_validate,
    fit_temperature,
    predict_in_order,
    priority_figures,
)
from apps.messages.training.fitting import CategoryGuess, Encoded, corpus_hash, fit_model
from tasktracker.lib.embeddings import CENTRED, centre
from tasktracker.lib.text import language_of

EMBEDDED_AT_ONCE = 32

Advance = Callable[[int], None]
EmbedRaw = Callable[[Sequence[str]], Matrix]


@dataclass(frozen=True)
class Artefacts:
    """What training makes."""

    means: dict[str, Vector]
    backend: str
    model: LinearModel
    figures: dict[str, Any]

    def write(self, *, means: Path, weights: Path, figures: Path) -> None:
        np.savez_compressed(means, allow_pickle=False, model=np.array(self.backend), **self.means)
        np.savez_compressed(weights, allow_pickle=False, **self.model.arrays())
        figures.write_text(json.dumps(self.figures, indent=1) + "\n", encoding="utf-8")


def raw_vectors(
    texts: Sequence[str], backend: str, embed_raw: EmbedRaw, cache: Path, advance: Advance
) -> dict[str, Vector]:
    """The model's own vectors by text. `cache` keeps them: embedding is most of the training time."""
    kept = _read_cache(cache, backend)
    missing = [text for text in texts if _key(text) not in kept]
    advance(len(texts) - len(missing))
    for start in range(0, len(missing), EMBEDDED_AT_ONCE):
        batch = missing[start : start + EMBEDDED_AT_ONCE]
        kept.update(zip(map(_key, batch), embed_raw(batch), strict=True))
        advance(len(batch))
    if missing:
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            cache,
            allow_pickle=False,
            backend=np.array(backend),
            keys=np.array(list(kept)),
            vectors=np.stack(list(kept.values())),
        )
    return {text: kept[_key(text)] for text in texts}


def language_means(vectors: dict[str, Vector]) -> dict[str, Vector]:
    """The mean raw vector of each language; each text counts once."""
    means: dict[str, Vector] = {}
    for language in ("uk", "en"):
        chosen = [vector for text, vector in vectors.items() if language_of(text) == language]
        mean: Vector = np.stack(chosen).mean(axis=0, dtype=np.float64).astype(np.float32)
        means[language] = mean
    return means


def centred(vectors: dict[str, Vector], means: dict[str, Vector]) -> dict[str, Vector]:
    """What `embed` will answer for these texts once the means are in place."""
    texts = list(vectors)
    rows = centre(np.stack(list(vectors.values())), texts, means)
    return dict(zip(texts, rows, strict=True))


def train(
    examples: Sequence[Example],
    raw: dict[str, Vector],
    backend: str,
    advance: Callable[[], None] = lambda: None,
) -> Artefacts:
    """Means, then features, then cross-validation and its temperatures, then the final weights."""
    means = language_means(raw)
    encoded = Encoded.of(with_vectors(examples, centred(raw, means)))
    guesses, temperatures, figures = {}, {}, {}
    for kind in ("seeing", "blind"):
        held_out = cross_validate(encoded, kind, advance)
        category = fit_temperature(held_out.category.in_context, encoded.categories)
        priority = fit_temperature(held_out.priority.in_context, encoded.priorities)
        temperatures[kind] = {"category": category, "priority": priority}
        guesses[kind] = _shares(held_out.category, category)
        shares = _shares(held_out.priority, priority)
        figures[kind] = _held_out_figures(encoded, guesses[kind], shares)
    model = fit_model(encoded, guesses, f"{backend}+{CENTRED}", temperatures)
    advance()
    return Artefacts(means, backend, model, _card(encoded, model, temperatures, figures))


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
    is_conversation = np.array([example.is_conversation for example in encoded.examples])
    views = (
        ("single messages", ~is_conversation, "alone"),
        ("conversations", is_conversation, "in_context"),
        ("conversations without context", is_conversation, "alone"),
    )
    figures = {}
    for name, chosen, view in views:
        if not chosen.any():
            continue
        texts = [encoded.examples[number].sample.text for number in np.where(chosen)[0]]
        figures[name] = {
            "category": category_figures(
                encoded.categories[chosen], getattr(categories, view)[chosen], texts
            ),
            "priority": priority_figures(
                encoded.priorities[chosen], getattr(priorities, view)[chosen]
            ),
        }
    return figures


def _card(
    encoded: Encoded,
    model: LinearModel,
    temperatures: dict[str, dict[str, float]],
    figures: dict[str, Any],
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
        "cross_validated": figures,
    }


def _shares(logits: CategoryGuess, temperature: float) -> CategoryGuess:
    scale = np.float32(temperature)
    return CategoryGuess(softmax(logits.in_context / scale), softmax(logits.alone / scale))


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read_cache(cache: Path, backend: str) -> dict[str, Vector]:
    if not cache.exists():
        return {}
    with np.load(cache, allow_pickle=False) as stored:
        if str(stored["backend"]) != backend:
            return {}
        return dict(zip(map(str, stored["keys"]), stored["vectors"], strict=True))
