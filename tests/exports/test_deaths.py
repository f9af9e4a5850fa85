"""A worker dies around the call to Linear, or Linear loses its answer: exactly one task, and none stuck.

Each death is a real SIGKILL of a process of its own. DEATHS=50 makes it fifty of each.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from queue import Queue
from typing import Any

import pytest

from apps.exports.models import TaskExport, Tracker
from apps.issues.models import Change, Issue
from tasktracker.devstack.folder import BASE_DIR
from tasktracker.management.pipeline_processes import child_environment
from tests.exports.conftest import pass_time
from tests.stubs.linear import server as stub
from tests.stubs.linear.server import KEY, LinearServer, linear_server

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = int(os.environ.get("DEATHS", "2"))
LATER = timedelta(seconds=40)  # leases and doubts are over
#: Loaded once; each line of work is done by a fork, which may be killed.
WORKER = """
import json, os, sys
import django
django.setup()
from apps.exports.tasks import deliver_exports
from apps.exports.trackers.linear.tracker import Linear
from tasktracker.lib import failpoints
print("ready", flush=True)
for line in sys.stdin:
    failpoint, ids = json.loads(line)
    child = os.fork()
    if not child:
        failpoints.arm(failpoint)
        deliver_exports(ids)
        os._exit(0)
    print(child, flush=True)
    print(os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)
"""


class Worker:
    """Works in processes of its own."""

    def __init__(self, linear: LinearServer) -> None:
        addresses = {"LINEAR_API_URL": linear.url, "OUTBOUND_PRIVATE_HOSTS": "127.0.0.1"}
        self.pids: Queue[int] = Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            cwd=BASE_DIR,
            env=child_environment() | addresses,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._line() == "ready"

    def deliver(self, export: TaskExport, failpoint: str = "") -> int:
        """Run it to its end, whatever that is; the signal that ended it, or 0."""
        self.process.stdin.write(json.dumps([failpoint, [export.pk]]) + "\n")
        self.process.stdin.flush()
        self.pids.put(int(self._line()))
        return int(self._line())

    def kill(self) -> None:
        """From another thread: end whoever works now."""
        os.kill(self.pids.get(timeout=10), signal.SIGKILL)

    def _line(self) -> str:
        return self.process.stdout.readline().strip()

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def linear() -> Iterator[LinearServer]:
    with linear_server() as linear:
        yield linear


@pytest.fixture(scope="module")
def worker(django_db_setup: None, linear: LinearServer) -> Iterator[Worker]:
    worker = Worker(linear)
    yield worker
    worker.stop()


@pytest.fixture
def make_work(project: Any, make_issue: Callable[..., Issue]) -> Callable[[], TaskExport]:
    config = {"api_key": KEY, "team": "t-core"}
    tracker = Tracker.objects.create(project=project, kind="linear", name="Linear", config=config)

    def make() -> TaskExport:
        issue = make_issue(status=Issue.Status.APPROVED)
        return TaskExport.objects.create(issue=issue, tracker=tracker)

    return make


def die_before_the_call(worker: Worker, linear: LinearServer, export: TaskExport) -> None:
    assert worker.deliver(export, "before_call") == signal.SIGKILL
    assert linear.store.issues.get(str(export.uuid)) is None


def die_before_the_answer(worker: Worker, linear: LinearServer, export: TaskExport) -> None:
    linear.faults = [stub.commits_and_then(worker.kill)]
    assert worker.deliver(export) == signal.SIGKILL


def die_after_the_answer(worker: Worker, linear: LinearServer, export: TaskExport) -> None:
    assert worker.deliver(export, "after_answer") == signal.SIGKILL


def drop_the_socket(worker: Worker, linear: LinearServer, export: TaskExport) -> None:
    """And the question what became of it is not answered either."""
    linear.faults = [stub.commits_and_hangs_up, stub.hangs_up]
    assert worker.deliver(export) == 0


def answer_500(worker: Worker, linear: LinearServer, export: TaskExport) -> None:
    oops = b"<html>Internal Server Error</html>"
    linear.faults = [stub.commits_and_says(500, oops), stub.says(500, oops)]
    assert worker.deliver(export) == 0


DEATHS = [
    die_before_the_call,
    die_before_the_answer,
    die_after_the_answer,
    drop_the_socket,
    answer_500,
]


@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__)
def test_exactly_one_task_whatever_breaks(
    death: Callable[..., None],
    worker: Worker,
    linear: LinearServer,
    make_work: Callable[[], TaskExport],
):
    linear.reset()
    exports = [make_work() for _ in range(TIMES)]

    for export in exports:
        worker.pids = Queue()
        death(worker, linear, export)
        export.refresh_from_db()
        assert (export.status, export.called_at is None) == ("pending", False)
        Tracker.objects.update(
            failures_in_a_row=0, closed_until=None
        )  # the circuit has its own tests
    pass_time(LATER)
    for export in exports:
        assert worker.deliver(export) == 0

    assert sorted(linear.store.creations) == sorted(str(export.uuid) for export in exports)
    for export in TaskExport.objects.select_related("issue"):
        made = linear.store.issues[str(export.uuid)]
        assert (export.status, export.external_id) == ("created", made.identifier)
        assert export.issue.changes.filter(kind=Change.Kind.EXPORT).count() == 1
