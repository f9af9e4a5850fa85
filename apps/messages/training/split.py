"""Which labelled messages no training sees, so that every version can be compared on them.

Texts that say nearly the same stay on one side: a paraphrase in training would give the answer away.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from apps.messages.classifiers.features import Matrix
from apps.messages.training.corpus import Example
from tasktracker.lib.text import fingerprint

SPLIT_VERSION = 1  # a new number makes the figures of older versions incomparable
KEPT_OUT_OF = 10  # one group of texts in so many
#: Cosine of two texts that say the same: half of the paraphrases of the duplicates' corpus are nearer,
#: no two unrelated reports are (0.46).
NEAR = 0.6
ROWS_AT_ONCE = 512
ROUNDING = 1e-4
LEARN, KEPT_OUT, DROPPED = 0, 1, 2


@dataclass(frozen=True)
class Split:
    learn: list[Example]
    kept_out: list[Example]
    dropped: list[Example]  # near to texts on both sides


def split(corpus: Sequence[Example], corrected: Sequence[Example]) -> Split:
    """Corrections join the side of what they resemble, oldest first: later ones move nothing.

    Every sample carries its vector.
    """
    examples = [*corpus, *corrected]
    vectors = _matrix(examples)
    words = [_words(example) for example in examples]
    sides = np.zeros(len(examples), np.int8)
    for group in _groups(examples[: len(corpus)], vectors[: len(corpus)], words):
        sides[group] = _side_of(words[number] for number in group)
    same = {word: int(side) for word, side in zip(words[: len(corpus)], sides, strict=False)}
    for number in range(len(corpus), len(examples)):
        is_near = vectors[:number] @ vectors[number] >= NEAR
        near = {int(side) for side in sides[:number][is_near]}
        near.add(same.get(words[number], DROPPED))
        sides[number] = _side_among(near - {DROPPED}, words[number])
        same.setdefault(words[number], int(sides[number]))
    learn, kept_out, dropped = (
        [example for example, side in zip(examples, sides, strict=True) if side == wanted]
        for wanted in (LEARN, KEPT_OUT, DROPPED)
    )
    return Split(learn, kept_out, dropped)


def leaks(parts: Split) -> list[tuple[str, str]]:
    """Pairs of nearly the same text on both sides; there must be none."""
    if not parts.learn:
        return []
    learnt, kept_out = _matrix(parts.learn), _matrix(parts.kept_out)
    words = [_words(example) for example in parts.learn]
    found = []
    for number, example in enumerate(parts.kept_out):
        near = learnt @ kept_out[number] >= NEAR + ROUNDING
        found += [
            (example.sample.text, other.sample.text)
            for other, is_near, other_words in zip(parts.learn, near, words, strict=True)
            if is_near or other_words == _words(example)
        ]
    return found


def _groups(examples: Sequence[Example], vectors: Matrix, words: Sequence[str]) -> list[list[int]]:
    """Numbers of examples that say nearly the same, directly or through others."""
    leader = _leaders(len(examples), _near_pairs(vectors, words))
    groups: dict[int, list[int]] = {}
    for number in range(len(examples)):
        groups.setdefault(leader(number), []).append(number)
    return list(groups.values())


def _near_pairs(vectors: Matrix, words: Sequence[str]) -> Iterable[tuple[int, int]]:
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        rows, columns = np.where(vectors[start : start + ROWS_AT_ONCE] @ vectors.T >= NEAR)
        yield from zip((rows + start).tolist(), columns.tolist(), strict=True)
    first: dict[str, int] = {}
    for number in range(len(vectors)):
        yield number, first.setdefault(words[number], number)


def _leaders(count: int, pairs: Iterable[tuple[int, int]]) -> Callable[[int], int]:
    """Union-find: who stands for each number's group."""
    parents = list(range(count))

    def leader(number: int) -> int:
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    for one, other in pairs:
        parents[leader(one)] = leader(other)
    return leader


def _side_among(near: set[int], words: str) -> int:
    if not near:
        return _side_of([words])
    return near.pop() if len(near) == 1 else DROPPED


def _side_of(words: Iterable[str]) -> int:
    """By the words themselves: the same on every machine and in every training."""
    drawn = int(hashlib.sha256(min(words).encode()).hexdigest(), 16)
    return KEPT_OUT if drawn % KEPT_OUT_OF == 0 else LEARN


def _words(example: Example) -> str:
    return fingerprint(example.sample.text) or example.sample.text


def _matrix(examples: Sequence[Example]) -> Matrix:
    vectors = [example.sample.vector for example in examples if example.sample.vector is not None]
    if len(vectors) != len(examples):
        raise ValueError("every example needs its vector")
    return np.stack(vectors) if vectors else np.zeros((0, 1), np.float32)
