"""One readable log: every line behind the name of its process."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from tasktracker.devstack.child import Child

COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)  # ANSI; red is kept for trouble
OWN_NAME = "up"
HELD_LINES = 5_000


class Log:
    """Writes whole lines of many processes to one stream."""

    def __init__(self, names: list[str], stream: IO[str] | None = None) -> None:
        self.stream = stream or sys.stdout
        self.width = max(len(name) for name in [*names, OWN_NAME])
        self.has_colours = self.stream.isatty()
        self.colours = {name: COLOURS[number % len(COLOURS)] for number, name in enumerate(names)}
        self.is_broken = False  # whoever read us is gone
        self._lock = threading.Lock()
        self._held: list[str] | None = None

    def say(self, sentence: str) -> None:
        """A line of the supervisor itself."""
        for line in sentence.splitlines():
            self._write(self._prefixed(OWN_NAME, line))

    def plain(self, line: str) -> None:
        """A line without a prefix, for programs that wait for it."""
        self._write(line)

    def line(self, name: str, text: str) -> None:
        """A line of a process."""
        line = self._prefixed(name, text)
        with self._lock:
            if self._held is not None:
                self._held = [*self._held[-HELD_LINES:], line]
                return
        self._write(line)

    def follow(self, child: Child) -> threading.Thread:
        """Copy what the child says until it ends, in a thread."""
        thread = threading.Thread(
            target=self._copy, args=(child,), name=f"log-{child.name}", daemon=True
        )
        thread.start()
        return thread

    @contextmanager
    def holding_processes(self) -> Iterator[None]:
        """Keep the processes' lines back while something draws on the terminal."""
        with self._lock:
            self._held = [] if self.stream.isatty() else None
        try:
            yield
        finally:
            with self._lock:
                held, self._held = self._held, None
            for line in held or ():
                self._write(line)

    def _copy(self, child: Child) -> None:
        assert child.process.stdout is not None
        with child.process.stdout as output:
            for raw in output:
                self.line(child.name, raw.decode(errors="replace").rstrip())

    def _prefixed(self, name: str, text: str) -> str:
        prefix = f"{name:<{self.width}} |"
        if self.has_colours:
            prefix = f"\x1b[{self.colours.get(name, 1)}m{prefix}\x1b[0m"
        return f"{prefix} {text}"

    def _write(self, line: str) -> None:
        with self._lock:
            try:
                self.stream.write(f"{line}\n")
                self.stream.flush()
            except (OSError, ValueError):
                self.is_broken = True
