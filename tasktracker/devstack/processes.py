"""The processes of the product, in one place; compose.yml runs the same commands.

A command holds no value of its own: address, port and pool size come from the environment, so that
a laptop and a server run the same words.
"""

import os
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasktracker.devstack.child import MARK
from tasktracker.devstack.folder import BASE_DIR, HOST


@dataclass(frozen=True)
class Process:
    """One long-running process."""

    name: str
    command: str
    queue: str = ""  # the Celery queue whose heartbeat shows that it works
    patience: float = 0.0  # seconds without that heartbeat until it counts as stuck
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> list[str]:
        """The command for this interpreter, whatever PATH says."""
        program, *words = shlex.split(self.command)
        if program == "python":
            return [sys.executable, str(BASE_DIR / words[0]), *words[1:]]
        return [sys.executable, "-m", program, *words]


#: A vector's second thread sleeps while it waits; one that spins needs a core of its own.
THREADS = {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": "1"}

_WORKER = "celery --quiet -A tasktracker worker --without-gossip --without-mingle"

PROCESSES = (
    Process(
        "web",
        "granian tasktracker.asgi:application --interface asginl --workers 1 --no-access-log"
        " --respawn-failed-workers --workers-kill-timeout 8",
        # The only process with more threads than connections: the others open one and close it.
        environment={"DATABASE_POOL": "10"},
    ),
    Process(
        "worker-default",
        f"{_WORKER} -n default@%h -Q default --concurrency 2",
        queue="default",
        patience=45,
    ),
    Process(
        "worker-llm",
        f"{_WORKER} -n llm@%h -Q llm --pool threads --concurrency 2",
        queue="llm",
        patience=180,  # both threads may wait for a slow model
    ),
    Process(
        "worker-exports",
        f"{_WORKER} -n exports@%h -Q exports --pool threads --concurrency 2",
        queue="exports",
        patience=90,  # both threads may wait for a slow tracker
    ),
    Process("beat", "celery --quiet -A tasktracker beat"),
    Process("collector", "python manage.py collect_messages"),
    Process("ingester", "python manage.py ingest_messages"),
)


def stack_environment(
    name: str, *, data: Path, urls: Mapping[str, str], port: int, more: Mapping[str, str]
) -> dict[str, str]:
    """What a process of a local stack finds in its environment; compose.yml says the same for a server."""
    return {
        **os.environ,
        **urls,
        "DATA_DIR": str(data),
        "GRANIAN_HOST": HOST,
        "GRANIAN_PORT": str(port),
        **THREADS,
        "PYTHONUNBUFFERED": "1",
        "PROCESS": name,
        "CELERY_SKIP_CHECKS": "1",  # a second of each start; `make lint` and the tests check
        # Said by Celery on every start as root; nobody can do anything about it here.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
        MARK: str(data),
        **more,
    }
