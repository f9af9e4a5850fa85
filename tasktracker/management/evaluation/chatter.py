"""`evaluate chatter`: lines that nobody labelled; how many of them would become issues."""

import random
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from apps.messages.classifiers.base import Sample
from apps.messages.classifiers.conversation import RECENT, Turn, in_conversation
from apps.messages.models import ACTIONABLE_CATEGORIES
from tasktracker.lib.text import shorten
from tasktracker.management.evaluation import figures
from tasktracker.management.evaluation.messages import answer_locally
from tasktracker.management.evaluation.reading import read_lines

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
SHOWN = 30  # of the flagged, for a person to judge


def evaluate_chatter(
    path: Path, limit: int, advance: Callable[[int, int], None], *, is_chat: bool = False
) -> dict[str, Any]:
    """The share that is called bug or feature, with a sample of it; raises BadFile.

    Each line stands alone, or all are one chat in which each line sees the ones before it.
    """
    rows = list(islice(read_lines(path, frozenset({"text"})), limit))
    flagged, quick = [], 0
    recent: deque[Turn] = deque(maxlen=RECENT)
    for number, row in enumerate(rows, start=1):
        sent_at = START + timedelta(minutes=number)
        turn = Turn(row["text"], str(row.get("user", "")), sent_at, number=number)
        sample = in_conversation(Sample(row["text"]), turn, replied_to=None, recent=list(recent))
        said = answer_locally(sample)
        if is_chat:
            recent.appendleft(replace(turn, category=said.verdict.category))
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
