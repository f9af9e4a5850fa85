"""How long the search for duplicates takes when a project has 1,000, 10,000 and 100,000 open issues.

    .venv/bin/python benchmarks/duplicate_latency.py [--sizes 1000,10000,100000] [--reports 100]

Starts services of its own in a temporary folder and removes them. Fills one project step by step beside
a neighbour as large as the largest size, then times for each new report: its vector (never a cached
one), the candidates, the levels and the judge. The same reports are searched with the exact scan and
with the index, in turns, so both see the same machine. Prints milliseconds by the clock and of the
processor (this process and its PostgreSQL session), the latter in parts, and how many of the 30 reports
that the exact scan finds the other way finds too.

The new reports are real ones, with their real vectors; for the issues see `open_issues.py`.
"""

import argparse
import atexit
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tasktracker.devstack.processes import THREADS  # noqa: E402

os.environ.update(THREADS)  # numpy reads them while it is imported

import numpy as np  # noqa: E402

from benchmarks.open_issues import (  # noqa: E402
    NOW,
    connection,
    fill,
    make_message,
    make_project,
    read_corpus,
)

if TYPE_CHECKING:
    from apps.messages.models import Message
    from apps.sources.models import Chat, Project


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
    say("    open  search       p50     p95 cpu p50 cpu p95   vector, search, levels; recall@30")
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


def set_up() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tasktracker.settings.dev")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


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
    say(f"{size:>8}  index built in {built:.0f} s; load of the machine {os.getloadavg()[0]:.0f}")
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
