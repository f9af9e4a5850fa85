"""`manage.py up` for real: every service and process, as a newcomer starts them."""

import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tasktracker.devstack import leftovers
from tasktracker.devstack.child import MARK
from tasktracker.devstack.folder import BASE_DIR, HOST, DataFolder
from tasktracker.devstack.lock import Run, is_same_process, read_run

READY = 150.0  # seconds; a loaded machine with two cores starts ten interpreters
STOP = 20.0  # seconds that a stop may take
#: Empty, so that a developer's .env does not lead the test to a database that matters.
OWN_SERVICES = {"DATABASE_URL": "", "NATS_URL": "", "REDIS_URL": ""}


def environment(folder: DataFolder) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    return {**kept, **OWN_SERVICES, "DATA_DIR": str(folder.path), "DEMO": "0"}


def manage(folder: DataFolder, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(BASE_DIR / "manage.py"), *words],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=READY,
        check=False,
    )


def free_port() -> int:
    with socket.create_server((HOST, 0)) as probe:
        return int(probe.getsockname()[1])


def family_of(folder: DataFolder) -> list[str]:
    """Everything that runs for this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
            if process.environ().get(MARK) == str(folder.path) or str(folder.path) in " ".join(
                words
            ):
                found.append(" ".join(words))
        except (psutil.Error, OSError):
            continue
    return found


class Stack:
    """One `manage.py up` and what it says."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self.port = free_port()
        self.said: list[str] = []
        self._new: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, str(BASE_DIR / "manage.py"), "up", "--port", str(self.port)],
            env=environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self._new.put(line.rstrip("\n"))
        self._new.put(None)

    def wait_for(self, pattern: str) -> str:
        """The next line that matches."""
        deadline = time.monotonic() + READY
        while True:
            line = self._new.get(timeout=max(0.1, deadline - time.monotonic()))
            assert line is not None, "it ended:\n" + "\n".join(self.said)
            self.said.append(line)
            if re.search(pattern, line):
                return line

    def record(self) -> Run:
        run = read_run(self.folder)
        assert run is not None
        return run

    def kill(self, name: str) -> None:
        os.kill(self.record().processes[name][0], signal.SIGKILL)

    def stop(self) -> float:
        """SIGTERM; the seconds until it has ended."""
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout=STOP + 20)
        return time.monotonic() - started


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DataFolder]:
    folder = DataFolder(tmp_path_factory.mktemp("stack") / "data dir")
    yield folder
    leftovers.clean_up(folder, patience=0.1)


@pytest.fixture(scope="module")
def stack(home: DataFolder) -> Iterator[Stack]:
    stack = Stack(home)
    try:
        stack.wait_for("^ready: ")
        yield stack
    finally:
        stack.process.kill()
        stack.process.wait()


def test_ready_line_names_the_address(stack):
    assert stack.said[-1] == f"ready: http://{HOST}:{stack.port}"


def test_operator_password_is_shown_once_and_kept(stack):
    password = stack.folder.secret_file("operator_password").read_text()

    assert sum(password in line for line in stack.said) == 1


def test_second_up_says_who_holds_the_folder(stack):
    second = manage(stack.folder, "up", "--port", str(free_port()))

    assert second.returncode == 1
    assert f"is in use by process {stack.process.pid} (up) since" in second.stderr
    assert f"http://{HOST}:{stack.port}" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1


def test_command_uses_the_services_of_the_running_stack(stack):
    result = manage(stack.folder, "migrate", "--check")

    assert (result.returncode, "starting" in result.stderr) == (0, False), result.stderr


def test_killed_process_is_said_and_started_again(stack):
    before = stack.record().processes["worker-exports"]
    stack.kill("worker-exports")

    stack.wait_for(r"worker-exports was ended by SIGKILL; starting it again in [\d.]+ s")
    stack.wait_for("worker-exports runs again")
    assert not is_same_process(*before)


@pytest.mark.parametrize("name", ["valkey", "nats", "postgresql"])
def test_killed_service_is_said_and_started_again(stack, name):
    stack.kill(name)

    stack.wait_for(f"{name} was ended by SIGKILL; starting it again")
    stack.wait_for(f"{name} runs again")


def test_successor_of_a_killed_supervisor_cleans_up_and_goes_on(stack):
    password = stack.folder.secret_file("operator_password").read_text()
    stack.process.kill()
    stack.process.wait()
    assert family_of(stack.folder)

    successor = Stack(stack.folder)
    try:
        successor.wait_for("ended what a killed predecessor left running")
        successor.wait_for("^ready: ")
        # The account is found in the database, so it is not made again.
        assert not any(password in line for line in successor.said)

        assert successor.stop() < STOP
        assert successor.process.returncode == 0
        assert family_of(stack.folder) == []
    finally:
        successor.process.kill()
        successor.process.wait()


def test_taken_port_is_said_before_anything_starts(tmp_path):
    folder = DataFolder(tmp_path / "data")
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        result = manage(folder, "up", "--port", str(port))

    assert result.returncode == 1
    assert f"port {port} is taken" in result.stderr
    assert not (folder.path / "postgresql").exists()


def test_command_without_a_stack_starts_services_for_itself_alone(tmp_path):
    folder = DataFolder(tmp_path / "data")

    result = manage(folder, "migrate", "--check")

    assert result.returncode == 1  # a fresh database has no tables
    assert "starting the embedded services" in result.stderr
    assert family_of(folder) == []
    assert not Path(folder.path / "run.json").exists()
