"""How good the classifier is: cross-validation that never splits a persona or a conversation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from apps.messages.classifiers.base import CATEGORIES, PRIORITIES, Neighbour, Sample
from apps.messages.classifiers.conversation import change_neighbours
from apps.messages.classifiers.features import (
    Matrix,
    dense_features,
    weigh_terms,
    without_vectors,
)
from apps.messages.classifiers.local import (
    ALONE,
    BLIND,
    REPORT_SHARE,
    category_logits,
    is_in_conversation,
    likeliest,
    softmax,
    with_category,
)
from apps.messages.training.corpus import Example, without_context
from apps.messages.training.fitting import (
    SEED,
    Encoded,
    Labels,
    Views,
    fit_category,
    fit_priority,
    fit_team,
    inverse_frequencies,
)
from apps.messages.training.retraining import CORRECTIONS
from tasktracker.lib.text import language_of

FOLDS = 4
LOST_OF = 200  # issues, of which the fast lane may lose one
ISSUE_THRESHOLDS = (REPORT_SHARE, 0.5, 0.75)

Mask = npt.NDArray[np.bool_]
Judge = Callable[[Matrix, csr_matrix], Matrix]  # dense features and n-grams to logits
Predict = Callable[[Sequence[Sample]], tuple[Matrix, Matrix]]


def folds_of(examples: Sequence[Example]) -> Labels:
    """A fold for each example; groups stay whole, each fold gets its share of conversations."""
    rng = np.random.default_rng(SEED)
    fold_of: dict[str, int] = {}
    for is_conversation in (True, False):
        groups = sorted({e.group for e in examples if e.is_conversation == is_conversation})
        for place, index in enumerate(rng.permutation(len(groups))):
            fold_of[groups[index]] = place % FOLDS
    return np.array([fold_of[example.group] for example in examples])


def sources_of(examples: Sequence[Example]) -> Labels:
    """A fold for each source of team chats, each by another author; -1 for all other messages."""
    sources = sorted({example.source for example in examples if example.is_team_chat})
    return np.array([sources.index(e.source) if e.is_team_chat else -1 for e in examples])


def cross_validate_category(
    encoded: Encoded,
    sight: str,
    advance: Callable[[], None] = lambda: None,
    *,
    folds: Labels | None = None,
) -> Views:
    """Logits of the linear category heads for every example; zeros where the fold is negative."""
    held_out = _empty(encoded)
    for learn, test in _splits(folds_of(encoded.examples) if folds is None else folds):
        frequencies = inverse_frequencies(encoded.counts[learn])
        team = fit_team(encoded, learn, frequencies, sight)
        between, alone = (
            partial(category_logits, fit_category(encoded, learn, frequencies, kind), team)
            for kind in (sight, sight + ALONE)
        )
        inputs = _Inputs(encoded, frequencies, sight)
        held_out.in_context[test] = inputs.logits_in_order(between, alone, test)
        held_out.alone[test] = inputs.logits(alone, test, _alone)
        advance()
    return held_out


def cross_validate_priority(
    encoded: Encoded, sight: str, category: Views, advance: Callable[[], None] = lambda: None
) -> Views:
    """Logits of the priority heads for every example, from held-out logits of its category."""
    guess = Views(softmax(category.in_context), softmax(category.alone))
    decided = decisions(encoded.examples, guess.in_context)
    held_out, alone_there = _empty(encoded), is_alone(encoded)
    for learn, test in _splits(folds_of(encoded.examples)):
        frequencies = inverse_frequencies(encoded.counts[learn])
        between = fit_priority(encoded, learn, frequencies, sight, guess)
        alone = fit_priority(encoded, learn, frequencies, sight + ALONE, guess)
        inputs = _Inputs(encoded, frequencies, sight)
        held_out.alone[test] = inputs.logits(alone.logits, test, _alone, guess.alone[test])
        held_out.in_context[test] = held_out.alone[test]
        test = test[~alone_there[test]]
        held_out.in_context[test] = inputs.logits(
            between.logits, test, decided, guess.in_context[test]
        )
        advance()
    return held_out


def is_alone(encoded: Encoded) -> Mask:
    """Which examples have nothing before them."""
    return np.array([not is_in_conversation(example.sample) for example in encoded.examples])


def _splits(folds: Labels) -> Iterator[tuple[Labels, Labels]]:
    """For each fold what to learn from and what to test on."""
    for fold in range(folds.max() + 1):
        yield np.where(folds != fold)[0], np.where(folds == fold)[0]


def _empty(encoded: Encoded) -> Views:
    shape = (len(encoded.examples), len(CATEGORIES))
    return Views(np.zeros(shape, np.float32), np.zeros(shape, np.float32))


@dataclass(frozen=True)
class _Inputs:
    """Features of test examples under one fold's n-gram weights."""

    encoded: Encoded
    frequencies: Matrix
    sight: str

    def logits(
        self,
        judge: Judge,
        chosen: Labels,
        context: Callable[[Example], Sample],
        categories: Matrix | None = None,
    ) -> Matrix:
        samples = [context(self.encoded.examples[number]) for number in chosen]
        if self.sight == BLIND:
            samples = [without_vectors(sample) for sample in samples]
        dense = dense_features(samples)
        if categories is not None:
            dense = with_category(dense, categories)
        return judge(dense, weigh_terms(self.encoded.counts[chosen], self.frequencies))

    def logits_in_order(self, between: Judge, alone: Judge, chosen: Labels) -> Matrix:
        """As in a live chat: a neighbour's category is what the model said, never the key's."""
        said: dict[str, str] = {}
        rows = []
        for number in chosen:
            sample = self.encoded.examples[number].sample
            judge = between if is_in_conversation(sample) else alone
            row = self.logits(judge, np.array([number]), lambda example: _as_decided(example, said))
            rows.append(row[0])
            said[sample.text] = said_of(sample, softmax(row)[0])
        return np.stack(rows)


