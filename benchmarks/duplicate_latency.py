"""How long the search for duplicates takes when a project has 1,000, 10,000 and 100,000 open issues.

    .venv/bin/python benchmarks/duplicate_latency.py [--sizes 1000,10000,100000] [--reports 100]

Starts services of its own in a temporary folder and removes them. Fills one project step by step beside
a neighbour as large as the largest size, then times for each new report: its vector (never a cached
one), the candidates, the levels and the judge. The same reports are searched with the exact scan and
with the index, in turns, so both see the same machine. Prints milliseconds by the clock and of the
processor (this process and its PostgreSQL session), the latter in parts, and how many of the 20 reports
that the exact scan finds the other way finds too.

Issues are the base reports of data/training with other numbers and names; their vectors lie between
those of two real reports, nearer to the one whose words they have. The new reports are real ones, with
their real vectors.
"""

import argparse
import atexit
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from apps.issues.models import Issue
    from apps.messages.models import Message
    from apps.sources.models import Chat, Project

Vectors = npt.NDArray[np.float32]

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--neighbour", type=int, help="Issues of the other project.")
    parser.add_argument("--reports", type=int, default=100)
    options = parser.parse_args()
    sizes = sorted(int(size) for size in options.sizes.split(","))
    start_services()
    corpus = read_corpus(options.reports)
    project, chat = make_project("benchmark")
    other, other_chat = make_project("neighbour")
    fill(other, other_chat, corpus, sizes[-1] if options.neighbour is None else options.neighbour)
    filled = 0
    say("    open  search       p50     p95 cpu p50 cpu p95   vector, search, levels; recall@20")
    for size in sizes:
        fill(project, chat, corpus, size - filled)
        filled = size
        measure(project, chat, corpus.new, size)


def start_services() -> None:
    """PostgreSQL, NATS and Valkey in a folder that goes away, and Django on them."""
    from tasktracker.devstack.embedded import EmbeddedServices
    from tasktracker.devstack.folder import DataFolder

    folder = DataFolder(Path(tempfile.mkdtemp(prefix="tasktracker-benchmark-")))
    atexit.register(shutil.rmtree, folder.path, ignore_errors=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what follows happens
    services = EmbeddedServices(folder, durable=False)
    atexit.register(services.stop)
    services.start()
    os.environ.update(services.urls, DATA_DIR=str(folder.path), LOG_LEVEL="WARNING")
    set_up()
    # Only lists of the admin search by parts of words; without these the filling takes a third of the time.
    with connection().cursor() as cursor:
        cursor.execute("DROP INDEX message_text, message_author, issue_title")


def connection() -> Any:
    from django.db import connection as default

    return default


def set_up() -> None:
    from tasktracker.devstack.processes import THREADS

    os.environ.update(THREADS)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tasktracker.settings.dev")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def read_corpus(reports: int) -> Corpus:
    from tasktracker.lib import embeddings
    from tasktracker.lib.text import clean

    rows = [
        json.loads(line)
        for name in CORPUS
        for line in (ROOT / "data" / "training" / name).read_text(encoding="utf-8").splitlines()
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


# Measuring


def measure(project: "Project", chat: "Chat", texts: Sequence[str], size: int) -> None:
    """Every way of searching in turns, report by report."""
    from apps.issues import vector_index
    from tasktracker.lib import embeddings

    reports = [
        make_message(project, chat, text, f"n{number}", NOW) for number, text in enumerate(texts)
    ]
    for number, report in enumerate(reports, start=1):
        report.pk = -number  # never stored
    model = embeddings.model_name()
    dimensions = len(embeddings.embed(["."])[0])
    index = vector_index.Index(project.pk, model, dimensions)
    started = time.perf_counter()
    vector_index.build(index)  # for every size, to compare with
    built = time.perf_counter() - started
    with connection().cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    times: dict[str, list[list[tuple[float, float]]]] = {way: [] for way in WAYS}
    found: dict[str, list[set[int]]] = {way: [] for way in WAYS}
    decide(project, reports[0])  # loads the model, opens the connection
    for report in reports:
        unread = None
        for way, rows in times.items():
            with searching(way):
                took = decide(project, report)
                # Only the first way meets texts that nobody has analysed; that counts for all.
                unread = unread or took[LEVELS]
                rows.append([*took[:LEVELS], unread])
                found[way].append(nearest_to(project, report))
    for way, rows in times.items():
        say(line(size, way, rows, recall(found["exact"], found[way])))
    say(f"{size:>8}  index built in {built:.0f} s")
    vector_index.drop(index.name)  # filling on would be slow


WAYS = ("exact", "index", "chosen")
LEVELS = 2  # of the parts


def searching(way: str) -> AbstractContextManager[Any]:
    """Search this way whatever the size; `chosen` is what the product does."""
    from apps.issues import nearest, vector_index

    limit = {"exact": 10**9, "index": 0}.get(way, vector_index.EXACT_UP_TO)
    return patch.object(nearest, "EXACT_UP_TO", limit)


def decide(project: "Project", report: "Message") -> list[tuple[float, float]]:
    """Milliseconds, by the clock and of the processor: the vector, the candidates, the levels."""
    from apps.issues.comparison import compare, thresholds_of
    from apps.issues.search import candidates, report_of
    from apps.messages.glossary import own_spellings
    from tasktracker.lib import embeddings

    times = [(time.perf_counter(), processor_time())]
    (vector,) = embeddings.embed([report.text])
    times.append((time.perf_counter(), processor_time()))
    own = own_spellings(project.pk)
    found = candidates(report, project, vector, own)
    times.append((time.perf_counter(), processor_time()))
    compare(report_of(report, vector, own), found, thresholds_of(project))
    times.append((time.perf_counter(), processor_time()))
    return [
        ((later[0] - earlier[0]) * 1000, (later[1] - earlier[1]) * 1000)
        for earlier, later in pairwise(times)
    ]


def processor_time() -> float:
    """Seconds that this process and its PostgreSQL session have computed: a busy machine adds nothing."""
    server = connection().connection.info.backend_pid
    nanoseconds = int(Path(f"/proc/{server}/schedstat").read_text().split()[0])
    return time.process_time() + nanoseconds / 1e9


def nearest_to(project: "Project", report: "Message") -> set[int]:
    from apps.issues.nearest import nearest

    return set(nearest(report, project, vector_of(report.text)))


@cache
def vector_of(text: str) -> Any:
    from tasktracker.lib import embeddings

    return embeddings.embed([text])[0]


def recall(wanted: Sequence[set[int]], found: Sequence[set[int]]) -> float:
    """Of what the exact scan found."""
    hits = sum(len(one & other) for one, other in zip(wanted, found, strict=True))
    return hits / max(1, sum(map(len, wanted)))


def line(size: int, way: str, rows: list[list[tuple[float, float]]], share: float) -> str:
    taken = np.array(rows)  # report, part, clock or processor
    whole = taken.sum(axis=1)
    figures = [np.percentile(whole[:, kind], rank) for kind in (0, 1) for rank in (50, 95)]
    parts = ", ".join(f"{part:.0f}" for part in np.median(taken[:, :, 1], axis=0))
    return (
        f"{size:>8}  {way:<8}"
        + "".join(f"{figure:>8.1f}" for figure in figures)
        + f"   {parts:<14} {share:.4f}"
    )


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
