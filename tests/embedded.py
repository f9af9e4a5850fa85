"""Pytest plug-in: real PostgreSQL, NATS and Valkey from wheels, before Django reads its settings.

Loaded by `-p tests.embedded`; a URL that the environment gives is used instead. Every session has
services and a DATA_DIR of its own, so several can run at once.
"""

import atexit
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from tasktracker.devstack.embedded import EmbeddedServices
from tasktracker.devstack.folder import DataFolder


def start() -> None:
    """Start what is not given and point the settings at it."""
    folder = DataFolder(Path(tempfile.mkdtemp(prefix="tasktracker-tests-")))
    atexit.register(shutil.rmtree, folder.path, ignore_errors=True)
    os.environ["DATA_DIR"] = str(folder.path)
    services = EmbeddedServices(folder, given=os.environ, durable=False)
    atexit.register(services.stop)
    services.start()
    os.environ.update(services.urls)


def end_session(number: int, frame: object) -> None:
    # SystemExit would only fail the running test; this one ends the session and runs atexit.
    pytest.exit(f"stopped by {signal.Signals(number).name}", returncode=128 + number)


os.environ.setdefault("OMP_NUM_THREADS", "1")
signal.signal(signal.SIGTERM, end_session)
start()
