"""One stack at a time per DATA_DIR: the lock, and what its holder says about itself."""

import fcntl
import json
import os
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import psutil

from tasktracker.devstack.folder import DataFolder, write_private


@dataclass
class Run:
    """What the holder of the lock writes into run.json for others, and for whoever comes after a kill -9."""

    what: str  # "up", or the command that borrowed the services
    pid: int
    created: float  # of the process with this pid: a number alone may be somebody else's later
    since: str
    web: str = ""
    urls: dict[str, str] = field(default_factory=dict)
    is_ready: bool = False
    processes: dict[str, tuple[int, float]] = field(default_factory=dict)

    @classmethod
    def mine(cls, what: str) -> "Run":
        me = psutil.Process()
        now = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
        return cls(what=what, pid=me.pid, created=me.create_time(), since=now)

    @property
    def is_alive(self) -> bool:
        return is_same_process(self.pid, self.created)

    def write(self, folder: DataFolder) -> None:
        write_private(run_file(folder), json.dumps(asdict(self), indent=1))

    def describe(self) -> str:
        where = f", {self.web}" if self.web else ""
        return f"process {self.pid} ({self.what}) since {self.since}{where}"


def run_file(folder: DataFolder) -> Path:
    return folder.path / "run.json"


def read_run(folder: DataFolder) -> Run | None:
    """What the present or last holder wrote; None when there is nothing sensible."""
    try:
        content: dict[str, Any] = json.loads(run_file(folder).read_text())
        return Run(**content)
    except (FileNotFoundError, ValueError, TypeError):
        return None


def is_same_process(pid: int, created: float) -> bool:
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


class FileLock:
    """flock on a file of DATA_DIR; the kernel releases it, however its holder ends."""

    def __init__(self, folder: DataFolder, name: str = "lock") -> None:
        self.path = folder.path / name
        self.file: IO[bytes] | None = None

    def take(self, *, wait: bool = False, shared: bool = False) -> bool:
        """Whether the lock is ours now."""
        file = self.path.open("ab")
        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self.file = file
        return True

    def is_lost(self) -> bool:
        """Whether the file was deleted, with or without its folder: then others can lock a new one."""
        if self.file is None:
            return True
        try:
            return not os.path.samestat(os.fstat(self.file.fileno()), self.path.stat())
        except FileNotFoundError:
            return True

    def release(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None


def forget_run(folder: DataFolder) -> None:
    """Take back what we said; nobody is to use the services any more."""
    run = read_run(folder)
    if run is not None and run.pid == os.getpid():
        run_file(folder).unlink(missing_ok=True)
