"""An ingester and a worker for the duration of a command, where none is running."""

import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO
from urllib.parse import quote, urlsplit

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from apps.exports.models import TaskExport
from apps.issues.models import Issue
from tasktracker.celery import QUEUES
from tasktracker.devstack.child import MARK, Child, stop_all
from tasktracker.devstack.folder import BASE_DIR, DataFolder
from tasktracker.models import Heartbeat

logger = logging.getLogger(__name__)

SILENT_AFTER = timedelta(seconds=30)
LOOK_EVERY = 5.0  # seconds
FINISH_WITHIN = 20.0  # seconds for exports at the end
PATIENCE = 15.0  # seconds for a child to finish its work

INGESTER, WORKER = "ingester", "queue:default"  # as their heartbeats are called


@contextmanager
def processing() -> Iterator[None]:
    """Messages are stored and processed while the body runs, by running processes or by our own."""
    if MARK in os.environ:  # a supervisor runs this command and keeps the processes alive
        yield
        return
    with tempfile.TemporaryDirectory(prefix="tasktracker-") as folder:
        children = _Children(Path(folder))
        children.start_missing()
        watcher = threading.Thread(target=children.watch, name="watch-pipeline", daemon=True)
        watcher.start()
        try:
            yield
            children.let_finish()
        finally:
            children.stop(watcher)


class _Children:
    """The processes that nobody else runs."""

    def __init__(self, folder: Path) -> None:
        self.commands = _commands(folder)
        self.running: dict[str, Child] = {}
        self.logs: list[IO[bytes]] = []
        self.stopped = threading.Event()

    def start_missing(self) -> None:
        """Start what has been silent for a while and is not ours, or was ours and ended."""
        alive = set(
            Heartbeat.objects.filter(beat_at__gt=Now() - SILENT_AFTER).values_list(
                "name", flat=True
            )
        )
        for name, command in self.commands.items():
            ours = self.running.get(name)
            has_ended = ours is not None and ours.exit_code is not None
            if has_ended or (ours is None and name not in alive):
                self.running[name] = self._start(name, command)

    def watch(self) -> None:
        """A heartbeat may be the last one of a process that just ended: keep looking."""
        while not self.stopped.wait(LOOK_EVERY):
            try:
                self.start_missing()
            except DatabaseError:
                logger.debug("cannot look at the heartbeats", exc_info=True)
            finally:
                connection.close()

    def let_finish(self) -> None:
        """A worker of our own may still hand approved issues to their trackers, each once."""
        give_up_at = time.monotonic() + FINISH_WITHIN
        while WORKER in self.running and _is_export_untried() and time.monotonic() < give_up_at:
            time.sleep(0.3)

    def stop(self, watcher: threading.Thread) -> None:
        self.stopped.set()
        watcher.join()
        stop_all(self.running.values(), patience=PATIENCE)
        for log in self.logs:
            log.close()
        # The next command must not take the last heartbeats for living processes.
        ours = list(self.running)
        if WORKER in self.running:
            ours += [f"queue:{queue}" for queue in QUEUES]
        Heartbeat.objects.filter(name__in=ours).delete()

    def _start(self, name: str, command: list[str]) -> Child:
        path = DataFolder(Path(settings.DATA_DIR)).log_file(f"own-{name.replace(':', '-')}")
        logger.info("no %s is running: starting one for this command, its log is %s", name, path)
        log = path.open("ab")
        self.logs.append(log)
        return Child(name, command, environment=child_environment(), output=log, folder=BASE_DIR)


def _is_export_untried() -> bool:
    return any(
        model._default_manager.filter(
            status__in=model.WAITING, attempts=0, due_at__isnull=False
        ).exists()
        for model in (Issue, TaskExport)
    )


def _commands(folder: Path) -> Mapping[str, list[str]]:
    return {
        INGESTER: [sys.executable, str(BASE_DIR / "manage.py"), "ingest_messages"],
        WORKER: [
            *(sys.executable, "-m", "celery", "-A", "tasktracker", "worker"),
            *("--without-gossip", "--without-mingle", "-n", f"own-{os.getpid()}@%h"),
            *("-Q", ",".join(QUEUES), "--concurrency", "2"),
            *("--beat", "--schedule", str(folder / "beat")),
        ],
    }


def child_environment() -> dict[str, str]:
    """Ours, with the settings and the database that this process really uses (a test has another one)."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE}
    url = urlsplit(os.environ.get("DATABASE_URL", ""))
    if url.scheme:
        name = quote(str(connection.settings_dict["NAME"]))
        environment["DATABASE_URL"] = url._replace(path=f"/{name}").geturl()
    return environment
