"""Finds Celery workers that run but have stopped consuming (celery#8030, #10302).

A worker can lose its queue when the broker comes back and stay up without a word. So a heartbeat
travels through every queue, /api/health tells its age, and who falls silent while doing nothing is stuck.
"""

import http.client
import json
import threading
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import psutil

from tasktracker.devstack.child import Child
from tasktracker.devstack.folder import HOST
from tasktracker.devstack.processes import Process

INTERVAL = 10.0  # seconds between two looks
GRACE = 60.0  # seconds of life before a process is judged
IDLE = 0.05  # share of one core below which a process does nothing


class HealthPoll:
    """Asks the web process in a thread, so that a slow answer stops nobody."""

    def __init__(self, port: int, stopping: threading.Event) -> None:
        self.port = port
        self.stopping = stopping
        self.heartbeats: dict[str, float | None] = {}
        self.sequence = 0  # grows with every answer

    def start(self) -> None:
        threading.Thread(target=self._run, name="health", daemon=True).start()

    def _run(self) -> None:
        while not self.stopping.wait(INTERVAL):
            report = ask_health(self.port)
            self.heartbeats = heartbeat_ages(report)
            self.sequence += 1


def ask_health(port: int) -> object:
    """The health report of the web process, whatever its status; None without an answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=8)
    try:
        connection.request("GET", "/api/health")
        return json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def answers(port: int) -> bool:
    """Whether the web process gives any answer at all."""
    connection = http.client.HTTPConnection(HOST, port, timeout=8)
    try:
        connection.request("GET", "/api/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def sick_parts(report: object) -> list[str]:
    """The parts that do not work; a product that only lacks extras has none."""
    if not isinstance(report, dict) or not isinstance(report.get("checks"), dict):
        return ["web"]
    if report.get("status") != "down":
        return []
    return [name for name, facts in report["checks"].items() if not facts.get("ok")]


def heartbeat_ages(report: object) -> dict[str, float | None]:
    """Seconds since the last heartbeat per queue; None for a queue that never had one."""
    queues = report
    for key in ("checks", "workers", "queues"):
        queues = queues.get(key) if isinstance(queues, dict) else None
    if not isinstance(queues, dict):
        return {}
    return {str(name): _age(facts) for name, facts in queues.items() if isinstance(facts, dict)}


def stuck(
    processes: Iterable[Process], heartbeats: Mapping[str, float | None], idle: Collection[str]
) -> list[Process]:
    """The workers whose queue has been silent for too long while they did nothing."""
    return [
        process
        for process in processes
        if process.queue in heartbeats
        and process.name in idle
        and _is_too_old(heartbeats[process.queue], process.patience)
    ]


def _is_too_old(age: float | None, patience: float) -> bool:
    return age is None or age > patience


def _age(facts: dict[str, Any]) -> float | None:
    age = facts.get("age_seconds")
    return float(age) if isinstance(age, int | float) and not isinstance(age, bool) else None


class Idleness:
    """Whether a process and all below it used no CPU worth the name since the last look."""

    def __init__(self) -> None:
        self._seen: dict[int, tuple[float, float]] = {}

    def is_idle(self, child: Child, now: float) -> bool:
        used = sum(_cpu_seconds(process) for process in child.family())
        before = self._seen.get(child.pid)
        self._seen[child.pid] = (now, used)
        if before is None or now <= before[0]:
            return False
        return (used - before[1]) / (now - before[0]) < IDLE


def _cpu_seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)
