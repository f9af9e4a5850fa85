"""`evaluate chat`: a whole exported chat through the whole live path, compared with its key."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from apps.issues.models import Evidence, Issue, Match
from apps.messages.classifiers.base import CATEGORIES, PRIORITIES
from apps.messages.history import import_history
from apps.messages.models import ACTIONABLE_CATEGORIES, Classification, Message
from tasktracker.management.evaluation import figures
from tasktracker.management.evaluation.reading import read_lines
from tasktracker.management.evaluation.scratch import scratch_source
from tasktracker.management.pipeline_processes import processing

REQUIRED = frozenset({"id", "category", "priority", "duplicate_of"})

Key = Mapping[int, Mapping[str, Any]]


def evaluate_chat(
    export: Path, key_file: Path, advance: Callable[[int, int], None]
) -> dict[str, Any]:
    """All figures of one run in a scratch project, which is removed afterwards."""
    key = {int(row["id"]): row for row in read_lines(key_file, REQUIRED)}
    source = scratch_source()
    started = time.monotonic()
    try:
        with processing():
            summary = import_history(export, source, advance)
        seconds = time.monotonic() - started
        return {
            "messages": summary.read,
            "stored": Message.objects.filter(source=source).count(),
            **_compare(source.pk, key),
            "seconds": round(seconds, 1),
        }
    finally:
        source.project.delete()


def _compare(source_id: int, key: Key) -> dict[str, Any]:
    messages = {
        _number(message.external_id): message
        for message in Message.objects.filter(source_id=source_id, is_superseded=False)
    }
    evidence = {
        _number(row.message.external_id): row
        for row in Evidence.objects.filter(message__source_id=source_id).select_related("message")
    }
    labelled = [number for number in key if number in messages]
    return {
        "category": figures.labels(
            [key[number]["category"] for number in labelled],
            [messages[number].category for number in labelled],
            CATEGORIES,
        ),
        "priority": figures.labels(
            [key[number]["priority"] for number in labelled],
            [messages[number].priority for number in labelled],
            PRIORITIES,
        ),
        **_issue_figures(key, evidence, _offered_first(source_id)),
        "criticals_missed_unseen": _unseen(key, messages, evidence),
        "fast_lane": _fast_lane(source_id, key),
        "issues_found": Issue.objects.filter(evidence__message__source_id=source_id)
        .distinct()
        .count(),
    }


def _unseen(key: Key, messages: Mapping[int, Message], evidence: Mapping[int, Evidence]) -> int:
    """Critical reports that are neither filed nor marked for a person's look."""
    return sum(
        number not in evidence and not messages[number].is_provisional
        for number, row in key.items()
        if row["category"] in ACTIONABLE_CATEGORIES
        and row["priority"] == "critical"
        and number in messages
    )


def _fast_lane(source_id: int, key: Key) -> dict[str, Any]:
    """Messages that paid for no vector, and the reports that were lost among them."""
    skimmed = {
        _number(external_id)
        for external_id in Classification.objects.filter(
            message__source_id=source_id, raw__is_skimmed=True
        ).values_list("message__external_id", flat=True)
    }
    texts = Message.objects.filter(source_id=source_id, is_superseded=False).exclude(text="")
    embedded = texts.filter(embeddings__isnull=False).distinct().count()
    return {
        "without_vector": texts.count() - embedded,
        "with_text": texts.count(),
        "skimmed": len(skimmed),
        "reports_lost": sum(
            key[number]["category"] in ACTIONABLE_CATEGORIES for number in skimmed & key.keys()
        ),
    }


def _issue_figures(
    key: Key, evidence: Mapping[int, Evidence], offered: Mapping[int, int]
) -> dict[str, Any]:
    """Recall and precision are of messages that report something; `issues_expected` counts problems.

    What only adds to a report ("+1", a log line) is evidence and no report: it is counted by itself.
    A false merge is a report that went to an issue of another problem, where nobody sees it.
    """
    reports = {number for number, row in key.items() if row["category"] in ACTIONABLE_CATEGORIES}
    counts: Counter[str] = Counter()
    openers = {
        row.issue_id: number
        for number, row in evidence.items()
        if row.level == Evidence.Level.OPENED
    }
    for number in reports:
        original = key[number]["duplicate_of"]
        found = evidence.get(number)
        counts["found"] += found is not None
        counts["critical missed"] += found is None and key[number]["priority"] == "critical"
        if original is None:
            counts["problems"] += 1
            continue
        counts["duplicates"] += 1
        of_original = evidence.get(int(original))
        is_attached = (
            found is not None and of_original is not None and found.issue_id == of_original.issue_id
        )
        counts["attached right"] += is_attached
        opener = openers.get(offered.get(number, 0))
        counts["suggested right"] += (
            not is_attached and opener is not None and _problem(key, opener) == int(original)
        )
    for number, row in evidence.items():
        if row.level == Evidence.Level.OPENED:
            continue
        is_report, is_follow_up = number in reports, row.level in Evidence.FOLLOW_UPS
        opener = openers.get(row.issue_id)
        is_other = opener is None or _problem(key, number) != _problem(key, opener)
        counts["false merges"] += is_report and is_other
        counts["chatter attached"] += not is_report and not is_follow_up
        counts["follow-ups"] += not is_report and is_follow_up
    return {
        "issues_expected": counts["problems"],
        "issue_recall": figures.ratio(counts["found"], len(reports)),
        "issue_precision": figures.ratio(counts["found"], len(evidence) - counts["follow-ups"]),
        "duplicates_expected": counts["duplicates"],
        "duplicates_attached_right": counts["attached right"],
        "duplicates_suggested_right": counts["suggested right"],
        "false_merges": counts["false merges"],
        "chatter_attached": counts["chatter attached"],
        "follow_ups_attached": counts["follow-ups"],
        "criticals_missed": counts["critical missed"],
    }


def _offered_first(source_id: int) -> dict[int, int]:
    """The issue that was suggested first for each message that opened one of its own."""
    rows = Match.objects.filter(
        message__source_id=source_id, outcome=Match.Outcome.SUGGESTED
    ).order_by("pk")
    first: dict[int, int] = {}
    for external_id, issue_id in rows.values_list("message__external_id", "issue_id"):
        first.setdefault(_number(external_id), issue_id)
    return first


def _problem(key: Key, number: int) -> int:
    """The first report of the problem that a message is about; chatter is about itself."""
    row = key.get(number)
    if row is None or row["duplicate_of"] is None:
        return number
    return int(row["duplicate_of"])


def _number(external_id: str) -> int:
    return int(external_id.rpartition(":")[2])
