"""Learns the space of duplicates from blocks of labelled texts: one team, or a share of the pairs."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from apps.issues.dedup.base import matrix_of
from apps.issues.dedup.corpus import DUPLICATES, Row, Talk
from apps.issues.dedup.space import Space, tokens

#: Of the contrastive loss; chosen by cross-validation on the training texts.
EPOCHS = 60
LEARNING_RATE = 2e-3
TEMPERATURE = 0.07
PULL_TO_IDENTITY = 2e-2
ECHO_STRENGTH = 0.5  # inverse of the regularisation
MIN_DOCUMENTS = 2  # a token of one text only is as rare as an unknown one

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Block:
    """Texts that compete with each other: the same label, the same problem."""

    texts: Sequence[str]
    labels: Sequence[str]
    vectors: Array
    is_repeat: Sequence[bool]  # empty, where nobody knows which text was first


def block_of_talk(talk: Talk) -> Block:
    return Block(
        [report.text for report in talk.reports],
        [str(problem) for problem in talk.problems],
        matrix_of(talk.reports).astype(np.float64),
        [
            report.number != problem
            for report, problem in zip(talk.reports, talk.problems, strict=True)
        ],
    )


def block_of_rows(rows: Sequence[Row]) -> Block:
    """A look-alike is a problem of its own."""
    return Block(
        [row.report.text for row in rows],
        [
            row.group if row.kind in ("base", *DUPLICATES) else f"{row.group} {row.kind}"
            for row in rows
        ],
        matrix_of([row.report for row in rows]).astype(np.float64),
        [],
    )


def learn(blocks: Sequence[Block]) -> Space:
    """The same blocks give the same space."""
    rarity, rarest = _rarity([text for block in blocks for text in block.texts])
    return Space(
        # As precise as the file keeps them.
        projection=_projection(blocks).astype(np.float16).astype(np.float32),
        echo=_echo([block for block in blocks if len(block.is_repeat)]).astype(np.float32),
        rarity=rarity,
        rarest=rarest,
    )


def _rarity(texts: Sequence[str]) -> tuple[dict[str, float], float]:
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokens(text))
    return {
        token: float(np.float16(math.log(len(texts) / (1 + count))))
        for token, count in sorted(counts.items())
        if count >= MIN_DOCUMENTS
    }, round(math.log(len(texts) / 2), 3)


def _projection(blocks: Sequence[Block]) -> Array:
    """Supervised contrastive loss by Adam, held near the identity."""
    size = blocks[0].vectors.shape[1]
    identity = np.eye(size)
    weights, mean, spread = identity.copy(), np.zeros((size, size)), np.zeros((size, size))
    generator = np.random.default_rng(0)
    same = [_same(block.labels) for block in blocks]
    step = 0
    for _epoch in range(EPOCHS):
        for number in generator.permutation(len(blocks)):
            gradient = _gradient(blocks[number].vectors, same[number], weights)
            gradient += PULL_TO_IDENTITY * (weights - identity)
            step += 1
            mean = 0.9 * mean + 0.1 * gradient
            spread = 0.999 * spread + 0.001 * gradient**2
            corrected = np.sqrt(spread / (1 - 0.999**step)) + 1e-8
            weights -= LEARNING_RATE * mean / (1 - 0.9**step) / corrected
    return weights


def _same(labels: Sequence[str]) -> npt.NDArray[np.bool_]:
    array = np.array(labels)
    same = array[:, None] == array[None, :]
    np.fill_diagonal(same, False)
    return np.asarray(same)


def _gradient(vectors: Array, same: npt.NDArray[np.bool_], weights: Array) -> Array:
    placed = vectors @ weights
    lengths = np.linalg.norm(placed, axis=1, keepdims=True)
    unit = placed / lengths
    scores = unit @ unit.T / TEMPERATURE
    np.fill_diagonal(scores, -1e9)
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances = scores / scores.sum(axis=1, keepdims=True)
    counts = same.sum(axis=1, keepdims=True)
    pull = np.where(counts > 0, chances - same / np.maximum(counts, 1), 0.0)
    pull /= max(1, int((counts > 0).sum())) * TEMPERATURE
    of_unit = pull @ unit + pull.T @ unit
    of_placed = (of_unit - unit * (of_unit * unit).sum(axis=1, keepdims=True)) / lengths
    return np.asarray(vectors.T @ of_placed)


def _echo(blocks: Sequence[Block]) -> Array:
    """Logistic regression of "somebody has reported this already" on the text's vector."""
    size = blocks[0].vectors.shape[1] if blocks else 384
    if not blocks:
        return np.zeros(size + 1)
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=ECHO_STRENGTH, max_iter=2000)
    model.fit(
        np.concatenate([block.vectors for block in blocks]),
        np.concatenate([block.is_repeat for block in blocks]),
    )
    return np.concatenate([model.coef_[0], model.intercept_])
