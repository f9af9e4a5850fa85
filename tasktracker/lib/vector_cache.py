"""Vectors of texts that were embedded a short time ago, shared by every process through Valkey.

Nothing depends on it: PostgreSQL keeps the vectors of messages, and without either the model makes them
again. A key is a keyed hash, a value only numbers. The cache is a table of fixed size where a newer text
takes the place of an older one, because Celery's queues live in the same memory and must never lack it.
"""

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import redis
from django.conf import settings
from django.utils.crypto import salted_hmac

logger = logging.getLogger(__name__)

Vector = npt.NDArray[np.float32]
Result = TypeVar("Result")

PLACES = 8192  # about 15 MB with vectors of 384 numbers
KEEP = 86_400  # seconds; older texts are found in PostgreSQL
TIMEOUT = 0.2  # seconds; a vector takes the model about 50 ms
REST = 30.0  # seconds without a question after a failure
SOURCES = ("valkey", "postgresql", "model")
NAME = "vectors"  # of every key
_DIGEST = hashlib.sha256().digest_size

_rests_until = 0.0


def recall(model: str, texts: Iterable[str]) -> dict[str, Vector]:
    """The vectors that are known, by text: exactly those that the model gave."""
    wanted = list(dict.fromkeys(texts))
    if not wanted:
        return {}
    digests = [_digest(model, text) for text in wanted]
    values: list[bytes | None] = _safely(
        lambda: _valkey().mget([_place(digest) for digest in digests]), []
    )
    found = {}
    for text, digest, value in zip(wanted, digests, values, strict=False):
        vector = _read(digest, value)
        if vector is not None:
            found[text] = vector
    return found


def keep(model: str, vectors: Mapping[str, Vector]) -> None:
    """Remember vectors by the text that was embedded."""
    if not vectors:
        return

    def write() -> None:
        with _valkey().pipeline(transaction=False) as pipeline:
            for text, vector in vectors.items():
                digest = _digest(model, text)
                value = digest + np.asarray(vector, "<f4").tobytes()
                pipeline.set(_place(digest), value, ex=KEEP)
            pipeline.execute()

    _safely(write, None)


def forget(model: str, texts: Iterable[str]) -> None:
    """Keep the vectors of these texts no longer."""

    def drop() -> None:
        digests = [_digest(model, text) for text in dict.fromkeys(texts)]
        places = [_place(digest) for digest in digests]
        kept = _valkey().mget(places) if places else []
        ours = [
            place
            for place, digest, value in zip(places, digests, kept, strict=True)
            if value is not None and value[:_DIGEST] == digest  # not a newer text's
        ]
        if ours:
            _valkey().delete(*ours)

    _safely(drop, None)


def count(**found: int) -> None:
    """Add up where vectors came from: `valkey`, `postgresql` or `model`."""

    def add() -> None:
        with _valkey().pipeline(transaction=False) as pipeline:
            for source, number in found.items():
                pipeline.hincrby(f"{NAME}:counts", source, number)
            pipeline.execute()

    _safely(add, None)


def counts() -> dict[str, int]:
    """How many vectors each source gave since Valkey started; empty when it is away."""
    kept: dict[bytes, bytes] = _safely(lambda: _valkey().hgetall(f"{NAME}:counts"), {})
    return {source: int(kept.get(source.encode(), 0)) for source in SOURCES} if kept else {}


def _digest(model: str, text: str) -> bytes:
    """Keyed: who reads Valkey cannot tell a text by trying it."""
    return salted_hmac("vectors", f"{model}\0{text}", algorithm="sha256").digest()


def _place(digest: bytes) -> str:
    return f"{NAME}:{int.from_bytes(digest[:4]) % PLACES}"


def _read(digest: bytes, value: bytes | None) -> Vector | None:
    if value is None or value[:_DIGEST] != digest or (len(value) - _DIGEST) % 4:
        return None
    vector = np.frombuffer(value[_DIGEST:], "<f4").astype(np.float32)
    return vector if vector.size and np.isfinite(vector).all() else None


@lru_cache(maxsize=1)
def _valkey() -> Any:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
    )


def _safely(call: Callable[[], Result], otherwise: Result) -> Result:
    """After a failure nobody asks for a while: a message must not wait for a cache."""
    global _rests_until
    if time.monotonic() < _rests_until:
        return otherwise
    try:
        result = call()
    except (redis.RedisError, OSError) as error:
        if not _rests_until:
            logger.warning("vectors are not cached: Valkey gave %s", type(error).__name__)
        _rests_until = time.monotonic() + REST
        return otherwise
    _rests_until = 0.0
    return result
