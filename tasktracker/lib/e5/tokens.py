"""Cuts a text into the model's tokens: the most probable pieces, as XLM-RoBERTa's unigram model has them."""

import re
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from tasktracker.lib.e5.weights import UNKNOWN, ModelFile

_SPACE = "▁"  # pieces have it only in front, so each word can be cut by itself
_WORD = re.compile(f"{_SPACE}[^{_SPACE}]*")


class Tokenizer:
    def __init__(self, file: ModelFile) -> None:
        self._spellings = file.spellings
        self._longest = max(map(len, file.pieces()))
        # A dictionary of the pieces takes 27 MB in each process, their hashes 3.
        hashes = _hashes(file.pieces())
        self._tokens = hashes.argsort().astype(np.int32)
        self._hashes = hashes[self._tokens]
        self._scores = file.scores.copy()
        self._scores[UNKNOWN] = self._scores.min() - 10

    def tokens(self, text: str) -> list[int]:
        """Without start and end; a character that is no piece is UNKNOWN."""
        spelled = re.sub(" {2,}", " ", text.translate(self._spellings))
        spaced = (spelled if spelled.startswith(" ") else f" {spelled}").replace(" ", _SPACE)
        return [token for word in _WORD.findall(spaced) for token in self._pieces(word)]

    def _pieces(self, word: str) -> list[int]:
        """The pieces whose probabilities have the greatest product (Viterbi)."""
        best = [0.0] + [-np.inf] * len(word)
        last = [(0, UNKNOWN)] * (len(word) + 1)  # where the piece before this place starts
        for start, end, token, score in self._known(word):
            if best[start] + score > best[end]:
                best[end] = best[start] + score
                last[end] = start, token
        tokens: list[int] = []
        at = len(word)
        while at:
            at, token = last[at]
            tokens.append(token)
        return tokens[::-1]

    def _known(self, word: str) -> Iterator[tuple[int, int, int, float]]:
        """Start, end, token and score of every piece in the word, ordered by start."""
        spans = [
            (start, end)
            for start in range(len(word))
            for end in range(start + 1, min(start + self._longest, len(word)) + 1)
        ]
        tokens = self._find([word[start:end] for start, end in spans])
        for (start, end), token in zip(spans, tokens.tolist(), strict=True):
            if token != UNKNOWN or end == start + 1:
                yield start, end, token, float(self._scores[token])

    def _find(self, pieces: list[str]) -> npt.NDArray[np.int32]:
        hashes = _hashes(pieces)
        places = self._hashes.searchsorted(hashes) % len(self._hashes)
        return np.where(self._hashes[places] == hashes, self._tokens[places], np.int32(UNKNOWN))


def _hashes(pieces: Iterable[str]) -> npt.NDArray[np.int64]:
    """64 random bits for each. Of bytes: "ue" and "敵" have the same hash as strings."""
    return np.fromiter((hash(piece.encode()) for piece in pieces), np.int64)
