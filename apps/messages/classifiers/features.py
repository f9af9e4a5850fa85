"""A message in numbers for the linear model: the same code at training time and at run time."""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from apps.messages.classifiers.base import CATEGORIES, Neighbour, Sample
from apps.messages.classifiers.conversation import REPORTS, change_neighbours, reported_in
from apps.messages.classifiers.cues import CUE_COUNT, MAX_CHARACTERS, cues
from tasktracker.lib.text import clean

# scikit-learn takes seconds to import, and most processes never classify: only functions import it.
if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import HashingVectorizer

#: Raised whenever the numbers or the heads change: an artefact made for other numbers is refused.
FEATURES_VERSION = 4

Matrix = npt.NDArray[np.float32]

DIMENSIONS = 384
CHARACTER_BINS = 2**16
WORD_BINS = 2**15
BINS = CHARACTER_BINS + WORD_BINS

#: How loud each block is next to the cues, which are 0 or 1. Chosen by cross-validation.
VECTOR_WEIGHT = 5.0
TERM_WEIGHT = 11.0

NEIGHBOUR_COUNT = 7 + len(CATEGORIES) + CUE_COUNT
RECENT_COUNT = 2 * len(CATEGORIES) + 27
CONTEXT_COUNT = 2 * NEIGHBOUR_COUNT + 3 + RECENT_COUNT
TEXT_ONLY = DIMENSIONS + CUE_COUNT  # the first columns, which know nothing of the chat
DENSE = TEXT_ONLY + CONTEXT_COUNT
_REPLIED_TO, _PREVIOUS = TEXT_ONLY, TEXT_ONLY + NEIGHBOUR_COUNT
_IS_REPLY = _PREVIOUS + NEIGHBOUR_COUNT
_IS_FORWARD, _IS_FIRST = _IS_REPLY + 1, _IS_REPLY + 2
_FACTS = NEIGHBOUR_COUNT - CUE_COUNT  # of a neighbour, before its cues
#: The message's own cues and what is known of the chat: everything but vectors and the neighbours' cues.
CHAT_COLUMNS = (
    *range(DIMENSIONS, TEXT_ONLY),
    *range(_REPLIED_TO, _REPLIED_TO + _FACTS),
    *range(_PREVIOUS, _PREVIOUS + _FACTS),
    *range(_IS_REPLY, DENSE),
)


def dense_features(samples: Sequence[Sample]) -> Matrix:
    """Vectors, cues and context of each sample, shape (len(samples), DENSE)."""
    return np.array([_dense_row(sample) for sample in samples], np.float32).reshape(-1, DENSE)


def as_if_alone(dense: Matrix) -> Matrix:
    """The dense features of the same messages as if nothing were known of their chats."""
    alone = dense.copy()
    alone[:, TEXT_ONLY:] = 0
    alone[:, _IS_FORWARD] = dense[:, _IS_FORWARD]
    alone[:, _IS_FIRST] = 1
    return alone


def without_vectors(sample: Sample) -> Sample:
    """The same sample as if nothing had been embedded."""

    return change_neighbours(
        replace(sample, vector=None), lambda neighbour: replace(neighbour, vector=None)
    )


def term_counts(texts: Sequence[str]) -> "csr_matrix":
    """Damped counts of hashed character and word n-grams, shape (len(texts), BINS)."""
    shortened = [clean(text)[:MAX_CHARACTERS] for text in texts]
    characters, words = (vectorizer.transform(shortened) for vectorizer in _vectorizers())
    counts = _side_by_side(characters, words)
    counts.data = 1 + np.log(counts.data)
    return counts


def _side_by_side(left: "csr_matrix", right: "csr_matrix") -> "csr_matrix":
    """`scipy.sparse.hstack`; for one row by hand, which is ten times faster."""
    from scipy.sparse import csr_matrix, hstack

    if left.shape[0] != 1:
        return csr_matrix(hstack([left, right]), dtype=np.float32)
    indices = np.concatenate([left.indices, right.indices + left.shape[1]])
    data = np.concatenate([left.data, right.data]).astype(np.float32)
    return csr_matrix((data, indices, [0, len(indices)]), shape=(1, BINS))


