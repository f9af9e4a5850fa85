"""Made-up pairs and talks for the training of the judge: a direction per problem, turned by how far a text is from it."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from apps.issues.dedup.corpus import Talk, Vectors, read_talks

KINDS = {
    "base": 0.0,
    "near": 0.2,
    "near2": 0.1,
    "cross": 0.4,
    "para": 1.5,
    "hard_negative": 0.9,
    "hard_negative_cross": 0.9,
}


def embed(texts: Sequence[str]) -> Vectors:
    """A direction per group, turned by how far the kind is from its base."""
    made = []
    for text in texts:
        number, kind = text.split()[-2:]
        generator = np.random.default_rng(int(number))
        own, noise = generator.normal(size=384), np.random.default_rng(len(text)).normal(size=384)
        turned = own + KINDS[kind] * noise
        made.append(turned / np.linalg.norm(turned))
    return np.array(made, np.float32)


def lines_of(first: int) -> Iterator[dict[str, Any]]:
    """Ten problems an hour apart; every second one is reported again two minutes later."""
    start = datetime(2026, 5, 4, 8, tzinfo=UTC)
    for number in range(first, first + 10):
        at = start + timedelta(hours=number)
        line = {"id": 10 * number + 1, "category": "bug", "reply_to": None, "duplicate_of": None}
        yield {**line, "at": at.isoformat(), "author": "a", "text": f"звіт {number} base"}
        if number % 2:
            again = {"id": 10 * number + 2, "duplicate_of": 10 * number + 1, "author": "b"}
            later = (at + timedelta(minutes=2)).isoformat()
            yield {**line, **again, "at": later, "text": f"теж саме {number} para"}


def write_talks(folder: Path) -> list[Talk]:
    """Six teams, as `data/training` has them."""
    (folder / "duplicates").mkdir()
    for place in range(6):
        lines = [json.dumps(line) for line in lines_of(100 * (place + 1))]
        (folder / "duplicates" / f"team{place}.jsonl").write_text("\n".join(lines))
    return read_talks(folder, embed)
