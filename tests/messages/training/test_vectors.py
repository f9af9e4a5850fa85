"""Vectors are made once, and centred by language."""

import numpy as np

from apps.messages.training.vectors import cached_vectors, language_means
from tasktracker.lib.embeddings import centre
from tasktracker.lib.text import language_of
from tests.messages.training.conftest import small_corpus, vectors_of


def test_embedding_is_done_once(tmp_path):
    embedded = []

    def embed(texts):
        embedded.extend(texts)
        return np.ones((len(texts), 384), np.float32)

    for texts in (["a", "b"], ["b", "c"]):
        cached_vectors(texts, "model-1", embed, tmp_path / "v.npz")
    assert embedded == ["a", "b", "c"]

    cached_vectors(["a"], "model-2", embed, tmp_path / "v.npz")
    assert embedded == ["a", "b", "c", "a"]


def test_centred_vectors_of_a_language_have_no_common_direction_left():
    raw = {
        text: (vector + 2) / np.linalg.norm(vector + 2)
        for text, vector in vectors_of(small_corpus()).items()
    }

    texts = list(raw)
    rows = centre(np.stack(list(raw.values())), texts, language_means(raw))
    after = dict(zip(texts, rows, strict=True))

    for language in ("uk", "en"):
        chosen = np.stack([after[text] for text in raw if language_of(text) == language])
        assert np.linalg.norm(chosen.mean(axis=0)) < 0.1
        assert np.allclose(np.linalg.norm(chosen, axis=1), 1, atol=1e-5)
