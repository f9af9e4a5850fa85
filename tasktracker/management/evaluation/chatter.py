"""`evaluate chatter`: lines that nobody labelled; how many of them would become issues."""

import random
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

from apps.messages.models import ACTIONABLE_CATEGORIES
from tasktracker.lib.text import shorten
from tasktracker.management.evaluation import figures
from tasktracker.management.evaluation.messages import local
from tasktracker.management.evaluation.reading import read_lines

SHOWN = 30  # of the flagged, for a person to judge


def evaluate_chatter(path: Path, limit: int, advance: Callable[[int, int], None]) -> dict[str, Any]:
    """The share that is called bug or feature, with a sample of it; raises BadFile."""
    rows = list(islice(read_lines(path, frozenset({"text"})), limit))
    flagged, quick = [], 0
    for number, row in enumerate(rows, start=1):
        said = local(row["text"])
        quick += said.is_quick
        if said.verdict.category in ACTIONABLE_CATEGORIES:
            flagged.append((said.verdict, row["text"]))
        advance(number, len(rows))
    shown = random.Random(1).sample(flagged, min(SHOWN, len(flagged)))  # noqa: S311 - a fair look
    return {
        "n": len(rows),
        "flagged": len(flagged),
        "flagged_share": figures.ratio(len(flagged), len(rows)),
        "fast_lane_share": figures.ratio(quick, len(rows)),
        "sample": {
            f"{number:02} {verdict.category} {verdict.confidence:.2f}": shorten(text, 160)
            for number, (verdict, text) in enumerate(shown, start=1)
        },
    }
