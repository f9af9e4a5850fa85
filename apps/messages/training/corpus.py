"""The labelled messages of `data/training`: single ones, and whole conversations with their context."""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from apps.messages.classifiers.base import Neighbour, Sample, Vector
from apps.messages.classifiers.conversation import (
    RECENT,
    Turn,
    change_neighbours,
    in_conversation,
)
from tasktracker.lib.text import clean

#: Single messages come in runs of one persona: a run stays on one side of a split.
PERSONA_RUN = 26
#: What has nothing to do with any project. Each persona's lines are read as one chat of three.
STRANGERS = "strangers"
STRANGERS_IN_A_CHAT = 3
BOT_NAME = re.compile(r"bot\b|alert|grafana|sentry|jenkins|uptime", re.IGNORECASE)
BOT_LINE = re.compile(
    r"^\W{0,4}(?:\[?(?:firing|resolved|recovery)\b|\[?(?:alert|problem|ok)\]?[:\]]|pipeline #|deploy #)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Example:
    """One message with its right answer.

    `group` ("source/part") says what must not be split by cross-validation; `weight` how much the
    training listens to it.
    """

    sample: Sample
    category: str
    priority: str
    group: str
    is_conversation: bool
    weight: float = 1.0

    @property
    def source(self) -> str:
        return self.group.partition("/")[0]

    @property
    def is_team_chat(self) -> bool:
        """Whether it stands in a conversation of people who report things to each other."""
        return self.is_conversation and self.source != STRANGERS


@dataclass(frozen=True)
class Line:
    """One message of a conversation file; without an answer it is only a neighbour."""

    number: int
    turn: Turn  # its category is the right answer
    priority: str | None
    reply_to: int | None = None
    is_forward: bool = False
    is_from_bot: bool = False


def read_corpus(folder: Path) -> list[Example]:
    """Every labelled message with text, always in the same order."""
    examples: list[Example] = []
    for path in sorted(folder.glob("part_*.jsonl")):
        examples += read_singles(path)
    examples += read_singles(folder / "singles.jsonl")
    examples += read_strangers(folder / "strangers.jsonl")
    for path in sorted((folder / "chats").glob("*/result.json")):
        lines = read_export(path, path.with_name("key.jsonl"))
        examples += conversation(lines, f"chats/{path.parent.name}")
    for name in ("conversations", "retold", "teams"):
        for path in sorted((folder / name).glob("*.jsonl")):
            examples += conversation(read_lines(path), f"{name}/{path.stem}")
    return [example for example in examples if not is_of_a_bot(example.sample)]


def is_of_a_bot(sample: Sample) -> bool:
    """Monitoring's and CI's lines are read by their format, never by the model."""
    return sample.is_from_bot or BOT_LINE.search(sample.text) is not None


def read_singles(path: Path) -> list[Example]:
    """Messages without a conversation, one JSON object per line."""
    if not path.exists():
        return []
    return [
        Example(
            Sample(clean(row["text"])),
            row["category"],
            row["priority"],
            group=f"{path.stem}/{row.get('persona', number // PERSONA_RUN)}",
            is_conversation=False,
        )
        for number, row in enumerate(_rows(path))
    ]


def read_strangers(path: Path) -> list[Example]:
    """Lines {text, category, priority, persona}, each after the persona's lines before it."""
    rows_of: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(path) if path.exists() else ():
        rows_of.setdefault(row["persona"], []).append(row)
    examples = []
    for persona, rows in rows_of.items():
        lines = [
            Line(
                number,
                Turn(
                    clean(row["text"]),
                    f"{persona}-{number % STRANGERS_IN_A_CHAT}",
                    datetime.fromtimestamp(60 * number, UTC),
                    row["category"],
                    number,
                ),
                row["priority"],
            )
            for number, row in enumerate(rows, start=1)
        ]
        examples += conversation(lines, f"{STRANGERS}/{persona}")
    return examples


def read_lines(path: Path) -> list[Line]:
    """A conversation as lines {id, at, from, text, reply_to, category, priority}."""
    return [
        Line(
            int(row["id"]),
            Turn(
                clean(row["text"]),
                row["from"],
                datetime.fromisoformat(row["at"]).replace(tzinfo=UTC),
                row["category"],
                int(row["id"]),
            ),
            row["priority"],
            row["reply_to"],
        )
        for row in _rows(path)
    ]


def read_export(export: Path, key: Path) -> list[Line]:
    """A Telegram Desktop export and its key {id, category, priority}."""
    answers = {row["id"]: row for row in _rows(key)}
    lines = []
    for message in json.loads(export.read_text(encoding="utf-8"))["messages"]:
        text, answer = _text(message), answers.get(message["id"], {})
        if text:
            sent_at = datetime.fromtimestamp(int(message["date_unixtime"]), UTC)
            turn = Turn(
                text,
                str(message.get("from_id", "")),
                sent_at,
                answer.get("category"),
                message["id"],
            )
            lines.append(
                Line(
                    message["id"],
                    turn,
                    answer.get("priority"),
                    message.get("reply_to_message_id"),
                    is_forward="forwarded_from" in message,
                    is_from_bot=BOT_NAME.search(str(message.get("from", ""))) is not None,
                )
            )
    return lines


def conversation(lines: Sequence[Line], group: str) -> list[Example]:
    """Each labelled message with what it answers and what was before."""
    by_number = {line.number: line.turn for line in lines}
    recent: deque[Turn] = deque(maxlen=RECENT)
    examples = []
    for line in lines:
        turn = line.turn
        if turn.text and turn.category is not None and line.priority is not None:
            sample = Sample(
                turn.text,
                sent_at=turn.sent_at,
                is_reply=line.reply_to is not None,
                is_forward=line.is_forward,
                is_from_bot=line.is_from_bot,
            )
            replied_to = None if line.reply_to is None else by_number.get(line.reply_to)
            sample = in_conversation(sample, turn, replied_to=replied_to, recent=list(recent))
            examples.append(Example(sample, turn.category, line.priority, group, True))
        if turn.text:
            recent.appendleft(turn)
    return examples


def texts_of(examples: Sequence[Example]) -> list[str]:
    """Each text to embed once, neighbours too, in order of appearance."""
    seen: dict[str, None] = {}
    for example in examples:
        sample = example.sample
        for part in (sample, sample.replied_to, sample.previous, *sample.recent):
            if part is not None:
                seen.setdefault(part.text)
    return list(seen)


def with_vectors(examples: Sequence[Example], vectors: Mapping[str, Vector]) -> list[Example]:
    """The examples with the vector of every text, neighbours too."""

    def seen(neighbour: Neighbour) -> Neighbour:
        return replace(neighbour, vector=vectors[neighbour.text])

    return [
        replace(
            example,
            sample=replace(
                change_neighbours(example.sample, seen), vector=vectors[example.sample.text]
            ),
        )
        for example in examples
    ]


def without_context(sample: Sample) -> Sample:
    """The same message as if nothing were known of its chat."""
    return replace(sample, replied_to=None, previous=None, recent=(), is_reply=False)


def _text(message: dict[str, Any]) -> str:
    """Plain text of an exported message: a string, or a list of strings and formatted pieces."""
    pieces = message.get("text") or ""
    if isinstance(pieces, list):
        pieces = "".join(p if isinstance(p, str) else p.get("text", "") for p in pieces)
    return clean(str(pieces)) if message.get("type") == "message" else ""


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
