import subprocess
import sys

import pytest

from tasktracker.devstack.child import Child
from tasktracker.devstack.liveness import Idleness, heartbeat_ages, sick_parts, stuck
from tasktracker.devstack.processes import Process


def test_heartbeat_ages_are_read_per_queue():
    queues = {"default": {"ok": True, "age_seconds": 3}, "llm": {"ok": False, "age_seconds": None}}

    assert heartbeat_ages({"checks": {"workers": {"queues": queues}}}) == {
        "default": 3.0,
        "llm": None,
    }


@pytest.mark.parametrize(
    "report",
    [
        None,
        [],
        "down",
        {},
        {"checks": None},
        {"checks": {"workers": {"ok": False}}},
        {"checks": {"workers": 1}},
    ],
)
def test_report_without_heartbeats_judges_nobody(report):
    assert heartbeat_ages(report) == {}


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import time; print(flush=True); time.sleep(600)", True),
        ("print(flush=True)\nwhile True: pass", False),
    ],
)
def test_idle_process_is_told_from_a_busy_one(program, expected):
    child = Child("worker", [sys.executable, "-c", program], environment={}, output=subprocess.PIPE)
    assert child.process.stdout is not None
    child.process.stdout.readline()
    idleness = Idleness()
    try:
        assert not idleness.is_idle(child, now=0.0)  # nothing to compare with yet
        # One hundredth of a second of CPU is much within a tenth, so wait until the kernel counts it.
        while not expected and sum(child.family()[0].cpu_times()[:2]) < 0.5:
            pass
        assert idleness.is_idle(child, now=2.0) is expected
    finally:
        child.kill()
        child.process.stdout.close()


WORKER = Process("worker-llm", "celery worker", queue="llm", patience=45)


@pytest.mark.parametrize("age", [46.0, None])
def test_idle_worker_of_a_silent_queue_is_stuck(age):
    assert stuck([WORKER], {"llm": age}, idle={"worker-llm"}) == [WORKER]


@pytest.mark.parametrize(
    ("heartbeats", "idle"),
    [
        ({"llm": 44.0}, {"worker-llm"}),  # it was heard
        ({"llm": 300.0}, set()),  # its queue is long, and it is working
        ({"default": None}, {"worker-llm"}),  # nobody says anything about its queue
    ],
)
def test_worker_that_works_or_was_heard_is_not_stuck(heartbeats, idle):
    assert stuck([WORKER], heartbeats, idle) == []


def test_parts_that_are_down_are_named():
    checks = {"database": {"ok": True}, "workers": {"ok": False}}

    assert sick_parts({"status": "down", "checks": checks}) == ["workers"]


def test_missing_extras_make_nobody_sick():
    assert sick_parts({"status": "degraded", "checks": {"llm": {"ok": False}}}) == []


def test_no_report_means_that_the_web_process_is_sick():
    assert sick_parts(None) == ["web"]
