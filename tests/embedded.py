"""Pytest plug-in: real PostgreSQL, NATS and Valkey from wheels, before Django reads its settings.

Loaded by `-p tests.embedded`; a URL that the environment gives is used instead. Every session has
services and a DATA_DIR of its own, so several can run at once.
"""

import atexit
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest

from tasktracker.devstack import leftovers
from tasktracker.devstack.embedded import EmbeddedServices
from tasktracker.devstack.folder import DataFolder
from tasktracker.devstack.lock import FileLock

PREFIX = "tasktracker-tests-"
GRACE = 60.0  # seconds in which a fresh folder may not be locked yet


def start() -> None:
    """Start what is not given and point the settings at it."""
    remove_leftovers()
    folder = DataFolder(Path(tempfile.mkdtemp(prefix=PREFIX)))
    lock = FileLock(folder)
    lock.take()
    atexit.register(lock.release)
    atexit.register(shutil.rmtree, folder.path, ignore_errors=True)
    os.environ["DATA_DIR"] = str(folder.path)
    services = EmbeddedServices(folder, given=os.environ, durable=False)
    atexit.register(services.stop)
    services.start()
    os.environ.update(services.urls)


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
start()
