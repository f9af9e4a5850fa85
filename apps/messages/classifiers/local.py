"""The local classifier: linear heads on embeddings, n-grams, cues and context, and trees on their answers in chats.

No network, no pickle. The weights come from `manage.py train_classifier`; docs/model-card.md says how good they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import IO, TYPE_CHECKING, Self

import numpy as np

from apps.messages.classifiers.base import CATEGORIES, PRIORITIES, Sample, Verdict
from apps.messages.classifiers.chat_trees import ChatTrees, seen_by_trees
from apps.messages.classifiers.conversation import REPORTS
from apps.messages.classifiers.features import (
    FEATURES_VERSION,
    TEXT_ONLY,
    Matrix,
    as_if_alone,
    dense_features,
    term_counts,
    weigh_terms,
    without_vectors,
)

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

WEIGHTS_FILE = "local_model.npz"
#: P(bug) + P(feature) from which a message of a conversation counts as a report. A missed report costs
#: more than a look: on conversations whose author training did not know, F2 is best from 0.12 to 0.25
#: (docs/model-card.md).
REPORT_SHARE = 0.15
#: P(bug) x P(critical if it is a bug) from which a person should look at what is taken for chatter.
#: In cross-validation before `retold` came it marked 7 % of the chatter, and 8 of the 13 critical reports (of 141) lost in it.
ALARMING = 0.015
STRANGE, TEAM = 0, 1  # columns of the team head
#: P(the team's) up to which a text reports hardly anything, and from which it keeps its share of reports.
#: In cross-validation before `retold` came this cost 0.006 of F1 and took away five in six of the strangers' reports.
STRANGE_TO, TEAMS_FROM = 0.1, 0.3
LEAST_BELIEF = 0.05  # nought would be certainty, and spoil the calibration of all others
BUG, CRITICAL = CATEGORIES.index("bug"), PRIORITIES.index("critical")
CATEGORY_WEIGHT = 5.0  # how loud the category's probabilities are for the priority

#: With a vector or without one; between other messages or alone.
SEEING, BLIND, ALONE = "seeing", "blind", "_alone"
SMALLEST = np.float32(1e-9)
KINDS = (SEEING, SEEING + ALONE, BLIND, BLIND + ALONE)


class WrongWeights(Exception):
    """The weights were made for other features; run `manage.py train_classifier`."""


@dataclass(frozen=True)
class Head:
    """One multinomial logistic regression and its temperature."""

    dense: Matrix
    terms: Matrix
    bias: Matrix
    temperature: float = 1.0

    def logits(self, dense: Matrix, terms: "csr_matrix") -> Matrix:
        scores: Matrix = dense @ self.dense + _times(terms, self.terms) + self.bias
        return scores

    def probabilities(self, dense: Matrix, terms: "csr_matrix") -> Matrix:
        return softmax(self.logits(dense, terms) / self.temperature)


@dataclass(frozen=True)
class Heads:
    """A category head, and a priority head that also sees the category's probabilities.

    `team` says how likely a text is about a team's work at all; without it, everything is. Of what stands
    between others, `chat` has the last word, which asks the category head `alone` too.
    """

    category: Head
    priority: Head
    team: Head | None = None
    chat: ChatTrees | None = None
    alone: Head | None = None

    def answers(self, dense: Matrix, terms: "csr_matrix") -> tuple[Matrix, Matrix, Matrix]:
        """Probabilities of category and priority, and of a critical bug that passes for chatter."""
        categories = self.categories(dense, terms)
        # The last inputs of the priority head are the category; the others are weighed once.
        unsaid = self.priority.logits(with_category(dense, np.zeros_like(categories)), terms)
        by_category = CATEGORY_WEIGHT * self.priority.dense[-len(CATEGORIES) :]
        heat = self.priority.temperature
        priorities = softmax((unsaid + categories @ by_category) / heat)
        if_bugs = softmax((unsaid + by_category[BUG]) / heat)
        return categories, priorities, categories[:, BUG] * if_bugs[:, CRITICAL]

    def categories(self, dense: Matrix, terms: "csr_matrix") -> Matrix:
        """Calibrated probabilities, shape (rows, 4)."""
        logits = category_logits(self.category, self.team, dense, terms)
        if self.chat is not None and self.alone is not None:
            alone = category_logits(self.alone, self.team, as_if_alone(dense), terms)
            logits = self.chat.logits(seen_by_trees(logits, alone, dense))
        return softmax(logits / self.category.temperature)


@dataclass(frozen=True)
class LinearModel:
    """Everything the artefact holds: a pair of heads for each kind of sample.

    What is written to stand alone is judged by other customs than a line between others, most of
    which report nothing and are urgent to nobody.
    """

    version: str
    embedding_model: str
    inverse_frequencies: Matrix
    heads: Mapping[str, Heads]
    chatter_from: float = 1.0  # P(info) without a vector from which none is made

    def predict(self, samples: Sequence[Sample]) -> tuple[Matrix, Matrix]:
        """Probabilities of the categories and of the priorities, one row per sample."""
        categories, priorities, _alarms = self.answers(samples)
        return categories, priorities

    def answers(self, samples: Sequence[Sample]) -> tuple[Matrix, Matrix, Matrix]:
        """The same, and how alarming each sample is."""
        terms = weigh_terms(
            term_counts([sample.text for sample in samples]), self.inverse_frequencies
        )
        dense = dense_features(samples)
        categories = np.zeros((len(samples), len(CATEGORIES)), np.float32)
        priorities = np.zeros((len(samples), len(PRIORITIES)), np.float32)
        alarms = np.zeros(len(samples), np.float32)
        kinds = np.array([kind_of(sample) for sample in samples])
        if len(samples) == 1:  # most of the time; slicing would cost more than the answer
            return self.heads[kinds[0]].answers(dense, terms)
        for kind in np.unique(kinds):
            rows = kinds == kind
            found = self.heads[kind].answers(dense[rows], terms[rows])
            categories[rows], priorities[rows], alarms[rows] = found
        return categories, priorities, alarms

    def arrays(self) -> dict[str, np.ndarray]:
        """What is stored; half precision is enough for the long columns of n-grams."""
        stored = {
            "features_version": np.array(FEATURES_VERSION),
            "version": np.array(self.version),
            "embedding_model": np.array(self.embedding_model),
            "inverse_frequencies": self.inverse_frequencies.astype(np.float16),
            "chatter_from": np.array(self.chatter_from, np.float32),
        }
        for prefix, head in self._named_heads():
            stored[f"{prefix}_dense"] = head.dense.astype(np.float32)
            stored[f"{prefix}_terms"] = head.terms.astype(np.float16)
            stored[f"{prefix}_bias"] = head.bias.astype(np.float32)
            stored[f"{prefix}_temperature"] = np.array(head.temperature, np.float32)
        for kind, heads in self.heads.items():
            if heads.chat is not None:
                stored |= heads.chat.arrays(f"{kind}_chat")
        return stored

    def _named_heads(self) -> Iterator[tuple[str, Head]]:
        for kind, heads in self.heads.items():
            yield f"{kind}_category", heads.category
            yield f"{kind}_priority", heads.priority
            if heads.team is not None and kind in (SEEING, BLIND):  # one for both places
                yield f"{kind}_team", heads.team

    @classmethod
    def from_file(cls, file: IO[bytes]) -> Self:
        with np.load(file, allow_pickle=False) as stored:
            if int(stored["features_version"]) != FEATURES_VERSION:
                raise WrongWeights(WEIGHTS_FILE)
            return cls.from_arrays({name: stored[name] for name in stored.files})

    @classmethod
    def from_arrays(cls, stored: dict[str, np.ndarray]) -> Self:
        def head(prefix: str) -> Head:
            return Head(
                dense=stored[f"{prefix}_dense"],
                terms=stored[f"{prefix}_terms"].astype(np.float32),
                bias=stored[f"{prefix}_bias"],
                temperature=float(stored[f"{prefix}_temperature"]),
            )

        teams = {
            sight: head(f"{sight}_team")
            for sight in (SEEING, BLIND)
            if f"{sight}_team_dense" in stored
        }
        categories = {kind: head(f"{kind}_category") for kind in KINDS}
        return cls(
            version=str(stored["version"]),
            embedding_model=str(stored["embedding_model"]),
            inverse_frequencies=stored["inverse_frequencies"].astype(np.float32),
            heads={
                kind: Heads(
                    category,
                    head(f"{kind}_priority"),
                    teams.get(kind.removesuffix(ALONE)),
                    ChatTrees.from_arrays(f"{kind}_chat", stored),
                    categories.get(kind + ALONE),
                )
                for kind, category in categories.items()
            },
            chatter_from=float(stored["chatter_from"]),
        )


class LocalClassifier:
    """Answers every sample. Vectors of another embedding model than the trained one are ignored.

    `model` is what answers, None for the shipped weights. `embedding_model` is the name of what the
    samples' vectors come from; None means the trained one.
    """

    name = "local"

    def __init__(
        self, model: LinearModel | None = None, *, embedding_model: str | None = None
    ) -> None:
        self._model = model or shipped_model()
        self._embedding_model = embedding_model

    @property
    def version(self) -> str:
        return self._model.version

    @property
    def is_blind(self) -> bool:
        """Whether the vectors at hand are of no use to the trained weights."""
        return self._embedding_model not in (None, self._model.embedding_model)

    def classify(self, samples: Sequence[Sample]) -> list[Verdict | None]:
        if not samples:
            return []
        if self.is_blind:
            samples = [without_vectors(sample) for sample in samples]
        answers = self._model.answers(samples)
        return [_verdict(*rows) for rows in zip(samples, *answers, strict=True)]

    def skim(self, sample: Sample) -> Verdict | None:
        """The fast lane: what is chatter for certain without a vector; None for all the rest."""
        (categories,), (priorities,), (alarm,) = self._model.answers([without_vectors(sample)])
        is_chatter = categories[CATEGORIES.index("info")] >= self._model.chatter_from
        if not is_chatter or alarm >= ALARMING:
            return None
        verdict = _verdict(sample, categories, priorities, alarm)
        return replace(verdict, raw={**verdict.raw, "is_skimmed": True})


@lru_cache(maxsize=1)
def shipped_model() -> LinearModel:
    """The weights of the package, read once per process."""
    with (resources.files("apps.messages.classifiers") / WEIGHTS_FILE).open("rb") as file:
        return LinearModel.from_file(file)


def _times(terms: "csr_matrix", weights: Matrix) -> Matrix:
    """`terms @ weights`; for one row without scipy's checks."""
    if terms.shape[0] != 1:
        return np.asarray(terms @ weights, np.float32)
    return np.asarray(terms.data @ weights[terms.indices], np.float32)[None]


