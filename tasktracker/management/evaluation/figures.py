"""The figures that evaluations share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support


def ratio(part: float, whole: float) -> float | None:
    """Rounded to four digits; None when there is nothing to divide by."""
    return round(part / whole, 4) if whole else None


def harmonic(precision: float | None, recall: float | None) -> float | None:
    if not precision or not recall:
        return None if precision is None or recall is None else 0.0
    return round(2 * precision * recall / (precision + recall), 4)


def labels(expected: Sequence[str], said: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Accuracy, macro-F1 over the classes of `names` that occur, and each class.

    What was not answered is wrong, and no class of its own.
    """
    if not expected:
        return {"accuracy": None, "macro_f1": None, "per_class": {}}
    occurring = [name for name in names if name in expected or name in said]
    macro = f1_score(expected, said, labels=occurring, average="macro", zero_division=0)
    columns = precision_recall_fscore_support(expected, said, labels=names, zero_division=0)
    return {
        "accuracy": round(float(accuracy_score(expected, said)), 4),
        "macro_f1": round(float(macro), 4),
        "per_class": {
            name: {
                "precision": round(float(precision), 4),
                "recall": round(float(recall), 4),
                "f1": round(float(f1), 4),
                "n": int(count),
            }
            for name, precision, recall, f1, count in zip(names, *columns, strict=True)
        },
    }


def percentiles(milliseconds: Sequence[float]) -> dict[str, float]:
    if not milliseconds:
        return {}
    return {
        "p50": round(float(np.percentile(milliseconds, 50)), 2),
        "p95": round(float(np.percentile(milliseconds, 95)), 2),
    }


class SetCounter:
    """Precision, recall and F1 of sets of things, added up over many messages."""

    def __init__(self) -> None:
        self.right = self.found = self.expected = self.recalled = 0

    def add(self, *, right: int, found: int, expected: int, recalled: int) -> None:
        self.right += right
        self.found += found
        self.expected += expected
        self.recalled += recalled

    def figures(self) -> dict[str, float | None]:
        precision, recall = ratio(self.right, self.found), ratio(self.recalled, self.expected)
        return {"precision": precision, "recall": recall, "f1": harmonic(precision, recall)}


def flatten(figures: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Nested figures as lines for people."""
    lines: list[tuple[str, Any]] = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            lines += flatten(value, f"{prefix}{name} ")
        else:
            lines.append((f"{prefix}{name}", value))
    return lines
