"""The corpus' vectors, made once and kept; and the language means, from which vectors are measured."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from apps.messages.classifiers.base import Vector
from apps.messages.classifiers.features import Matrix
from tasktracker.lib.text import language_of

EMBEDDED_AT_ONCE = 32

Advance = Callable[[int], None]
Embed = Callable[[Sequence[str]], Matrix]


def cached_vectors(
    texts: Sequence[str],
    model: str,
    embed: Embed,
    cache: Path,
    advance: Advance = lambda count: None,
) -> dict[str, Vector]:
    """Vectors by text. `cache` keeps them: embedding is most of the training time."""
    kept = _read_cache(cache, model)
    missing = [text for text in texts if _key(text) not in kept]
    advance(len(texts) - len(missing))
    for start in range(0, len(missing), EMBEDDED_AT_ONCE):
        batch = missing[start : start + EMBEDDED_AT_ONCE]
        kept.update(zip(map(_key, batch), embed(batch), strict=True))
        advance(len(batch))
    if missing:
        _write_cache(cache, model, kept)
    return {text: kept[_key(text)] for text in texts}


def language_means(raw: Mapping[str, Vector]) -> dict[str, Vector]:
    """The mean raw vector of each language; each text counts once."""
    means: dict[str, Vector] = {}
    for language in ("uk", "en"):
        chosen = [vector for text, vector in raw.items() if language_of(text) == language]
        mean: Vector = np.stack(chosen).mean(axis=0, dtype=np.float64).astype(np.float32)
        means[language] = mean
    return means


def write_means(path: Path, backend: str, means: Mapping[str, Vector]) -> None:
    """New means make other vectors: thresholds of duplicates and weights must be made anew."""
    np.savez_compressed(path, allow_pickle=False, model=np.array(backend), **dict(means))


def _key(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _read_cache(cache: Path, model: str) -> dict[str, Vector]:
    if not cache.exists():
        return {}
    with np.load(cache, allow_pickle=False) as stored:
        if "model" not in stored or str(stored["model"]) != model:
            return {}
        return dict(zip(map(str, stored["keys"]), stored["vectors"], strict=True))


def _write_cache(cache: Path, model: str, kept: Mapping[str, Vector]) -> None:
    cache.parent.mkdir(parents=True, exist_ok=True)
    partial = cache.with_suffix(".partial.npz")
    np.savez(
        partial,
        allow_pickle=False,
        model=np.array(model),
        keys=np.array(list(kept)),
        vectors=np.stack(list(kept.values())),
    )
    partial.replace(cache)  # a reader never meets half a file
