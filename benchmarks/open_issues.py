"""Fills a project with open issues for the benchmark of the search for duplicates.

Issues are the base reports of data/training with other numbers and names; their vectors lie between
those of two real reports, nearer to the one whose words they have. Django is imported when it is ready.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from apps.issues.models import Issue
    from apps.messages.models import Message
    from apps.sources.models import Chat, Project

Vectors = npt.NDArray[np.float32]

TRAINING = Path(__file__).resolve().parents[1] / "data" / "training"
CORPUS = ("dup_pairs.jsonl", "dup_pairs_extra.jsonl")
FILED, NEW = ("base", "hard_negative"), ("near", "cross", "para")
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
DAYS = 29  # inside the window of open issues
AT_ONCE = 2000
NOISE = 0.35  # length of what is neither of the two reports
SEED = 20261101


@dataclass(frozen=True)
class Corpus:
    """Real reports: some are copied into issues, the others come in as new ones."""

    filed: list[str]
    vectors: Vectors
    new: list[str]


def connection() -> Any:
    from django.db import connection as default

    return default


def read_corpus(reports: int) -> Corpus:
    from tasktracker.lib import embeddings
    from tasktracker.lib.text import clean

    rows = [
        json.loads(line)
        for name in CORPUS
        for line in (TRAINING / name).read_text(encoding="utf-8").splitlines()
    ]
    filed = [clean(row["text"]) for row in rows if row["kind"] in FILED]
    new = [clean(row["text"]) for row in rows if row["kind"] in NEW]
    random.Random(SEED).shuffle(new)  # noqa: S311 - a fixed order
    return Corpus(filed, embeddings.embed(filed), new[:reports])


def make_project(name: str) -> "tuple[Project, Chat]":
    from apps.sources.models import Chat, Project, Source

    project = Project.objects.create(name=name, slug=name)
    source = Source.objects.create(project=project, kind="file_import", name=name)
    return project, Chat.objects.create(source=source, external_id=name, title=name)


def fill(project: "Project", chat: "Chat", corpus: Corpus, count: int) -> None:
    """So many more open issues of one report each."""
    from apps.issues.models import Issue

    first = max(0, Issue.objects.filter(project=project).count() - 1)  # without the template
    draw = np.random.default_rng([SEED, project.pk, first])
    for start in range(first, first + count, AT_ONCE):
        insert(project, chat, corpus, range(start, min(start + AT_ONCE, first + count)), draw)
    with connection().cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def insert(
    project: "Project",
    chat: "Chat",
    corpus: Corpus,
    numbers: Sequence[int],
    draw: np.random.Generator,
) -> None:
    """As many copies of one issue of one report, with other words, times and vectors."""
    from apps.issues.models import Evidence, Issue
    from apps.messages.models import Embedding, Message
    from tasktracker.lib import embeddings

    message = Message.objects.filter(chat=chat).first() or template(project, chat)
    issue = Issue.objects.get(evidence__message=message)
    words = draw.integers(len(corpus.filed), size=len(numbers))
    texts = [reworded(corpus.filed[at], number) for at, number in zip(words, numbers, strict=True)]
    ages = draw.random(len(numbers)) * DAYS
    messages = copies(
        message,
        text=texts,
        text_hash=[f"benchmark:{number}" for number in numbers],
        external_id=[f"f{number}" for number in numbers],
        sent_at=[NOW - timedelta(days=float(age)) for age in ages],
    )
    issues = copies(issue, title=[text[:100] for text in texts])
    copies(Evidence.objects.get(message=message), message_id=messages, issue_id=issues)
    vectors = vectors_between(corpus.vectors, words, draw)
    name = embeddings.model_name()
    vector = Embedding(message=message, model=name, created_at=NOW)
    copies(vector, message_id=messages, vector=[f"[{','.join(map(str, row))}]" for row in vectors])


def template(project: "Project", chat: "Chat") -> "Message":
    """A report that is no candidate itself, and its issue: what the others are copies of."""
    from apps.issues.models import Evidence

    message = make_message(project, chat, "template", "template", NOW - timedelta(days=1000))
    message.save()
    issue = make_issue(project, message)
    issue.save()
    Evidence.objects.create(issue=issue, message=message, level=Evidence.Level.OPENED)
    return message


def copies(row: Any, **columns: Sequence[Any]) -> list[int]:
    """Rows like this one but for these columns; their ids, in order."""
    default = connection()
    fields = [field for field in row._meta.concrete_fields if not field.primary_key]
    values: list[Any] = []
    chosen = []
    for field in fields:
        if field.attname in columns:
            chosen.append(f"given.{field.column}")
        else:
            chosen.append("%s")
            values.append(field.get_db_prep_save(field.value_from_object(row), default))
    kinds = {field.attname: field.rel_db_type(default) for field in fields}
    arrays = ", ".join(f"%s::{kinds[name].split('(')[0]}[]" for name in columns)
    statement = (
        f"INSERT INTO {row._meta.db_table} ({', '.join(field.column for field in fields)})"  # noqa: S608
        f" SELECT {', '.join(chosen)} FROM unnest({arrays}) WITH ORDINALITY"
        f" AS given({', '.join(columns)}, place) ORDER BY place RETURNING id"
    )
    with default.cursor() as cursor:
        cursor.execute(statement, [*values, *map(list, columns.values())])
        return [number for (number,) in cursor.fetchall()]


def vectors_between(
    vectors: Vectors, nearer: npt.NDArray[np.int64], draw: np.random.Generator
) -> Vectors:
    """Each near to the real vector of its words, on the way to another, with some noise."""
    other = draw.integers(len(vectors), size=len(nearer))
    share = draw.uniform(0.6, 1.0, size=(len(nearer), 1))
    noise = draw.normal(size=(len(nearer), vectors.shape[1]))
    noise *= NOISE * draw.random((len(nearer), 1)) / np.linalg.norm(noise, axis=1, keepdims=True)
    mixed = share * vectors[nearer] + (1 - share) * vectors[other] + noise
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True), np.float32)


def reworded(text: str, number: int) -> str:
    """The same words about another screen."""
    return f"{text} (екран {number % 997}, build 4.{number % 89}.{number})"


def make_message(
    project: "Project", chat: "Chat", text: str, external_id: str, sent_at: datetime
) -> "Message":
    from apps.messages.models import Message
    from tasktracker.lib.text import fingerprint

    return Message(
        project=project,
        source_id=chat.source_id,
        chat=chat,
        external_id=external_id,
        author="Олена",
        author_id="7",
        text=text,
        text_hash=fingerprint(text),
        sent_at=sent_at,
        status=Message.Status.FILED,
        category="bug",
        priority="high",
        confidence=0.9,
    )


def make_issue(project: "Project", message: "Message") -> "Issue":
    from apps.issues.models import Issue

    return Issue(
        project=project,
        title=message.text[:100],
        description=message.text,
        category="bug",
        priority="high",
        confidence=0.9,
        reported_at=message.sent_at,
    )