def with_category(dense: Matrix, categories: Matrix) -> Matrix:
    """The dense features of the priority head."""
    return np.hstack([dense, categories * np.float32(CATEGORY_WEIGHT)]).astype(np.float32)


def category_logits(
    category: Head, team: Head | None, dense: Matrix, terms: "csr_matrix"
) -> Matrix:
    """Before their temperature. What no team would report loses its share of reports."""
    logits = category.logits(dense, terms)
    if team is None:
        return logits
    likely = team.probabilities(dense[:, :TEXT_ONLY], terms)[:, TEAM]
    return np.log(for_the_team(softmax(logits), likely))


def for_the_team(shares: Matrix, team: Matrix) -> Matrix:
    """What is hardly the team's loses of its share of reports to questions and chatter."""
    reports = np.array([name in REPORTS for name in CATEGORIES])
    belief = np.clip((team - STRANGE_TO) / (TEAMS_FROM - STRANGE_TO), LEAST_BELIEF, 1)
    kept = np.where(reports, shares * belief[:, None], shares)
    lost = shares[:, reports].sum(axis=1) * (1 - belief)
    others = np.where(reports, 0, shares)
    given: Matrix = kept + others / others.sum(axis=1, keepdims=True) * lost[:, None]
    return np.maximum(given, SMALLEST)


