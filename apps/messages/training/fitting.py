"""Examples in, weights out. One seed, one order of rows: the same examples give the same weights."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from sklearn.linear_model import LogisticRegression

from apps.messages.classifiers.base import CATEGORIES, PRIORITIES, Neighbour, Sample
from apps.messages.classifiers.conversation import REPORTS, change_neighbours
from apps.messages.classifiers.features import (
    FEATURES_VERSION,
    TERM_WEIGHT,
    VECTOR_WEIGHT,
    Matrix,
    dense_features,
    term_counts,
    weigh_terms,
    without_vectors,
)
from apps.messages.classifiers.local import (
    CATEGORY_WEIGHT,
    HEADS,
    Head,
    Heads,
    LinearModel,
    with_category,
)
from apps.messages.training.corpus import Example, without_context

Labels = npt.NDArray[np.intp]

SEED = 20260801
REGULARISATION = {
    "seeing": {"category": 0.15, "priority": 0.05, "priority_alone": 0.02},
    "blind": {"category": 0.3, "priority": 0.1, "priority_alone": 0.04},
}
#: What a neighbour was decided to be is sometimes unknown and sometimes wrong: learn it so.
UNKNOWN_SHARE = 0.4
WRONG_SHARE = 0.15
#: How much a message of a conversation counts when it is shown undecided, and without its context.
#: Without it, it counts less: what stands alone is not chatter as often as what stands in a chat.
UNDECIDED_WEIGHT = 0.5
ALONE_WEIGHT = 0.2
#: Short, calm messages about something terrible are rare in the corpus and must not be missed.
CRITICAL_BUG_WEIGHT = 2.0
#: A report among much chatter; also finds more in chats of people that training does not know.
REPORT_WEIGHT = 1.5
#: How much the sources count for the priority of what stands alone, where hands differ most.
ALONE_PRIORITY_WEIGHTS = {"singles": 0.3, "strangers": 0.3}


@dataclass(frozen=True)
class Row:
    """One way to show an example to the model: with its whole context, with less, or with none."""

    example: int
    sample: Sample
    weight: float
    has_context: bool


@dataclass(frozen=True)
class Encoded:
    """The examples' right answers and n-grams, computed once for all folds and heads."""

    examples: Sequence[Example]
    categories: Labels
    priorities: Labels
    counts: csr_matrix

    @classmethod
    def of(cls, examples: Sequence[Example]) -> "Encoded":
        return cls(
            examples,
            np.array([CATEGORIES.index(example.category) for example in examples]),
            np.array([PRIORITIES.index(example.priority) for example in examples]),
            term_counts([example.sample.text for example in examples]),
        )


@dataclass(frozen=True)
class CategoryGuess:
    """Probabilities of each example's categories by a model that did not see it."""

    in_context: Matrix
    alone: Matrix


def fit_model(
    encoded: Encoded,
    guesses: dict[str, CategoryGuess],
    embedding_model: str,
    temperatures: dict[str, dict[str, float]],
    chatter_from: float,
) -> LinearModel:
    """The whole artefact from all examples."""
    everything = np.arange(len(encoded.examples))
    frequencies = inverse_frequencies(encoded.counts)
    heads = {}
    for kind in ("seeing", "blind"):
        category = fit_category(encoded, everything, frequencies, kind)
        learned = {
            "category": category,
            "priority": fit_priority(encoded, everything, frequencies, kind, guesses[kind]),
            "priority_alone": fit_priority_alone(
                encoded, everything, frequencies, kind, guesses[kind]
            ),
        }
        heads[kind] = Heads(
            **{name: replace(learned[name], temperature=temperatures[kind][name]) for name in HEADS}
        )
    version = f"{FEATURES_VERSION}-{recipe_hash(encoded.examples)[:8]}"
    return LinearModel(
        version, embedding_model, frequencies, heads["seeing"], heads["blind"], chatter_from
    )


def fit_category(encoded: Encoded, chosen: Labels, frequencies: Matrix, kind: str) -> Head:
    """The category head from the chosen examples."""
    rows = rows_to_learn(encoded.examples, chosen, kind)
    answers = encoded.categories[[row.example for row in rows]]
    weights = np.array([row.weight for row in rows])
    dense, terms = _inputs(encoded, rows, frequencies)
    return _fit(dense, terms, answers, weights, REGULARISATION[kind]["category"])


def fit_priority(
    encoded: Encoded, chosen: Labels, frequencies: Matrix, kind: str, guess: CategoryGuess
) -> Head:
    """The priority head; it learns from guessed categories, because that is what it will get."""
    rows = rows_to_learn(encoded.examples, chosen, kind)
    return _fit_priority(encoded, rows, frequencies, guess, REGULARISATION[kind]["priority"])


def fit_priority_alone(
    encoded: Encoded, chosen: Labels, frequencies: Matrix, kind: str, guess: CategoryGuess
) -> Head:
    """The same for messages that stand alone, from such messages only."""
    rows = [
        replace(row, weight=row.weight * ALONE_PRIORITY_WEIGHTS.get(example.source, 1.0))
        for row in rows_to_learn(encoded.examples, chosen, kind)
        if not (example := encoded.examples[row.example]).is_conversation
    ]
    if len({encoded.priorities[row.example] for row in rows}) < len(PRIORITIES):
        return fit_priority(encoded, chosen, frequencies, kind, guess)
    return _fit_priority(encoded, rows, frequencies, guess, REGULARISATION[kind]["priority_alone"])


