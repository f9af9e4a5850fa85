"""`manage.py up` for real: every service and process, as a newcomer starts them. The last test ends it."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tasktracker.devstack.child import MARK
from tasktracker.devstack.folder import BASE_DIR, HOST, DataFolder
from tests.recovery.conftest import UNTIL_READY, Stack, environment_of
from tests.recovery.free import free_port

STOP = 20.0  # seconds that a stop may take


def manage(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=BASE_DIR,
        env=environment_of(path) | {"DEMO": "0"},
        capture_output=True,
        text=True,
        timeout=UNTIL_READY,
        check=False,
    )


def family_of(path: Path) -> list[str]:
    """Everything that runs for this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            if process.environ().get(MARK) == str(path) or str(path) in words:
                found.append(words)
        except (psutil.Error, OSError):
            continue
    return found


def password_of(stack: Stack) -> str:
    return DataFolder(stack.path).secret_file("operator_password").read_text()


def test_ready_line_names_the_address(stack):
    assert stack.greeting[-1] == f"ready: http://{HOST}:{stack.port}"


def test_operator_password_is_shown_once_and_kept(stack):
    assert sum(password_of(stack) in line for line in stack.greeting) == 1


def test_second_up_says_who_holds_the_folder(stack):
    second = manage(stack.path, "up", "--port", str(free_port()))

    assert second.returncode == 1
    assert f"is in use by process {stack.process.pid} (up) since" in second.stderr
    assert stack.url in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1


def test_command_uses_the_services_of_the_running_stack(stack):
    result = manage(stack.path, "migrate", "--check")

    assert (result.returncode, "starting" in result.stderr) == (0, False), result.stderr


def test_successor_of_a_killed_supervisor_cleans_up_and_goes_on(stack):
    stack.process.kill()
    stack.process.wait()
    assert family_of(stack.path)

    stack.start()
    said = "\n".join(stack.greeting)

    assert "ended what a killed predecessor left running" in said
    # The account is found in the database, so it is not made again.
    assert password_of(stack) not in said


def test_a_stop_leaves_nothing_behind(stack):
    started = time.monotonic()
    stack.process.send_signal(signal.SIGTERM)

    assert stack.process.wait(STOP + 20) == 0
    assert time.monotonic() - started < STOP
    assert family_of(stack.path) == []


def test_taken_port_is_said_before_anything_starts(tmp_path):
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        result = manage(tmp_path / "data", "up", "--port", str(port))

    assert result.returncode == 1
    assert f"port {port} is taken" in result.stderr
    assert not (tmp_path / "data" / "postgresql").exists()


def test_command_without_a_stack_starts_services_for_itself_alone(tmp_path):
    result = manage(tmp_path / "data dir", "migrate", "--check")

    assert result.returncode == 1  # a fresh database has no tables
    assert "starting the embedded services" in result.stderr
    assert family_of(tmp_path / "data dir") == []
    assert not (tmp_path / "data dir" / "run.json").exists()