def softmax(logits: Matrix) -> Matrix:
    """Each row as probabilities."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Matrix = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _verdict(sample: Sample, categories: Matrix, priorities: Matrix, alarm: float) -> Verdict:
    scores = dict(zip(CATEGORIES, map(float, categories), strict=True))
    urgencies = dict(zip(PRIORITIES, map(float, priorities), strict=True))
    category = likeliest(scores, is_in_conversation=is_in_conversation(sample))
    return Verdict(
        category=category,
        priority=max(urgencies, key=lambda name: urgencies[name]),
        confidence=scores[category],
        scores=scores,
        raw={"priorities": {name: round(share, 4) for name, share in urgencies.items()}},
        is_alarming=bool(alarm >= ALARMING),
    )


def is_in_conversation(sample: Sample) -> bool:
    """Whether anything is known that was said before."""
    return bool(sample.recent) or sample.is_reply


def kind_of(sample: Sample) -> str:
    """Which of KINDS answers it."""
    sight = BLIND if sample.vector is None else SEEING
    return sight if is_in_conversation(sample) else sight + ALONE


def likeliest(scores: dict[str, float], *, is_in_conversation: bool) -> str:
    """The likeliest category. A bug or a feature: both together must be likelier than anything else.

    Between messages that mostly report nothing, a likely report is one. Its confidence stays low,
    so that it is filed as provisional.
    """
    reports = {name: scores[name] for name in ("bug", "feature")}
    others = {name: scores[name] for name in ("question", "info")}
    needed = REPORT_SHARE if is_in_conversation else max(others.values())
    candidates = reports if sum(reports.values()) >= needed else others
    return max(candidates, key=lambda name: candidates[name])
