"""A worker dies around the call to a tracker, or its answer is lost: exactly one task, and none stuck.

Each death is a real SIGKILL of a process of its own. DEATHS=50 makes it fifty of each.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from queue import Queue
from typing import Any

import pytest

from apps.exports.models import ExportUpdate, TaskExport, Tracker
from apps.exports.update import want
from apps.issues.models import Change, Evidence, Issue
from tasktracker.devstack.folder import BASE_DIR
from tasktracker.management.pipeline_processes import child_environment
from tests.exports.conftest import pass_time
from tests.stubs.linear import server as stub
from tests.stubs.linear.server import KEY, LinearServer, linear_server
from tests.stubs.redmine import store as redmine_store
from tests.stubs.redmine.server import RedmineServer, redmine_server

pytestmark = pytest.mark.django_db(transaction=True)

TIMES = int(os.environ.get("DEATHS", "2"))
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

    def __init__(self, linear_url: str) -> None:
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


@pytest.fixture(scope="module")
def vendors() -> Iterator[dict[str, Vendor]]:
    with linear_server() as linear, redmine_server() as redmine:

        def id_in_linear(key: str) -> str | None:
            issue = linear.store.issues.get(key)
            return issue.identifier if issue else None

        def id_in_redmine(key: str) -> str | None:
            store = redmine.store
            ids = [number for number, one in store.issues.items() if store.key_of(one) == key]
            return f"#{ids[0]}" if ids else None

        there = {"api_key": redmine_store.KEY, "key_field": redmine_store.KEY_FIELD}
        yield {
            "linear": Vendor("linear", linear, {"api_key": KEY, "team": "t-core"}, 0, id_in_linear),
            "redmine": Vendor(
                "redmine",
                redmine,
                {"url": redmine.url, "project": "1", "calls_per_minute": "6000", **there},
                3,  # it looks first, twice, and asks for the priorities
                id_in_redmine,
            ),
        }


@pytest.fixture(scope="module")
def worker(django_db_setup: None, vendors: dict[str, Vendor]) -> Iterator[Worker]:
    worker = Worker(vendors["linear"].server.url)
    yield worker
    worker.stop()


@pytest.fixture
def make_work(project: Any, make_issue: Callable[..., Issue]) -> Callable[[Vendor], TaskExport]:
    def make(vendor: Vendor) -> TaskExport:
        tracker, _ = Tracker.objects.get_or_create(
            project=project, kind=vendor.kind, name=vendor.kind, defaults={"config": vendor.config}
        )
        issue = make_issue(status=Issue.Status.APPROVED)
        return TaskExport.objects.create(issue=issue, tracker=tracker)

    return make


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


@pytest.mark.parametrize("kind", ["linear", "redmine"])
@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__)
def test_exactly_one_task_whatever_breaks(
    death: Callable[..., None],
    kind: str,
    worker: Worker,
    vendors: dict[str, Vendor],
    make_work: Callable[[Vendor], TaskExport],
):
    vendor = vendors[kind]
    vendor.server.reset()
    exports = [make_work(vendor) for _ in range(TIMES)]

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


def die_before_the_call_for_many(worker: Worker, linear: LinearServer, exports: Any) -> None:
    assert worker.deliver(exports, "before_call") == signal.SIGKILL
    assert not linear.store.issues


def die_before_the_answer_for_many(worker: Worker, linear: LinearServer, exports: Any) -> None:
    linear.faults = [stub.commits_and_then(worker.kill)]
    assert worker.deliver(exports) == signal.SIGKILL


def die_after_the_answer_for_many(worker: Worker, linear: LinearServer, exports: Any) -> None:
    assert worker.deliver(exports, "after_answer") == signal.SIGKILL


def lose_the_answer_for_many(worker: Worker, linear: LinearServer, exports: Any) -> None:
    linear.faults = [stub.commits_and_hangs_up, stub.hangs_up]
    assert worker.deliver(exports) == 0


MANY = 7


@pytest.mark.parametrize(
    "death",
    [
        die_before_the_call_for_many,
        die_before_the_answer_for_many,
        die_after_the_answer_for_many,
        lose_the_answer_for_many,
    ],
    ids=lambda death: death.__name__,
)
def test_exactly_one_task_each_when_many_are_made_at_once(
    death: Callable[..., None],
    worker: Worker,
    vendors: dict[str, Vendor],
    make_work: Callable[[Vendor], TaskExport],
):
    linear = vendors["linear"].server
    linear.reset()
    exports = [make_work(vendors["linear"]) for _ in range(MANY)]
    worker.pids = Queue()

    death(worker, linear, exports)
    assert not TaskExport.objects.filter(called_at=None).exists()
    Tracker.objects.update(failures_in_a_row=0, closed_until=None)
    pass_time(LATER)
    assert worker.deliver(exports) == 0

    assert linear.questions[0] == "CreateMany" or death is die_before_the_call_for_many
    assert sorted(linear.store.creations) == sorted(str(export.uuid) for export in exports)
    assert set(TaskExport.objects.values_list("status", flat=True)) == {"created"}


def test_exactly_one_note_whatever_breaks(
    worker: Worker,
    vendors: dict[str, Vendor],
    make_work: Callable[[Vendor], TaskExport],
    make_message: Callable[..., Any],
):
    linear = vendors["linear"].server
    linear.reset()
    export = make_work(vendors["linear"])
    assert worker.deliver(export) == 0
    Evidence.objects.create(issue=export.issue, message=make_message("+1"), level="fuzzy")

    for failpoint, faults in (
        ("before_note", []),
        ("", [stub.commits_and_hangs_up, stub.hangs_up]),
        ("", [stub.commits_and_then(worker.kill)]),
        ("after_note", []),
        ("", []),
    ):
        want([export.issue_id])
        worker.pids, linear.faults = Queue(), list(faults)
        pass_time(LATER * 2)
        Tracker.objects.update(failures_in_a_row=0, closed_until=None)
        worker.run("tell_trackers", [ExportUpdate.objects.get().pk], failpoint)

    update = ExportUpdate.objects.get()
    assert (update.status, list(linear.store.comments)) == ("told", [str(update.uuid)])
