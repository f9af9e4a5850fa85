"""The labelled pairs of `data/training`: groups of one base report, its duplicates and its look-alikes."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from apps.issues.dedup.base import Report
from tasktracker.lib.text import clean, fingerprint, language_of

DUPLICATES = ("near", "para", "cross", "cross2")
LOOKALIKES = ("hard_negative", "hard_negative_cross")
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)  # the pairs have no times

Vectors = npt.NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True)
class Row:
    """One labelled text."""

    group: str
    kind: str  # base, or one of DUPLICATES or LOOKALIKES
    report: Report


def read_rows(paths: Sequence[Path], embed: Embed) -> list[Row]:
    """Rows of files with lines {group_id, kind, lang, text}, with their vectors."""
    raw = [
        json.loads(line)
        for path in paths
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    texts = [clean(row["text"]) for row in raw]
    vectors = embed(texts)
    return [
        Row(row["group_id"], row["kind"], _report(text, vector))
        for row, text, vector in zip(raw, texts, vectors, strict=True)
    ]


def cached_embed(embed: Embed, model_name: str, path: Path) -> Embed:
    """`embed` that keeps its vectors in a file: a second calibration takes seconds."""

    def run(texts: Sequence[str]) -> Vectors:
        keys = [hashlib.sha256(f"{model_name}\0{text}".encode()).hexdigest() for text in texts]
        known = _load(path)
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
        if missing:
            known.update(zip(missing, embed(list(missing.values())), strict=True))
            path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(path, keys=np.array(list(known)), vectors=np.stack(list(known.values())))
        return np.stack([known[key] for key in keys])

    return run


def _load(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as stored:
        return dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))


def _report(text: str, vector: npt.NDArray[np.float32]) -> Report:
    return Report(text, fingerprint(text), language_of(text), _SOME_DAY, vector)