def _fit_priority(
    encoded: Encoded,
    rows: Sequence[Row],
    frequencies: Matrix,
    guess: CategoryGuess,
    regularisation: float,
) -> Head:
    answers = encoded.priorities[[row.example for row in rows]]
    weights = np.array([row.weight for row in rows])
    # Critical messages are rare and the ones that must not be missed.
    weights = weights / np.bincount(answers, weights, minlength=len(PRIORITIES))[answers]
    weights = weights / weights.mean()
    guessed = np.stack(
        [(guess.in_context if row.has_context else guess.alone)[row.example] for row in rows]
    )
    dense, terms = _inputs(encoded, rows, frequencies)
    return _fit(with_category(dense, guessed), terms, answers, weights, regularisation)


def rows_to_learn(examples: Sequence[Example], chosen: Labels, kind: str) -> list[Row]:
    """A message of a conversation is shown three times, so that missing context is nothing new."""
    rng = np.random.default_rng(SEED)
    rows = []
    for number in chosen:
        example = examples[number]
        sample = example.sample
        is_critical_bug = (example.category, example.priority) == ("bug", "critical")
        loud = example.weight * (CRITICAL_BUG_WEIGHT if is_critical_bug else 1.0)
        if example.is_conversation:
            loud *= REPORT_WEIGHT if example.category in REPORTS else 1.0
            noisy = change_neighbours(sample, _unreliable(rng))
            undecided = change_neighbours(sample, _undecided)
            rows.append(Row(number, noisy, loud, True))
            rows.append(Row(number, undecided, UNDECIDED_WEIGHT * loud, True))
            rows.append(Row(number, without_context(sample), ALONE_WEIGHT * loud, False))
        else:
            rows.append(Row(number, sample, loud, False))
    if kind == "blind":
        rows = [replace(row, sample=without_vectors(row.sample)) for row in rows]
    return rows


def inverse_frequencies(counts: csr_matrix) -> Matrix:
    """Weight of each hashed n-gram; one that a single text has teaches nothing and gets 0."""
    documents = counts.shape[0]
    frequencies = np.bincount(counts.indices, minlength=counts.shape[1])
    weights = np.log((1 + documents) / (1 + frequencies)) + 1
    # Stored in half precision, so that training sees the very numbers of the artefact.
    halved: Matrix = np.where(frequencies < 2, 0, weights).astype(np.float16).astype(np.float32)
    return halved


def corpus_hash(examples: Sequence[Example]) -> str:
    """Changes when a text or an answer does."""
    answers = [[item.sample.text, item.category, item.priority] for item in examples]
    return hashlib.sha256(json.dumps(answers).encode()).hexdigest()


def recipe_hash(examples: Sequence[Example]) -> str:
    """Changes with the corpus and with what decides how it is learned: other weights, other version."""
    recipe = [
        corpus_hash(examples),
        [FEATURES_VERSION, VECTOR_WEIGHT, TERM_WEIGHT, CATEGORY_WEIGHT],
        [SEED, UNKNOWN_SHARE, WRONG_SHARE, CRITICAL_BUG_WEIGHT, REPORT_WEIGHT],
        [UNDECIDED_WEIGHT, ALONE_WEIGHT, ALONE_PRIORITY_WEIGHTS],
        REGULARISATION,
    ]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()


def _unreliable(rng: np.random.Generator) -> Callable[[Neighbour], Neighbour]:
    def change(neighbour: Neighbour) -> Neighbour:
        chance, other = rng.random(), int(rng.integers(len(CATEGORIES)))
        if chance < UNKNOWN_SHARE:
            return _undecided(neighbour)
        if chance < UNKNOWN_SHARE + WRONG_SHARE:
            return replace(neighbour, category=CATEGORIES[other])
        return neighbour

    return change


def _undecided(neighbour: Neighbour) -> Neighbour:
    return replace(neighbour, category=None)


def _inputs(
    encoded: Encoded, rows: Sequence[Row], frequencies: Matrix
) -> tuple[Matrix, csr_matrix]:
    terms = weigh_terms(encoded.counts[[row.example for row in rows]], frequencies)
    return dense_features([row.sample for row in rows]), terms


def _fit(
    dense: Matrix,
    terms: csr_matrix,
    answers: Labels,
    weights: npt.NDArray[np.float64],
    regularisation: float,
) -> Head:
    used = np.unique(terms.indices)  # a bin that no text fills would only cost time
    inputs = csr_matrix(hstack([csr_matrix(dense), terms[:, used]]), dtype=np.float32)
    fitted = LogisticRegression(C=regularisation, max_iter=300, tol=1e-3)
    fitted.fit(inputs, answers, sample_weight=weights)
    width = dense.shape[1]
    weights_of_terms = np.zeros((terms.shape[1], fitted.coef_.shape[0]), np.float32)
    weights_of_terms[used] = fitted.coef_[:, width:].T
    return Head(
        dense=np.ascontiguousarray(fitted.coef_[:, :width].T, np.float32),
        terms=weights_of_terms,
        bias=fitted.intercept_.astype(np.float32),
    )
