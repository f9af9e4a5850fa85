"""A worker dies around the call to a tracker, or its answer is lost: exactly one task, and none stuck.

Each death is a real SIGKILL of a process of its own. DEATHS=50 makes it fifty of each.
"""

import signal
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any

import pytest

from apps.exports.models import ExportUpdate, TaskExport, Tracker
from apps.exports.update import want
from apps.issues.models import Evidence
from tests.exports.conftest import pass_time
from tests.exports.deaths import DEATHS, LATER, TIMES, Vendor, Worker, exactly_one_task_each
from tests.stubs.linear import server as stub
from tests.stubs.linear.server import KEY, LinearServer, linear_server
from tests.stubs.redmine import store as redmine_store
from tests.stubs.redmine.server import redmine_server

pytestmark = pytest.mark.django_db(transaction=True)


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


@pytest.mark.parametrize("kind", ["linear", "redmine"])
@pytest.mark.parametrize("death", DEATHS, ids=lambda death: death.__name__)
def test_exactly_one_task_whatever_breaks(
    death: Callable[..., None],
    kind: str,
    worker: Worker,
    vendors: dict[str, Vendor],
    make_work: Callable[[Vendor], TaskExport],
):
    vendors[kind].server.reset()
    exports = [make_work(vendors[kind]) for _ in range(TIMES)]

    exactly_one_task_each(death, worker, vendors[kind], exports)


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
