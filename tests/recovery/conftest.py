"""A whole `manage.py up` in a folder of its own, and eyes into its database."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tasktracker.devstack import leftovers
from tasktracker.devstack.folder import BASE_DIR, DataFolder
from tests.recovery.free import free_port
from tests.stubs.telegram import TelegramServer, telegram_server

UNTIL_READY = 240.0  # seconds; a machine may be busy
SERVICES = ("DATABASE_URL", "NATS_URL", "REDIS_URL")


class Stack:
    """One running `up`."""

    def __init__(self, path: Path, **environment: str) -> None:
        self.path = path
        self.port = free_port()
        self.environment = environment_of(path) | environment
        self.log = path.with_suffix(".log")
        self.complaints = path.with_suffix(".stderr")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def run(self) -> dict[str, Any]:
        """What the supervisor wrote about itself."""
        content: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        return content

    def start(self) -> None:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--no-demo", "--port", str(self.port)],
                cwd=BASE_DIR,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(self._is_ready, UNTIL_READY, "up did not get ready")
        self.greeting = self.log.read_text().splitlines()

    def _is_ready(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"up ended:\n{self.log.read_text()[-3000:]}")
        return self.has_said(f"ready: {self.url}\n")

    def has_said(self, pattern: str) -> bool:
        return re.search(pattern, self.log.read_text()) is not None

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def deaths(self, name: str) -> int:
        """How often it was killed, as far as the log says."""
        return self.log.read_text().count(f"{name} was ended by SIGKILL; starting it again in ")

    def is_back(self, name: str) -> bool:
        return self.log.read_text().count(f"{name} runs again") == self.deaths(name)

    def manage(self, *arguments: str, patience: float = 120) -> dict[str, Any]:
        """Run a command to its end; the JSON of its last line."""
        done = self.begin(*arguments)
        output, _ = done.communicate(timeout=patience)
        assert done.returncode == 0, f"{output}\n{self.complaints.read_text()[-3000:]}"
        answer: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
        return answer

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        """Start a command; what it writes to stderr is kept in `complaints`."""
        with self.complaints.open("wb") as complaints:
            return subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=BASE_DIR,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
            )

    def pid(self, name: str) -> int:
        return int(self.run["processes"][name][0])

    def kill(self, name: str) -> None:
        """kill -9 of the process and of what it started."""
        os.killpg(self.pid(name), signal.SIGKILL)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        url = self.run["urls"]["DATABASE_URL"]
        with closing(psycopg.connect(url, autocommit=True)) as connection:
            return connection.execute(query, values).fetchall()

    def number(self, query: str, *values: Any) -> int:
        return int(self.rows(query, *values)[0][0])


def environment_of(path: Path) -> dict[str, str]:
    """What `manage.py` finds whose DATA_DIR is this one, and whose services are its own."""
    # Empty, so that a developer's .env does not lead the test to a database that matters.
    kept = os.environ | dict.fromkeys(SERVICES, "")
    return kept | {"DATA_DIR": str(path), "DJANGO_SETTINGS_MODULE": "tasktracker.settings.dev"}


@pytest.fixture(scope="package")
def telegram() -> Iterator[TelegramServer]:
    with telegram_server(hold=20, scale=0.05) as server:
        yield server


@pytest.fixture(scope="package")
def stack(telegram: TelegramServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    path = tmp_path_factory.mktemp("recovery") / "data dir"
    stack = Stack(path, TELEGRAM_API_URL=telegram.url)
    try:
        stack.start()
        yield stack
        stack.stop()
    finally:
        if stack.process.poll() is None:
            stack.process.kill()
        leftovers.clean_up(DataFolder(stack.path), patience=0.1)


def wait_for(condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Look until the condition holds; fail with `otherwise` after so many seconds."""

    def holds() -> bool:
        with suppress(psycopg.OperationalError):  # PostgreSQL may be the one that was killed
            return condition()
        return False

    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"{otherwise} within {seconds:.0f} s")
        time.sleep(0.1)
