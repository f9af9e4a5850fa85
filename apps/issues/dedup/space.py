"""What was learned of texts by themselves: where duplicates lie near each other, and which words are rare.

The projection pulls reports of one problem together and pushes a team's other reports away (a
contrastive loss, Khosla et al. 2020, arXiv:2004.11362); the echo tells a second report ("у мене теж",
"two more customers") from a first one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from apps.issues.dedup.base import Vector
from apps.issues.dedup.cognates import skeletons, stems, words_of
from apps.issues.dedup.concepts import concepts

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Space:
    """`projection` has the shape (384, 384), `echo` (385,): weights and an intercept."""

    projection: Matrix
    echo: Matrix
    rarity: Mapping[str, float]  # token -> inverse document frequency in the training texts
    rarest: float  # of a token that no training text has

    def places(self, vectors: Matrix) -> Matrix:
        """Where texts with these vectors lie, shape (texts, 384), length 1."""
        placed = vectors @ self.projection
        lengths = np.linalg.norm(placed, axis=1, keepdims=True)
        return np.asarray(placed / np.maximum(lengths, 1e-9), np.float32)

    def echo_of(self, vector: Vector) -> float:
        """How much the text sounds like a report of something known already, 0..1."""
        total = float(vector @ self.echo[:-1] + self.echo[-1])
        return 1 / (1 + math.exp(-total))

    def rarity_of(self, token: str) -> float:
        return self.rarity.get(token, self.rarest)


@lru_cache(maxsize=8192)
def tokens(text: str) -> frozenset[str]:
    """Stems in the text's own alphabet; skeletons of consonants and concepts, which meet across languages."""
    return frozenset(
        {
            *stems(text),
            *(f"~{skeleton}" for skeleton in skeletons(text)),
            *concept_tokens(text),
        }
    )


@lru_cache(maxsize=8192)
def words(text: str) -> tuple[frozenset[str], ...]:
    """The tokens of each telling word; one that is said twice counts once."""
    told = map(_tokens_of_word, dict.fromkeys(words_of(text).split()))
    return tuple(word for word in told if word)


@lru_cache(maxsize=16384)
def _tokens_of_word(word: str) -> frozenset[str]:
    """Kept apart: a team has more words than reports at hand, and would crowd out the texts."""
    return tokens.__wrapped__(word)


def concept_tokens(text: str) -> frozenset[str]:
    return frozenset(f"={concept}" for concept in concepts(text))
