"""The labelled messages of `data/training`: single ones, and whole conversations with their context."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from apps.messages.classifiers.base import Neighbour, Sample, Vector
from tasktracker.lib.text import clean

#: Single messages come in runs of one persona: a run stays on one side of a split.
PERSONA_RUN = 26
PREVIOUS_WITHIN = 30 * 60  # seconds


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


def read_corpus(folder: Path) -> list[Example]:
    """Every labelled message with text: `part_*.jsonl` and `chats/*/`, always in the same order."""
    examples: list[Example] = []
    for path in sorted(folder.glob("part_*.jsonl")):
        examples += read_singles(path)
    for path in sorted((folder / "chats").glob("*/result.json")):
        examples += read_conversation(path, path.with_name("key.jsonl"))
    return examples


def read_singles(path: Path) -> list[Example]:
    """Messages without a conversation, one JSON object per line."""
    return [
        Example(
            Sample(clean(row["text"])),
            row["category"],
            row["priority"],
            group=f"{path.stem}/{number // PERSONA_RUN}",
            is_conversation=False,
        )
        for number, row in enumerate(_rows(path))
    ]


def read_conversation(export: Path, key: Path) -> list[Example]:
    """A Telegram Desktop export and its key: each message with what it answers and what was before."""
    answers = {row["id"]: row for row in _rows(key)}
    messages = json.loads(export.read_text(encoding="utf-8"))["messages"]
    by_id = {message["id"]: message for message in messages}
    previous: dict[str, Any] | None = None
    examples = []
    for message in messages:
        text = _text(message)
        if not text or message["id"] not in answers:
            continue
        reply_id = message.get("reply_to_message_id")
        sample = Sample(
            text,
            replied_to=_neighbour(by_id.get(reply_id), message, answers),
            previous=_neighbour(previous, message, answers, within=PREVIOUS_WITHIN),
            is_reply=reply_id is not None,
            is_forward="forwarded_from" in message,
        )
        answer = answers[message["id"]]
        group = f"chat/{export.parent.name}"
        examples.append(Example(sample, answer["category"], answer["priority"], group, True))
        previous = message
    return examples


def texts_of(examples: Sequence[Example]) -> list[str]:
    """Each text to embed once, neighbours too, in order of appearance."""
    seen: dict[str, None] = {}
    for example in examples:
        for part in (example.sample, example.sample.replied_to, example.sample.previous):
            if part is not None:
                seen.setdefault(part.text)
    return list(seen)


def with_vectors(examples: Sequence[Example], vectors: Mapping[str, Vector]) -> list[Example]:
    """The examples with the vector of every text, neighbours too."""
    return [replace(example, sample=place_vectors(example.sample, vectors)) for example in examples]


def place_vectors(sample: Sample, vectors: Mapping[str, Vector]) -> Sample:
    """The sample with the vectors of its own text and of its neighbours' texts."""

    def seen(neighbour: Neighbour | None) -> Neighbour | None:
        return neighbour and replace(neighbour, vector=vectors[neighbour.text])

    return replace(
        sample,
        vector=vectors[sample.text],
        replied_to=seen(sample.replied_to),
        previous=seen(sample.previous),
    )


def change_neighbours(sample: Sample, change: Callable[[Neighbour], Neighbour]) -> Sample:
    """The sample with `change` applied to each neighbour it has."""
    return replace(
        sample,
        replied_to=sample.replied_to and change(sample.replied_to),
        previous=sample.previous and change(sample.previous),
    )


def without_context(sample: Sample) -> Sample:
    """The same message as if nothing were known of its chat."""
    return replace(sample, replied_to=None, previous=None, is_reply=False)


def _neighbour(
    message: dict[str, Any] | None,
    of: dict[str, Any],
    answers: dict[int, dict[str, Any]],
    within: float = float("inf"),
) -> Neighbour | None:
    if message is None or not _text(message):
        return None
    seconds = float(of["date_unixtime"]) - float(message["date_unixtime"])
    if seconds > within:
        return None
    return Neighbour(
        text=_text(message),
        vector=None,
        category=answers.get(message["id"], {}).get("category"),
        is_same_author=message.get("from_id") == of.get("from_id"),
        seconds_before=seconds,
    )


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
