"""The labelled texts of `data/training`: groups of a base report with its duplicates and look-alikes,
and whole talks in which some reports repeat earlier ones.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from apps.issues.dedup.base import Report
from apps.messages.training.corpus import read_export
from tasktracker.lib.text import clean, fingerprint, language_of

DUPLICATES = ("near", "near2", "para", "cross", "cross2")
REPORTS = ("bug", "feature")
#: What a case of a talk is: from a chat or weeks as life has them, from a chat in which much more is told again, from
#: reports that were written to be hard, or from a burst, after all else or in a new project.
CHAT, RETOLD, TALK = "chat", "retold", "talk"
BURST, BURST_IN_NEW = "burst", "burst in a new project"
KIND_OF_FOLDER = {
    "weeks": CHAT,
    "conversations": CHAT,
    "teams": CHAT,
    "retold": RETOLD,
    "duplicates": TALK,
}
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


@dataclass(frozen=True)
class Talk:
    """The reports of one team in the order of time; `problems` says which of them are about one thing."""

    name: str
    reports: Sequence[Report]
    problems: Sequence[int]  # the number of the first report of the same problem
    kind: str = TALK  # CHAT, RETOLD or TALK


def read_rows(paths: Sequence[Path], embed: Embed) -> list[Row]:
    """Rows of files with lines {group_id, kind, lang, text}, with their vectors."""
    raw = [line for path in paths for line in _lines(path)]
    texts = [clean(row["text"]) for row in raw]
    vectors = embed(texts)
    return [
        Row(row["group_id"], row["kind"], _report(text, vector))
        for row, text, vector in zip(raw, texts, vectors, strict=True)
    ]


def read_talks(folder: Path, embed: Embed) -> list[Talk]:
    """The talks of all folders below `folder`; only what reports something.

    `chats/*/result.json` are exports with a key. Lines of `weeks` and `duplicates` are {id, at, author, category, text,
    reply_to, duplicate_of}; `conversations`, `retold` and `teams`, which teach classification too, say `from` and `of`.
    Raises ValueError when two have the same name, by which folds are made.
    """
    talks = [
        _talk(path.parent.name, CHAT, list(_exported(path)), embed)
        for path in sorted((folder / "chats").glob("*/result.json"))
    ]
    for name, kind in KIND_OF_FOLDER.items():
        talks += [
            _talk(path.stem, kind, [_as_written(line) for line in _lines(path)], embed)
            for path in sorted((folder / name).glob("*.jsonl"))
        ]
    if len({talk.name for talk in talks}) < len(talks):
        raise ValueError(f"two talks of {folder} have the same name")
    return talks


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


def _lines(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.strip()]


def _exported(path: Path) -> Iterator[dict[str, Any]]:
    first_of = {row["id"]: row["duplicate_of"] for row in _lines(path.with_name("key.jsonl"))}
    for line in read_export(path, path.with_name("key.jsonl")):
        yield {
            "id": line.number,
            "at": line.turn.sent_at.isoformat(),
            "author": line.turn.author_id,
            "category": line.turn.category,
            "text": line.turn.text,
            "reply_to": line.reply_to,
            "duplicate_of": first_of.get(line.number),
        }


def _as_written(line: dict[str, Any]) -> dict[str, Any]:
    """With the names that `weeks` have, where it is of a conversation."""
    if "from" not in line:
        return line
    return {**line, "author": line["from"], "duplicate_of": line["of"]}


def _talk(name: str, kind: str, lines: Sequence[Mapping[str, Any]], embed: Embed) -> Talk:
    told = [line for line in lines if line["category"] in REPORTS]
    texts = [clean(line["text"]) for line in told]
    return Talk(
        name,
        [
            _said(line, text, vector)
            for line, text, vector in zip(told, texts, embed(texts), strict=True)
        ],
        [int(line["duplicate_of"] or line["id"]) for line in told],
        kind,
    )


def _said(line: Mapping[str, Any], text: str, vector: npt.NDArray[np.float32]) -> Report:
    sent_at = datetime.fromisoformat(line["at"])
    return Report(
        text,
        fingerprint(text),
        language_of(text),
        sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC),
        vector,
        line["category"],
        number=int(line["id"]),
        author=str(line["author"]) or "?",
        answers=line["reply_to"],
    )


def _load(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    if not path.exists():
        return {}
    with np.load(path, allow_pickle=False) as stored:
        return dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))


def _report(text: str, vector: npt.NDArray[np.float32]) -> Report:
    return Report(text, fingerprint(text), language_of(text), _SOME_DAY, vector)
