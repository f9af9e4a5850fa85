"""Examples in, weights out. One seed, one order of rows: the same examples give the same weights."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from apps.messages.classifiers import chat_trees, local
from apps.messages.classifiers.base import CATEGORIES, PRIORITIES, Neighbour, Sample
from apps.messages.classifiers.chat_trees import ChatTrees
from apps.messages.classifiers.conversation import REPORTS, change_neighbours
from apps.messages.classifiers.features import (
    FEATURES_VERSION,
    TERM_WEIGHT,
    TEXT_ONLY,
    VECTOR_WEIGHT,
    Matrix,
    dense_features,
    term_counts,
    weigh_terms,
    without_vectors,
)
from apps.messages.classifiers.local import (
    ALONE,
    BLIND,
    CATEGORY_WEIGHT,
    KINDS,
    SEEING,
    STRANGE,
    TEAM,
    Head,
    Heads,
    LinearModel,
    with_category,
)
from apps.messages.training.corpus import STRANGERS, Example, without_context
from apps.messages.training.retraining import CORRECTIONS
from tasktracker.lib.trees import trees_of

Labels = npt.NDArray[np.intp]

SEED = 20260801
NO_SIDE = -1  # neither a report nor a stranger's line
REGULARISATION = {
    SEEING: {"category": 0.15, "priority": 0.05},
    SEEING + ALONE: {"category": 0.15, "priority": 0.02},
    BLIND: {"category": 0.3, "priority": 0.1},
    BLIND + ALONE: {"category": 0.3, "priority": 0.04},
}
#: What a neighbour was decided to be is sometimes unknown and sometimes wrong: learn it so.
UNKNOWN_SHARE = 0.4
WRONG_SHARE = 0.15
#: Trees with the last word in chats: small ones, for the linear heads have said most.
TREES_OF_CHATS = {
    "max_iter": 200,
    "max_leaf_nodes": 10,
    "min_samples_leaf": 40,
    "learning_rate": 0.05,
    "l2_regularization": 5.0,
}
LEAST_FOR_TREES = 1000  # messages between others, and every category among them
#: How much a message of a conversation counts when it is shown with undecided neighbours.
UNDECIDED_WEIGHT = 0.5
#: And when it is shown alone: it was not written to be read so, and there are 16 times as many as single messages.
ALONE_WEIGHT = 0.024
#: Corrections are few, and keep more of their voice.
CORRECTION_ALONE_WEIGHT = 0.1
#: How much a stranger's line counts between others; alone, it teaches the team head only. There are ten times as many
#: lines of teams.
STRANGERS_WEIGHT = 2.0
#: For the team head: a report of a conversation shown alone, of which there are eight times as many as of single ones.
TEAM_CHAT_WEIGHT = 0.03
TEAM_REGULARISATION = 0.4
#: Short, calm messages about something terrible are rare in the corpus and must not be missed.
CRITICAL_BUG_WEIGHT = 2.0
#: A report among much chatter; also finds more in chats of people that training does not know.
REPORT_WEIGHT = 1.5
#: Hands differ most in the priority of what stands alone.
ALONE_PRIORITY_WEIGHTS = {"singles": 0.3}


@dataclass(frozen=True)
class Row:
    """One way to show an example to the model: with its whole context, with less, or with none."""

    example: int
    sample: Sample
    weight: float


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
class Views:
    """An answer to each example in its context and one as if it stood alone; shapes (examples, 4)."""

    in_context: Matrix
    alone: Matrix


def fit_model(
    encoded: Encoded,
    guesses: Mapping[str, Views],
    embedding_model: str,
    chats: Mapping[str, ChatTrees | None],
    temperatures: Mapping[str, Mapping[str, float]],
    chatter_from: float,
) -> LinearModel:
    """The whole artefact from all examples; `guesses` and `chats` by SEEING and BLIND, temperatures by kind."""
    everything = np.arange(len(encoded.examples))
    frequencies = inverse_frequencies(encoded.counts)
    heads = {}
    teams = {sight: fit_team(encoded, everything, frequencies, sight) for sight in (SEEING, BLIND)}
    categories = {kind: fit_category(encoded, everything, frequencies, kind) for kind in KINDS}
    for kind, category in categories.items():
        sight = kind.removesuffix(ALONE)
        priority = fit_priority(encoded, everything, frequencies, kind, guesses[sight])
        heads[kind] = Heads(
            replace(category, temperature=temperatures[kind]["category"]),
            replace(priority, temperature=temperatures[kind]["priority"]),
            teams[sight],
            chats[sight] if kind == sight else None,
            categories.get(kind + ALONE),
        )
    version = f"{FEATURES_VERSION}-{recipe_hash(encoded.examples, embedding_model)[:8]}"
    return LinearModel(version, embedding_model, frequencies, heads, chatter_from)


def fit_category(encoded: Encoded, chosen: Labels, frequencies: Matrix, kind: str) -> Head:
    """The category head from the chosen examples."""
    rows = rows_to_learn(encoded.examples, chosen, kind)
    answers = encoded.categories[[row.example for row in rows]]
    weights = np.array([row.weight for row in rows])
    dense, terms = _inputs(encoded, rows, frequencies)
    return _fit(dense, terms, answers, weights, REGULARISATION[kind]["category"])


def are_enough_for_trees(answers: Labels) -> bool:
    return len(answers) >= LEAST_FOR_TREES and len(np.unique(answers)) == len(CATEGORIES)


def fit_chat_trees(inputs: Matrix, answers: Labels, weights: npt.NDArray[np.float64]) -> ChatTrees:
    """From what `seen_by_trees` gives of messages that its heads did not know."""
    model = HistGradientBoostingClassifier(
        **TREES_OF_CHATS, early_stopping=False, random_state=SEED
    )
    model.fit(inputs, answers, sample_weight=weights)
    return ChatTrees(tuple(trees_of(model, place) for place in range(len(CATEGORIES))))


def fit_team(encoded: Encoded, chosen: Labels, frequencies: Matrix, sight: str) -> Head | None:
    """The team's reports against strangers' lines, by their text alone; None without strangers."""
    sides = np.array([_side(encoded.examples[number]) for number in chosen])
    if STRANGE not in sides or TEAM not in sides:
        return None
    rows, answers = [], sides[sides != NO_SIDE]
    for number in chosen[sides != NO_SIDE]:
        example = encoded.examples[number]
        sample = without_context(example.sample)
        seen = without_vectors(sample) if sight == BLIND else sample
        rows.append(Row(number, seen, TEAM_CHAT_WEIGHT if example.is_team_chat else 1.0))
    weights = np.array([row.weight for row in rows])
    totals = np.bincount(answers, weights)
    weights = weights / totals[answers] * totals.mean()
    dense, terms = _inputs(encoded, rows, frequencies)
    return _fit(dense[:, :TEXT_ONLY], terms, answers, weights, TEAM_REGULARISATION)


def _side(example: Example) -> int:
    if example.source == STRANGERS:
        return STRANGE
    return TEAM if example.category in REPORTS else NO_SIDE


def fit_priority(
    encoded: Encoded, chosen: Labels, frequencies: Matrix, kind: str, guess: Views
) -> Head:
    """The priority head; it learns from guessed categories, because that is what it will get."""
    rows = rows_to_learn(encoded.examples, chosen, kind)
    if kind.endswith(ALONE):
        rows = _judged_alone(encoded, rows)
    answers = encoded.priorities[[row.example for row in rows]]
    weights = np.array([row.weight for row in rows])
    # Critical messages are rare and the ones that must not be missed.
    weights = weights / np.bincount(answers, weights, minlength=len(PRIORITIES))[answers]
    weights = weights / weights.mean()
    guessed = guess.alone if kind.endswith(ALONE) else guess.in_context
    dense, terms = _inputs(encoded, rows, frequencies)
    dense = with_category(dense, guessed[[row.example for row in rows]])
    return _fit(dense, terms, answers, weights, REGULARISATION[kind]["priority"])


def _judged_alone(encoded: Encoded, rows: list[Row]) -> list[Row]:
    """Rows of single messages; all when these do not show every priority."""
    chosen = [
        replace(row, weight=row.weight * ALONE_PRIORITY_WEIGHTS.get(example.source, 1.0))
        for row in rows
        if not (example := encoded.examples[row.example]).is_conversation
    ]
    shown = {encoded.priorities[row.example] for row in chosen}
    return chosen if len(shown) == len(PRIORITIES) else rows


def rows_to_learn(examples: Sequence[Example], chosen: Labels, kind: str) -> list[Row]:
    """What the heads of a kind are shown.

    A message of a conversation is shown twice in its place, so that a missing or wrong decision
    about its neighbours is nothing new; a single message is shown as it is.
    """
    rng = np.random.default_rng(SEED)
    rows = []
    for number in chosen:
        example = examples[number]
        sample = example.sample
        is_critical_bug = (example.category, example.priority) == ("bug", "critical")
        loud = example.weight * (CRITICAL_BUG_WEIGHT if is_critical_bug else 1.0)
        if not example.is_conversation:
            rows.append(Row(number, sample, loud))
            continue
        is_strange = example.source == STRANGERS
        loud *= REPORT_WEIGHT if example.category in REPORTS else 1.0
        if kind.endswith(ALONE):
            if not is_strange:
                loud *= CORRECTION_ALONE_WEIGHT if example.source == CORRECTIONS else ALONE_WEIGHT
                rows.append(Row(number, without_context(sample), loud))
        else:
            loud *= STRANGERS_WEIGHT if is_strange else 1.0
            noisy = change_neighbours(sample, _unreliable(rng))
            rows.append(Row(number, noisy, loud))
            undecided = change_neighbours(sample, _undecided)
            rows.append(Row(number, undecided, UNDECIDED_WEIGHT * loud))
    if kind.startswith(BLIND):
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


def recipe_hash(examples: Sequence[Example], embedding_model: str) -> str:
    """Changes with the corpus, the vectors and what decides how it is learned: other weights, other version."""
    recipe = [
        corpus_hash(examples),
        embedding_model,
        [FEATURES_VERSION, VECTOR_WEIGHT, TERM_WEIGHT, CATEGORY_WEIGHT],
        [SEED, UNKNOWN_SHARE, WRONG_SHARE, CRITICAL_BUG_WEIGHT, REPORT_WEIGHT],
        [UNDECIDED_WEIGHT, ALONE_WEIGHT, CORRECTION_ALONE_WEIGHT, ALONE_PRIORITY_WEIGHTS],
        [STRANGERS_WEIGHT, TEAM_CHAT_WEIGHT, TEAM_REGULARISATION],
        [local.REPORT_SHARE, local.STRANGE_TO, local.TEAMS_FROM, local.LEAST_BELIEF],
        [TREES_OF_CHATS, LEAST_FOR_TREES, chat_trees.LEAST],
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
    learned, bias = fitted.coef_, fitted.intercept_
    if len(learned) == 1:  # two answers: the first one's column is nought
        learned, bias = np.vstack([0 * learned, learned]), np.append(0 * bias, bias)
    weights_of_terms = np.zeros((terms.shape[1], len(learned)), np.float32)
    weights_of_terms[used] = learned[:, width:].T
    return Head(
        dense=np.ascontiguousarray(learned[:, :width].T, np.float32),
        terms=weights_of_terms,
        bias=bias.astype(np.float32),
    )
