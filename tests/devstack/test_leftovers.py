"""What a killed supervisor leaves behind; the processes are real ones."""

import os
import subprocess
import sys

import psutil
import pytest

from tasktracker.devstack import leftovers
from tasktracker.devstack.child import MARK, Child
from tasktracker.devstack.embedded import EmbeddedServices
from tasktracker.devstack.folder import DataFolder
from tasktracker.devstack.lock import Run, run_file

SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
POLITE = (
    f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit('asked')); {SLEEPER}"
)
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPER!r}])"


def start(folder: DataFolder, program: str, *, marked: bool) -> Child:
    mark = {MARK: str(folder.path)} if marked else {}
    child = Child(
        "sleeper",
        [sys.executable, "-c", program],
        environment={"PATH": os.environ["PATH"], **mark},
        output=subprocess.PIPE,
    )
    assert child.process.stdout is not None
    assert child.process.stdout.readline() == b"up\n"
    return child


def finish(child: Child) -> None:
    child.kill()
    assert child.process.stdout is not None
    child.process.stdout.close()


def test_recorded_process_is_asked_to_finish(folder):
    child = start(folder, POLITE, marked=False)
    run = Run.mine("up")
    run.processes = {"web": child.identity}
    run.write(folder)

    leftovers.clean_up(folder)

    assert child.process.stdout is not None
    assert child.process.stdout.read() == b"asked\n"
    assert not run_file(folder).exists()
    finish(child)


def test_process_that_was_never_recorded_is_found_by_its_mark(folder):
    child = start(folder, SLEEPER, marked=True)

    assert leftovers.clean_up(folder, patience=0.1)

    assert not psutil.pid_exists(child.pid)
    finish(child)


def test_a_valkey_that_was_never_recorded_is_found_by_its_mark(folder):
    services = EmbeddedServices(folder, given={"DATABASE_URL": "given", "NATS_URL": "given"})
    services.start()
    valkey = services.children["valkey"]

    leftovers.clean_up(folder, patience=0.1)

    assert valkey.exit_code is not None


def test_process_that_ignores_the_request_is_killed_with_its_children(folder):
    child = start(folder, PARENT, marked=True)
    family = child.family()
    run = Run.mine("up")
    run.processes = {"worker": child.identity}
    run.write(folder)

    leftovers.clean_up(folder, patience=0.1)

    finish(child)
    assert len(family) == 2
    assert psutil.wait_procs(family, timeout=5)[1] == []


def test_stranger_with_a_recorded_number_is_left_alone(folder):
    child = start(folder, SLEEPER, marked=False)
    pid, created = child.identity
    run = Run.mine("up")
    run.processes = {"web": (pid, created - 100)}
    run.write(folder)

    assert leftovers.clean_up(folder) == []

    assert child.exit_code is None
    finish(child)


def test_stack_of_another_folder_is_left_alone(folder, tmp_path):
    other = DataFolder(tmp_path / "other")
    child = start(other, SLEEPER, marked=True)

    leftovers.clean_up(folder)

    assert child.exit_code is None
    finish(child)


@pytest.mark.parametrize("content", ["", "{", '{"pid": "x"}', "[]"])
def test_spoiled_record_stops_nothing(folder, content):
    run_file(folder).write_text(content)

    assert leftovers.clean_up(folder) == []
    assert not run_file(folder).exists()