def said_of(sample: Sample, shares: Matrix) -> str:
    """The category that the live path would give."""
    scores = dict(zip(CATEGORIES, map(float, shares), strict=True))
    return likeliest(scores, is_in_conversation=is_in_conversation(sample))


def _alone(example: Example) -> Sample:
    return without_context(example.sample)


def _as_decided(example: Example, said: dict[str, str]) -> Sample:
    """The message beside neighbours that are what was said of them; those of a correction were decided live."""
    if example.source == CORRECTIONS:
        return example.sample

    def decided(neighbour: Neighbour) -> Neighbour:
        return replace(neighbour, category=said.get(neighbour.text))

    return change_neighbours(example.sample, decided)


def decisions(examples: Sequence[Example], guessed: Matrix) -> Callable[[Example], Sample]:
    """What shows an example beside neighbours that are what was guessed about them."""
    said = {
        example.sample.text: said_of(example.sample, row)
        for example, row in zip(examples, guessed, strict=True)
    }
    return lambda example: _as_decided(example, said)


def predict_in_order(examples: Sequence[Example], predict: Predict) -> tuple[Matrix, Matrix]:
    """A conversation message by message, each seeing what was decided about the ones before."""
    said: dict[str, str] = {}
    categories, priorities = [], []
    for example in examples:
        category, priority = predict([_as_decided(example, said)])
        said[example.sample.text] = said_of(example.sample, category[0])
        categories.append(category[0])
        priorities.append(priority[0])
    return np.stack(categories), np.stack(priorities)


def fit_temperatures(encoded: Encoded, logits: Views, answers: Labels) -> tuple[float, float]:
    """Of the heads for what stands between others, and of the ones for what stands alone."""
    alone = is_alone(encoded)
    sides = ((logits.in_context, ~alone), (logits.alone, alone))
    between, apart = (
        fit_temperature(side[rows], answers[rows]) if rows.any() else 1.0 for side, rows in sides
    )
    return between, apart


def fit_temperature(logits: Matrix, answers: Labels) -> float:
    """The temperature that makes held-out probabilities most likely."""

    def loss(log_temperature: float) -> float:
        shares = softmax(logits / np.float32(np.exp(log_temperature)))
        return float(-np.log(shares[np.arange(len(answers)), answers] + 1e-9).mean())

    found = minimize_scalar(loss, bounds=(-2.0, 2.0), method="bounded", options={"xatol": 1e-4})
    return round(float(np.exp(found.x)), 3)


