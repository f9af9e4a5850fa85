"""Whether a confidence keeps its promise: of answers given with 0.9, nine in ten should be right."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

BANDS = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0001)
BINS = 10


def calibration(
    expected: Sequence[str],
    said: Sequence[str],
    confidence: Sequence[float],
    scores: Sequence[Mapping[str, float]],
) -> dict[str, Any]:
    """Expected calibration error, Brier score (sum over the classes) and a band per line."""
    rows = [
        (sure, right == answer)
        for right, answer, sure in zip(expected, said, confidence, strict=True)
    ]
    brier = [
        sum((share - (name == right)) ** 2 for name, share in shares.items())
        for right, shares in zip(expected, scores, strict=True)
        if shares
    ]
    return {
        "ece": _error(rows),
        "brier": round(sum(brier) / len(brier), 4) if brier else None,
        "bands": _bands(rows),
    }


def _error(rows: Sequence[tuple[float, bool]]) -> float | None:
    """The mean distance between promised and kept, over ten bands of equal width."""
    if not rows:
        return None
    distance = 0.0
    for place in range(BINS):
        band = [row for row in rows if min(int(row[0] * BINS), BINS - 1) == place]
        distance += abs(sum(sure for sure, _right in band) - sum(right for _sure, right in band))
    return round(distance / len(rows), 4)


def _bands(rows: Sequence[tuple[float, bool]]) -> dict[str, dict[str, float]]:
    table = {}
    for low, high in pairwise(BANDS):
        band = [row for row in rows if low <= row[0] < high]
        if band:
            table[f"{low}-{min(high, 1.0)}"] = {
                "n": len(band),
                "promised": round(sum(sure for sure, _right in band) / len(band), 3),
                "right": round(sum(right for _sure, right in band) / len(band), 3),
            }
    return table
