"""One child process in a session of its own, so that a Ctrl-C at the terminal reaches only us."""

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

import psutil

#: In the environment of every child: finds what a killed supervisor left behind.
MARK = "TASKTRACKER_STACK"


class Child:
    """A running child, its process group and its end."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        environment: Mapping[str, str],
        output: int | IO[bytes] | None,
        stop_signal: signal.Signals = signal.SIGTERM,
        user: int | None = None,
        folder: Path | None = None,
    ) -> None:
        self.name = name
        self.stop_signal = stop_signal
        self.process = subprocess.Popen(  # noqa: S603 (our own table of commands)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
            user=user,
            cwd=folder,
        )
        self.started = time.monotonic()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def identity(self) -> tuple[int, float]:
        """Process id and creation time; the time is 0 when it has ended already."""
        try:
            return self.pid, psutil.Process(self.pid).create_time()
        except psutil.Error:
            return self.pid, 0.0

    @property
    def age(self) -> float:
        return time.monotonic() - self.started

    @property
    def exit_code(self) -> int | None:
        return self.process.poll()

    def signal_stop(self) -> None:
        # Only the leader: Celery and PostgreSQL tell their own children how to finish.
        if self.exit_code is None:
            self.process.send_signal(self.stop_signal)

    def family(self) -> list[psutil.Process]:
        """The child and all below it, while they live."""
        try:
            leader = psutil.Process(self.pid)
            return [leader, *leader.children(recursive=True)]
        except psutil.Error:
            return []

    def kill(self) -> None:
        """SIGKILL for what is left of the process group."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # nobody is left (macOS says EPERM for a group of zombies)
        self.process.wait()

    def describe_end(self) -> str:
        code = self.exit_code
        if code is not None and code < 0:
            return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"


def stop_all(children: Iterable[Child], *, patience: float) -> None:
    """Ask every child to finish, wait together, then kill what remains with everything below it."""
    children = list(children)
    families = [process for child in children for process in child.family()]
    for child in children:
        child.signal_stop()
    deadline = time.monotonic() + patience
    for child in children:
        try:
            child.process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
        child.kill()
    for process in families:
        _kill_quietly(process)


def _kill_quietly(process: psutil.Process) -> None:
    try:
        process.kill()  # psutil compares the creation time: never somebody else's reused number
        process.wait(timeout=2)
    except psutil.Error:
        pass
