"""Starts and stops the embedded services that the environment does not replace."""

import time
from collections.abc import Callable, Mapping

from tasktracker.devstack.child import MARK, Child, stop_all
from tasktracker.devstack.errors import CannotStart
from tasktracker.devstack.folder import DataFolder
from tasktracker.devstack.nats import Nats
from tasktracker.devstack.postgresql import PostgreSQL
from tasktracker.devstack.service import Service
from tasktracker.devstack.valkey import Valkey

PATIENCE = 30.0  # seconds until a service must answer
LOG_LIMIT = 10_000_000  # bytes; a log that is longer starts anew


class EmbeddedServices:
    """The services of one DATA_DIR, without those whose URL is given."""

    def __init__(
        self,
        folder: DataFolder,
        *,
        given: Mapping[str, str] | None = None,
        durable: bool = True,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        given = given or {}
        self.folder = folder
        self.pause = pause  # may raise, when there is a reason not to go on
        self.children: dict[str, Child] = {}
        self.postgresql = None if given.get("DATABASE_URL") else PostgreSQL(folder, durable=durable)
        self.services: list[Service] = [self.postgresql] if self.postgresql else []
        self.services += [kind(folder) for kind in (Nats, Valkey) if not given.get(kind.variable)]

    @property
    def urls(self) -> dict[str, str]:
        return {service.variable: service.url for service in self.services}

    def start(self) -> None:
        """Start all at once and wait until all answer; on failure nothing stays behind."""
        try:
            for service in self.services:
                service.prepare()
                self.launch(service)
            for service in self.services:
                self.wait(service)
        except BaseException:
            self.stop()
            raise

    def launch(self, service: Service) -> Child:
        """Start the server process; it does not answer yet."""
        path = self.folder.log_file(service.name)
        is_long = path.exists() and path.stat().st_size > LOG_LIMIT
        with path.open("wb" if is_long else "ab") as log:
            child = self.children[service.name] = Child(
                service.name,
                service.command(),
                environment=service.environment() | {MARK: str(self.folder.path)},
                output=log,
                stop_signal=service.stop_signal,
                user=service.user(),
            )
        return child

    def wait(self, service: Service) -> None:
        """Return when the server answers; raise with the end of its log when it cannot."""
        child = self.children[service.name]
        deadline = time.monotonic() + PATIENCE
        while not service.is_ready():
            if child.exit_code is not None:
                raise CannotStart(
                    f"{service.name} {child.describe_end()}:\n{self.log_end(service)}"
                )
            if time.monotonic() > deadline:
                raise CannotStart(
                    f"{service.name} does not answer after {PATIENCE:.0f} s:\n{self.log_end(service)}"
                )
            self.pause(0.05)
        service.finish()

    def log_end(self, service: Service, lines: int = 8) -> str:
        text = self.folder.log_file(service.name).read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def stop(self, patience: float = 8.0) -> None:
        stop_all(self.children.values(), patience=patience)
        self.children.clear()
