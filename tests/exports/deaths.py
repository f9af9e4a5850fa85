"""Deaths of a worker around the call to a tracker, and what must be so after each of them."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from queue import Queue

from apps.exports.models import TaskExport, Tracker
from apps.issues.models import Change
from tasktracker.devstack.folder import BASE_DIR
from tasktracker.management.pipeline_processes import child_environment
from tests.exports.conftest import pass_time
from tests.stubs.linear import server as stub
from tests.stubs.linear.server import LinearServer
from tests.stubs.redmine.server import RedmineServer

TIMES = int(os.environ.get("DEATHS", "2"))  # of each
LATER = timedelta(seconds=40)  # leases and doubts are over
#: Loaded once; each line of work is done by a fork, which may be killed.
WORKER = """
import json, os, sys
import django
django.setup()
from apps.exports import tasks
from apps.exports.trackers.linear.tracker import Linear
from apps.exports.trackers.redmine.tracker import Redmine
from tasktracker.lib import failpoints
print("ready", flush=True)
for line in sys.stdin:
    task, failpoint, ids = json.loads(line)
    child = os.fork()
    if not child:
        failpoints.arm(failpoint)
        getattr(tasks, task)(ids)
        os._exit(0)
    print(child, flush=True)
    print(os.WTERMSIG(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass
class Vendor:
    """A tracker's stub, and how our work on it looks from there."""

    kind: str
    server: LinearServer | RedmineServer
    config: dict[str, str]
    questions_before: int  # the call that makes the issue
    id_of: Callable[[str], str | None]  # of the issue that was made with our key

    def will_fail(self, *wanted: stub.Fault) -> None:
        """From the call that makes the issue on."""
        self.server.faults = [stub.works] * self.questions_before + list(wanted)


class Worker:
    """Works in processes of its own."""

    def __init__(self, linear_url: str = "") -> None:
        addresses = {"LINEAR_API_URL": linear_url, "OUTBOUND_PRIVATE_HOSTS": "127.0.0.1"}
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

    def deliver(self, export: TaskExport | list[TaskExport], failpoint: str = "") -> int:
        """Run it to its end, whatever that is; the signal that ended it, or 0."""
        exports = export if isinstance(export, list) else [export]
        return self.run("deliver_exports", [one.pk for one in exports], failpoint)

    def run(self, task: str, ids: list[int], failpoint: str = "") -> int:
        self.process.stdin.write(json.dumps([task, failpoint, ids]) + "\n")
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


def die_before_the_call(worker: Worker, vendor: Vendor, export: TaskExport) -> None:
    assert worker.deliver(export, "before_call") == signal.SIGKILL
    assert vendor.id_of(str(export.uuid)) is None


def die_before_the_answer(worker: Worker, vendor: Vendor, export: TaskExport) -> None:
    vendor.will_fail(stub.commits_and_then(worker.kill))
    assert worker.deliver(export) == signal.SIGKILL


def die_after_the_answer(worker: Worker, vendor: Vendor, export: TaskExport) -> None:
    assert worker.deliver(export, "after_answer") == signal.SIGKILL


def drop_the_socket(worker: Worker, vendor: Vendor, export: TaskExport) -> None:
    """And the question what became of it is not answered either."""
    vendor.will_fail(stub.commits_and_hangs_up, stub.hangs_up)
    assert worker.deliver(export) == 0


def answer_500(worker: Worker, vendor: Vendor, export: TaskExport) -> None:
    oops = b"<html>Internal Server Error</html>"
    vendor.will_fail(stub.commits_and_says(500, oops), stub.says(500, oops))
    assert worker.deliver(export) == 0


DEATHS = [
    die_before_the_call,
    die_before_the_answer,
    die_after_the_answer,
    drop_the_socket,
    answer_500,
]


def exactly_one_task_each(
    death: Callable[..., None], worker: Worker, vendor: Vendor, exports: list[TaskExport]
) -> None:
    """Each export dies this death; then whoever comes next makes up for it."""
    for export in exports:
        worker.pids = Queue()
        death(worker, vendor, export)
        export.refresh_from_db()
        assert (export.status, export.called_at is None) == ("pending", False)
        Tracker.objects.update(
            failures_in_a_row=0, closed_until=None
        )  # the circuit has its own tests
    pass_time(LATER)
    for export in exports:
        assert worker.deliver(export) == 0

    creations = vendor.server.store.creations
    assert sorted(creations) == sorted(str(export.uuid) for export in exports)
    for export in TaskExport.objects.select_related("issue"):
        assert (export.status, export.external_id) == ("created", vendor.id_of(str(export.uuid)))
        assert export.issue.changes.filter(kind=Change.Kind.EXPORT).count() == 1
