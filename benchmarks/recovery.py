"""How long after a death or an outage until every task is in the tracker, and whether each is there once.

    .venv/bin/python benchmarks/recovery.py [--reports 10] [--outage 30]

Runs the whole product (`manage.py up`) in a temporary folder beside a Linear and a Redmine of its own
(tests/stubs), one after the other. In each: reports come at once, and the exporting worker is killed
(SIGKILL, with its children) after the tracker has committed a task and before it answers; then more come
while the tracker answers 500 for half a minute, after it has done what was asked every other time.

Prints seconds from the death, or from the tracker's return, until nothing waits; tasks and exports.
"""

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.webhook_to_task import (  # noqa: E402
    Product,
    make_source,
    posting,
    reports,
    say,
    start_product,
    wait_for,
)
from tests.stubs.linear.server import (  # noqa: E402
    commits_and_says,
    commits_and_then,
    linear_server,
    says,
    works,
)
from tests.stubs.redmine import store as redmine_store  # noqa: E402
from tests.stubs.redmine.server import redmine_server  # noqa: E402

WORKER = "worker-exports"
BEFORE = 4  # questions that are answered before the one whose answer is not heard
UNTIL_DONE = 300.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=10)
    parser.add_argument("--outage", type=float, default=30.0, help="Seconds.")
    options = parser.parse_args()
    with linear_server() as linear, redmine_server() as redmine:
        product = start_product(linear)
        source = make_source()
        texts = reports(4 * options.reports)

        def send() -> None:
            some = [texts.pop() for _ in range(options.reports)]
            posting(f"{product.url}{source.webhook_path}", source.webhook_secret, some, 0.0, None)
            wait_for(lambda: is_stored(len(texts)), UNTIL_DONE, lambda: "not everything is stored")

        def is_stored(left: int) -> bool:
            from apps.messages.models import Message

            return bool(Message.objects.count() >= 4 * options.reports - left)

        say(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
        for name, server in (("Linear", linear), ("Redmine", redmine)):
            if server is redmine:
                go_to(redmine.url)
            say(f"{name}: {after_death(product, server, send)}")
            say(f"{name}: {after_outage(server, send, options.outage)}")
            wanted, there = exports_of(name.lower()), len(server.store.issues)
            say(f"{name}: {there} tasks for {wanted} exports")
        say(f"afterwards load {os.getloadavg()[0]:.1f}")


def go_to(url: str) -> None:
    """From here on issues go to that Redmine."""
    from apps.exports.models import Tracker

    first = Tracker.objects.get()
    Tracker.objects.update(is_active=False)
    there = {"api_key": redmine_store.KEY, "key_field": redmine_store.KEY_FIELD, "project": "1"}
    Tracker.objects.create(
        project=first.project, kind="redmine", name="Redmine", config={"url": url, **there}
    )


def after_death(product: Product, server: Any, send: Callable[[], None]) -> str:
    died: list[float] = []

    def die() -> None:
        kill(product, WORKER)
        died.append(time.monotonic())

    server.faults[:] = [*[works] * BEFORE, commits_and_then(die)]
    send()
    wait_for(lambda: bool(died), UNTIL_DONE, lambda: "nobody called the tracker")
    wait_until_sent()
    return f"{time.monotonic() - died[0]:.0f} s after the death of the worker"


def after_outage(server: Any, send: Callable[[], None], seconds: float) -> str:
    with broken(server):
        send()
        time.sleep(seconds)
    back = time.monotonic()
    wait_until_sent()
    return f"{time.monotonic() - back:.0f} s after the end of an outage of {seconds:.0f} s"


@contextmanager
def broken(server: Any) -> Iterator[None]:
    server.faults[:] = [commits_and_says(500, b""), says(500, b"")] * 10_000
    try:
        yield
    finally:
        server.faults.clear()


def kill(product: Product, name: str) -> None:
    leader = psutil.Process(product.processes()[name])
    for process in (leader, *leader.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)


def wait_until_sent() -> None:
    """Until every report is an issue, and every issue's task is made."""
    from apps.exports.models import TaskExport
    from apps.issues.models import Issue
    from apps.messages.models import Message

    def is_done() -> bool:
        at_work = (
            model._default_manager.filter(status__in=model.WAITING, due_at__isnull=False)
            for model in (Message, Issue, TaskExport)
        )
        return not any(rows.exists() for rows in at_work)

    wait_for(is_done, UNTIL_DONE, lambda: "the tasks are not there")


def exports_of(kind: str) -> int:
    from apps.exports.models import TaskExport

    return TaskExport.objects.filter(tracker__kind=kind).count()


if __name__ == "__main__":
    main()
