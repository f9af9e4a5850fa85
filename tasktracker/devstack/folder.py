"""DATA_DIR: where the embedded stack keeps its data, ports, secrets and logs."""

import json
import os
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import environ

BASE_DIR = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"


class DataFolder:
    """One DATA_DIR; everything in it belongs to one stack at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)

    @classmethod
    def from_environment(cls) -> "DataFolder":
        """The folder that the settings will use too (see tasktracker/settings/env.py)."""
        if (BASE_DIR / ".env").exists():
            environ.Env.read_env(BASE_DIR / ".env")
        return cls(BASE_DIR / (os.environ.get("DATA_DIR") or ".devstack"))

    def subfolder(self, name: str, *, mode: int = 0o700) -> Path:
        folder = self.path / name
        folder.mkdir(exist_ok=True, mode=mode)
        return folder

    def log_file(self, name: str) -> Path:
        return self.subfolder("logs") / f"{name}.log"

    def secret(self, name: str) -> str:
        """A password, generated once and kept with mode 0600."""
        path = self.secret_file(name)
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text().strip()

    def secret_file(self, name: str) -> Path:
        return self.subfolder("secrets") / name

    def has_demo(self, urls: Mapping[str, str]) -> bool:
        """Whether the demo was loaded into this database; who deletes it does not get it again."""
        mark = self.path / "demo-loaded"
        return mark.exists() and mark.read_text() == _database(urls)

    def note_demo(self, urls: Mapping[str, str]) -> None:
        (self.path / "demo-loaded").write_text(_database(urls))

    def port(self, name: str) -> int:
        """The service's port: the one of last time where it is still free, else a new free one."""
        path = self.path / "ports.json"
        ports = _read_ports(path)
        if name not in ports or not is_free(ports[name]):
            ports[name] = _free_port(taken=set(ports.values()))
            write_private(path, json.dumps(ports, indent=1, sort_keys=True))
        return ports[name]


def is_free(port: int) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose old connections only linger (TIME_WAIT) counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def write_private(path: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def _read_ports(path: Path) -> dict[str, int]:
    try:
        return {str(name): int(port) for name, port in json.loads(path.read_text()).items()}
    except (FileNotFoundError, ValueError, AttributeError):
        return {}


def _free_port(*, taken: set[int]) -> int:
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((HOST, 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port


def _database(urls: Mapping[str, str]) -> str:
    """Host and name of the database, without the port, which may change, and the password."""
    url = urlsplit(urls.get("DATABASE_URL") or os.environ.get("DATABASE_URL", ""))
    return f"{url.hostname}{url.path}"