def weigh_terms(counts: "csr_matrix", inverse_frequencies: Matrix) -> "csr_matrix":
    """TF-IDF rows of length TERM_WEIGHT; an empty text gives an empty row."""
    from scipy.sparse import csr_matrix

    data = counts.data * inverse_frequencies[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    squares = np.bincount(rows, weights=data.astype(np.float64) ** 2, minlength=counts.shape[0])
    scale = TERM_WEIGHT / np.sqrt(np.where(squares > 0, squares, 1.0))
    weighted = (data * scale[rows]).astype(np.float32)
    return csr_matrix((weighted, counts.indices, counts.indptr), shape=counts.shape)


@lru_cache(maxsize=1)
def _vectorizers() -> "tuple[HashingVectorizer, HashingVectorizer]":
    from sklearn.feature_extraction.text import HashingVectorizer

    characters = HashingVectorizer(
        analyzer="char_wb",
        ngram_range=(2, 5),
        n_features=CHARACTER_BINS,
        norm=None,
        alternate_sign=False,
        dtype=np.float32,
    )
    words = HashingVectorizer(
        ngram_range=(1, 2),
        token_pattern=r"(?u)\b\w+\b",  # noqa: S106 - tokens of text
        n_features=WORD_BINS,
        norm=None,
        alternate_sign=False,
        dtype=np.float32,
    )
    return characters, words


def _dense_row(sample: Sample) -> Matrix:
    row = np.zeros(DENSE, np.float32)
    if sample.vector is not None:
        row[:DIMENSIONS] = sample.vector * VECTOR_WEIGHT
    row[DIMENSIONS:] = [*cues(sample.text), *_context_values(sample)]
    return row


def _context_values(sample: Sample) -> list[float]:
    return [
        *_neighbour_values(sample.replied_to),
        *_neighbour_values(sample.previous),
        float(sample.is_reply),
        float(sample.is_forward),
        float(sample.previous is None and sample.replied_to is None),
        *recent_values(sample),
    ]


def recent_values(sample: Sample) -> list[float]:
    """What the last messages of the chat and of the author were, and what is being talked about."""
    recent = sample.recent
    if not recent:
        return [0.0] * RECENT_COUNT
    own = next((k for k, other in enumerate(recent) if other.is_same_author), None)
    report = next((k for k, other in enumerate(recent) if other.category in REPORTS), None)
    return [
        1.0,
        *_fading(recent),
        *_last(recent, own),
        *(float(own is not None and recent[own].category == name) for name in CATEGORIES),
        *_last(recent, report),
        float(report is not None and recent[report].is_same_author),
        float(report is not None and recent[report].category == "bug"),
        *_likeness(sample, reported_in(sample)),
        *_likeness(sample, sample.replied_to),
        *_base_rates(recent),
    ]


def _fading(recent: Sequence[Neighbour]) -> list[float]:
    """How much of the last messages each category has, the newest weighing most."""
    shares = dict.fromkeys(CATEGORIES, 0.0)
    weight = 0.3
    for other in recent:
        if other.category is not None and other.seconds_before < 4 * 3600:
            shares[other.category] += weight
        weight *= 0.75
    return list(shares.values())


def _last(recent: Sequence[Neighbour], place: int | None) -> tuple[float, ...]:
    """How near a message is, in messages and in time."""
    if place is None:
        return (0.0,) * 6
    gap = recent[place].seconds_before
    return (
        1.0,
        float(place == 0),
        float(place <= 2),
        float(place <= 5),
        float(gap < 300),
        float(gap < 3600),
    )


def _likeness(sample: Sample, other: Neighbour | None) -> tuple[float, float]:
    """Shared words, and to a report how near the vectors are: chatter has none."""
    if other is None:
        return 0.0, 0.0
    left, right = _stems(sample.text), _stems(other.text)
    shared = len(left & right) / max(min(len(left), len(right)), 1)
    if sample.vector is None or other.vector is None or other.category not in REPORTS:
        return shared, 0.0
    return shared, float(sample.vector @ other.vector)


def _base_rates(recent: Sequence[Neighbour]) -> tuple[float, ...]:
    """The chat's and the author's own shares of reports and chatter, and how lively it is."""
    decided = [other.category for other in recent if other.category is not None]
    own = [other.category for other in recent if other.is_same_author and other.category]
    lively = sum(other.seconds_before < 600 for other in recent)
    return (
        sum(name in REPORTS for name in decided) / max(len(decided), 5),
        decided.count("info") / max(len(decided), 5),
        sum(name in REPORTS for name in own) / max(len(own), 2),
        own.count("info") / max(len(own), 2),
        len(own) / 10,
        math.log1p(lively) / 3,
        float(recent[0].seconds_before > 4 * 3600),
        math.log1p(recent[0].seconds_before) / 10,
    )


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    """The longer words' beginnings: endings of Ukrainian words do not matter."""
    words = re.findall(r"[^\W_]{4,}", clean(text)[:MAX_CHARACTERS].casefold())
    return frozenset(word[:5] for word in words)


def _neighbour_values(neighbour: Neighbour | None) -> list[float]:
    if neighbour is None:
        return [0.0] * NEIGHBOUR_COUNT
    gap = max(neighbour.seconds_before, 0.0)
    return [
        1.0,
        float(neighbour.is_same_author),
        float(gap < 60),
        float(gap < 300),
        float(gap < 1800),
        math.log1p(gap) / 10,
        float(neighbour.category is None),
        *(float(neighbour.category == category) for category in CATEGORIES),
        *(0.5 * value for value in cues(neighbour.text)),
    ]
