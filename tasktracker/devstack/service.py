"""What an embedded service is: a plain server process with its data below DATA_DIR."""

import os
import signal
import socket
from abc import ABC, abstractmethod
from functools import cached_property
from typing import ClassVar

from tasktracker.devstack.folder import HOST, DataFolder


class Service(ABC):
    """One server: prepare its files, name its command and URL, tell when it is ready."""

    name: ClassVar[str]
    variable: ClassVar[str]  # the setting that its URL goes to
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder

    @cached_property
    def port(self) -> int:
        # Chosen at the first use: not before a killed predecessor has given its ports back.
        return self.folder.port(self.name)

    @cached_property
    def password(self) -> str:
        return self.folder.secret(f"{self.name}_password")

    @property
    @abstractmethod
    def url(self) -> str:
        """Where clients find it, with the password."""

    @abstractmethod
    def prepare(self) -> None:
        """Write what the server needs before its first and every later start."""

    @abstractmethod
    def command(self) -> list[str]:
        """The command line; it never holds a password."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers a client that knows the password."""

    def finish(self) -> None:  # noqa: B027 (most servers need nothing more)
        """What remains to be done once the server answers."""

    def environment(self) -> dict[str, str]:
        """A server needs nothing of ours, least of all our secrets."""
        return {
            name: os.environ[name]
            for name in ("PATH", "HOME", "TMPDIR", "TZ")
            if name in os.environ
        }

    def user(self) -> int | None:
        """The user that Popen changes to, where no prefix of the command does it."""
        return None

    def ask(self, *lines: str) -> str:
        """Send lines to the server and return what it answers; empty when it does not."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1) as connection:
                connection.sendall("".join(f"{line}\r\n" for line in lines).encode())
                connection.shutdown(socket.SHUT_WR)
                return b"".join(iter(lambda: connection.recv(4096), b"")).decode(errors="replace")
        except OSError:
            return ""
