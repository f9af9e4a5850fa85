"""Pytest plug-in: real PostgreSQL, NATS and Valkey from wheels, before Django reads its settings.

Loaded by `-p tests.embedded`; a URL that the environment gives is used instead. Every session has
services and a DATA_DIR of its own, so several can run at once. With `-n` every worker has them,
whatever the environment gives: streams and keys cannot be shared.
"""

import atexit
import gc
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

import pytest

from tasktracker.devstack import leftovers
from tasktracker.devstack.embedded import EmbeddedServices
from tasktracker.devstack.folder import DataFolder
from tasktracker.devstack.lock import FileLock
from tasktracker.devstack.nats import Nats
from tasktracker.devstack.postgresql import PostgreSQL
from tasktracker.devstack.valkey import Valkey

PREFIX = "tasktracker-tests-"
GRACE = 60.0  # seconds in which a fresh folder may not be locked yet


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """A wrapper is called before pytest-django's hook, which reads the settings."""
    folder = take_folder()
    options = vars(early_config.known_args_namespace)
    if "PYTEST_XDIST_WORKER" not in os.environ and (
        options.get("numprocesses") or options.get("tx")
    ):
        leave_services_to_workers()
    else:
        start_services(folder)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None]:
    """Thousands of tests are made, all of which stay: looking for garbage among them is in vain."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def take_folder() -> DataFolder:
    """A DATA_DIR of this process, removed at its end."""
    remove_leftovers()
    folder = DataFolder(Path(tempfile.mkdtemp(prefix=PREFIX)))
    lock = FileLock(folder)
    lock.take()
    atexit.register(lock.release)
    atexit.register(shutil.rmtree, folder.path, ignore_errors=True)
    os.environ["DATA_DIR"] = str(folder.path)
    return folder


def start_services(folder: DataFolder) -> None:
    """Start what is not given and point the settings at it."""
    services = EmbeddedServices(folder, given=os.environ, durable=False)
    atexit.register(services.stop)
    services.start()
    os.environ.update(services.urls)


def leave_services_to_workers() -> None:
    """Workers inherit this environment; Django would fill in the URLs of .env."""
    for kind in (PostgreSQL, Nats, Valkey):
        os.environ[kind.variable] = ""


def remove_leftovers() -> None:
    """End and remove what sessions left behind that were killed with SIGKILL."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        try:
            if time.time() - path.stat().st_mtime < GRACE:
                continue
            folder = DataFolder(path)
            lock = FileLock(folder)
            if lock.take():
                leftovers.clean_up(folder, patience=1)
                shutil.rmtree(path, ignore_errors=True)
                lock.release()
        except OSError:
            continue  # another user's, or just removed by its own session


def end_session(number: int, frame: object) -> None:
    # SystemExit would only fail the running test; this one ends the session and runs atexit.
    pytest.exit(f"stopped by {signal.Signals(number).name}", returncode=128 + number)


os.environ.setdefault("OMP_NUM_THREADS", "1")
signal.signal(signal.SIGTERM, end_session)
