"""`evaluate duplicates`: every text is decided against the open issues, as the live path does."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.issues.dedup.base import Match
from apps.issues.triage import find, open_issue
from apps.messages.context import embed_missing
from apps.messages.models import Message
from apps.sources.envelope import ChatReference, Envelope
from apps.sources.models import Chat
from tasktracker.management.evaluation import figures
from tasktracker.management.evaluation.reading import BadFile, read_lines
from tasktracker.management.evaluation.scratch import scratch_source

REQUIRED = frozenset({"group_id", "kind", "text"})
DUPLICATES = {"near": "near", "near2": "near", "para": "para", "cross": "cross", "cross2": "cross"}
TRAPS = frozenset({"hard_negative", "hard_negative_cross"})
KINDS = ("near", "para", "cross")


def evaluate_duplicates(path: Path, advance: Callable[[int, int], None]) -> dict[str, Any]:
    """All figures. The work happens in a transaction that is rolled back: nothing stays."""
    rows = list(read_lines(path, REQUIRED))
    unknown = {row["kind"] for row in rows} - {"base", *DUPLICATES, *TRAPS}
    if unknown:
        raise BadFile(f"{path}: unknown kinds {', '.join(sorted(map(str, unknown)))}")
    with transaction.atomic():
        counts = _decide_all(rows, advance)
        transaction.set_rollback(True)
    return _figures(counts)


def _decide_all(
    rows: Sequence[Mapping[str, Any]], advance: Callable[[int, int], None]
) -> "Counter[str]":
    source = scratch_source()
    chat = Chat.objects.create(source=source, external_id="evaluation")
    messages = [_message(row["text"], number, chat) for number, row in enumerate(rows)]
    vectors = embed_missing(messages)
    bases = {
        row["group_id"]: open_issue(message, entities={}).pk
        for row, message in zip(rows, messages, strict=True)
        if row["kind"] == "base"
    }
    counts: Counter[str] = Counter(bases=len(bases))
    for number, (row, message) in enumerate(zip(rows, messages, strict=True), start=1):
        if row["kind"] != "base":
            matches = find(message, source.project, vectors[message.pk])
            _count(counts, row["kind"], bases.get(row["group_id"]), matches)
        advance(number, len(rows))
    return counts


def _message(text: str, number: int, chat: Chat) -> Message:
    envelope = Envelope(
        source_id=chat.source_id,
        external_id=f"evaluation:{number}",
        chat=ChatReference(external_id=chat.external_id),
        text=text,
        sent_at=timezone.now() + timedelta(milliseconds=number),
    )
    message = Message.from_envelope(envelope, chat)
    message.status = Message.Status.FILED
    message.category, message.priority = "bug", "medium"
    message.due_at = None
    message.save()
    return message


def _count(counts: "Counter[str]", kind: str, own: int | None, matches: Sequence[Match]) -> None:
    """`own` is the issue of the text's group: the right one for a duplicate, the trap otherwise."""
    merged = matches[0].issue_id if matches and matches[0].is_same else None
    counts["texts"] += 1
    counts["merged"] += merged is not None
    counts["wrong_group"] += merged is not None and merged != own
    if kind in TRAPS:
        counts["traps"] += 1
        counts["trapped"] += merged is not None and merged == own
        return
    name = DUPLICATES[kind]
    first_three = [match.issue_id for match in matches[:3]]
    counts[f"{name} n"] += 1
    counts[f"{name} right"] += merged is not None and merged == own
    counts[f"{name} at 3"] += own in first_three
    counts["duplicates"] += 1
    counts["right"] += merged is not None and merged == own


def _figures(counts: "Counter[str]") -> dict[str, Any]:
    recall = {kind: figures.ratio(counts[f"{kind} right"], counts[f"{kind} n"]) for kind in KINDS}
    all_recall = figures.ratio(counts["right"], counts["duplicates"])
    precision = figures.ratio(counts["right"], counts["merged"])
    return {
        "n": counts["texts"],
        "bases": counts["bases"],
        "recall": {**recall, "all": all_recall},
        "hard_negative_merged": figures.ratio(counts["trapped"], counts["traps"]),
        "wrong_group_merged": figures.ratio(counts["wrong_group"], counts["texts"]),
        "suggested_at_3": {
            kind: figures.ratio(counts[f"{kind} at 3"], counts[f"{kind} n"]) for kind in KINDS
        },
        "precision": precision,
        "f1": figures.harmonic(precision, all_recall),
    }