def fast_lane_figures(encoded: Encoded, known: Matrix, strange: Matrix) -> dict[str, float]:
    """The lowest P(info) above which chats lose at most one issue in two hundred, and its share.

    `known` are held-out probabilities by folds; `strange` are of conversations whose author the
    training did not know at all, as it knows none of the people it will read. Single messages must
    not lose more either: the first message of a chat is one.
    """
    info = CATEGORIES.index("info")
    is_issue = encoded.categories < 2  # bug or feature
    in_chat = np.array([example.is_team_chat for example in encoded.examples])
    chatter = np.where(in_chat, strange[:, info], known[:, info])
    sides = (in_chat & is_issue, ~in_chat & is_issue)
    lowest = max((_safe_from(chatter[side]) for side in sides if side.any()), default=1.0)
    skipped = chatter >= lowest
    return {
        "from": round(lowest, 4),
        "share_of_chats": _short(skipped[in_chat].mean()) if in_chat.any() else 0.0,
        "issues_lost_in_chats": int((skipped & is_issue & in_chat).sum()),
        "issues_in_chats": int((is_issue & in_chat).sum()),
    }


def _safe_from(chatter: Matrix) -> float:
    """Just above the P(info) of all issues but one in LOST_OF."""
    ranked = np.sort(chatter)[::-1]
    return float(ranked[len(ranked) // LOST_OF]) + 1e-4


def category_figures(answers: Labels, shares: Matrix, texts: Sequence[str]) -> dict[str, Any]:
    """F1 per class and language, finding of issues, confusion, calibration."""
    said = shares.argmax(axis=1)
    languages = np.array([language_of(text) for text in texts])
    return {
        "messages": len(answers),
        "accuracy": _short((said == answers).mean()),
        "macro_f1": _macro_f1(answers, said),
        "per_class": _per_class(answers, said, CATEGORIES),
        "macro_f1_by_language": {
            language: _macro_f1(answers[languages == language], said[languages == language])
            for language in ("uk", "en")
            if (languages == language).any()
        },
        "issues": _issue_figures(answers, shares),
        "confusion": confusion_matrix(answers, said, labels=range(len(CATEGORIES))).tolist(),
        "brier": _short(((shares - np.eye(len(CATEGORIES))[answers]) ** 2).sum(axis=1).mean()),
        "reliability": reliability(answers, shares),
    }


def priority_figures(answers: Labels, shares: Matrix) -> dict[str, Any]:
    """F1 per priority; recall of `critical` is the one to watch."""
    said = shares.argmax(axis=1)
    return {
        "accuracy": _short((said == answers).mean()),
        "macro_f1": _macro_f1(answers, said),
        "per_class": _per_class(answers, said, PRIORITIES),
        "brier": _short(((shares - np.eye(len(PRIORITIES))[answers]) ** 2).sum(axis=1).mean()),
    }


def reliability(answers: Labels, shares: Matrix) -> list[dict[str, float]]:
    """For each band of confidence: how many, what was promised, what was right."""
    confidence, right = shares.max(axis=1), shares.argmax(axis=1) == answers
    edges = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01)
    table = []
    for low, high in pairwise(edges):
        band = (confidence >= low) & (confidence < high)
        if band.any():
            table.append(
                {
                    "from": low,
                    "to": min(high, 1.0),
                    "messages": int(band.sum()),
                    "promised": _short(confidence[band].mean()),
                    "right": _short(right[band].mean()),
                }
            )
    return table


def _issue_figures(answers: Labels, shares: Matrix) -> dict[str, dict[str, float]]:
    is_issue, score = answers < 2, shares[:, 0] + shares[:, 1]  # bug or feature
    figures = {}
    for threshold in ISSUE_THRESHOLDS:
        found = score >= threshold
        hits = (found & is_issue).sum()
        figures[str(threshold)] = {
            "recall": _short(hits / max(is_issue.sum(), 1)),
            "precision": _short(hits / max(found.sum(), 1)),
        }
    return figures


def _per_class(answers: Labels, said: Labels, names: Sequence[str]) -> dict[str, dict[str, float]]:
    columns = precision_recall_fscore_support(
        answers, said, labels=range(len(names)), zero_division=0
    )
    return {
        name: {
            "precision": _short(precision),
            "recall": _short(recall),
            "f1": _short(f1),
            "messages": int(count),
        }
        for name, precision, recall, f1, count in zip(names, *columns, strict=True)
    }


def _macro_f1(answers: Labels, said: Labels) -> float:
    return _short(f1_score(answers, said, average="macro", zero_division=0))


def _short(value: Any) -> float:
    return round(float(value), 4)
