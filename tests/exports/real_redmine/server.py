"""Debian's Redmine with a database of its own, on a free port of loopback."""

import fcntl
import hashlib
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import psutil

from tasktracker.devstack.lock import is_same_process

PACKAGE = Path("/usr/share/redmine")
#: Debian's: the one inside its newer Ruby does not find Debian's gems.
BUNDLER = "/usr/share/rubygems-integration/all/gems/bundler-2.3.15/lib"
SEED = Path(__file__).with_name("seed.rb")
KEYS = {
    "boss": "a" * 40,
    "bot": "b" * 40,
    "newcomer": "c" * 40,
    "stranger": "d" * 40,
    "hasty": "e" * 40,
}
PATIENCE = 300  # seconds that it may take to start on a busy machine


def why_absent() -> str:
    """Empty where Redmine can be run."""
    missing = [name for name in ("bundle", "puma") if not shutil.which(name)]
    if missing or not (PACKAGE / "config.ru").exists():
        return "Redmine is not installed: apt-get install redmine redmine-sqlite puma"
    return ""


class RealRedmine:
    """A running Redmine, whose database tests may look into."""

    def __init__(self, url: str, database: Path) -> None:
        self.url = url
        self.database = database

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database, timeout=20)) as session, session:
            return session.execute(statement, values).fetchall()

    def id_of(self, table: str, name: str) -> str:
        (row,) = self.sql(f"SELECT id FROM {table} WHERE name = ?", name)
        return str(row[0])

    def set(self, name: str, value: str) -> None:
        """A setting of the administration; a Redmine at work sees it with the next request."""
        self.sql("DELETE FROM settings WHERE name = ?", name)
        self.sql(
            "INSERT INTO settings (name, value, updated_on) VALUES (?, ?, datetime('now', '+1 day'))",
            name,
            value,
        )

    def page_of(self, url: str) -> str:
        """What a browser shows of an issue's description."""
        with self._browser.open(url, timeout=PATIENCE) as answer:
            page = answer.read().decode()
        description = page.partition('<div class="description">')[2]
        return description.partition('<div class="wiki">')[2].partition("</div>")[0]

    @cached_property
    def _browser(self) -> urllib.request.OpenerDirector:
        """Logged in."""
        cookies = urllib.request.HTTPCookieProcessor()
        browser = urllib.request.build_opener(cookies)
        with browser.open(f"{self.url}/login", timeout=PATIENCE) as answer:
            token = re.search(r'name="authenticity_token" value="([^"]+)"', answer.read().decode())
        assert token
        form = {"username": "bot", "password": "correct horse bot", "authenticity_token": token[1]}
        browser.open(f"{self.url}/login", urlencode(form).encode(), timeout=PATIENCE).close()
        return browser


@contextmanager
def real_redmine(folder: Path, cache: Path) -> Iterator[RealRedmine]:
    """`cache` keeps the seeded database, which takes a while to make.

    One in `folder` for all processes of a run: who comes first starts it, who goes last ends it.
    """
    with locked(folder / "lock"):
        url = (folder / "url").read_text() if (folder / "url").exists() else _start(folder, cache)
        (folder / f"user-{os.getpid()}").touch()
    try:
        yield RealRedmine(url, folder / "redmine.sqlite3")
    finally:
        with locked(folder / "lock"):
            (folder / f"user-{os.getpid()}").unlink()
            if not list(folder.glob("user-*")):
                (folder / "url").unlink()
                _stop(int((folder / "pid").read_text()))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else of this run is in there."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start(folder: Path, cache: Path) -> str:
    home = folder / uuid4().hex
    home.mkdir()
    database = folder / "redmine.sqlite3"
    _lay_out(home, database)
    seeded = cache / f"{_fingerprint()}.sqlite3"
    if seeded.exists():
        shutil.copy(seeded, database)
    else:
        _run(home, "bundle", "exec", "rails", "runner", str(SEED))
        shutil.copy(database, seeded.with_suffix(".new"))
        seeded.with_suffix(".new").replace(seeded)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = ["bundle", "exec", "puma", "-C", "-", "-t", "2:4", "-b", f"tcp://127.0.0.1:{port}"]
    with (folder / "puma.log").open("ab") as log:
        puma = subprocess.Popen(command, cwd=home, env=_environment(home), stdout=log, stderr=log)
    _wait_for(url, puma)
    (folder / "pid").write_text(str(puma.pid))
    (folder / "url").write_text(url)
    puma.returncode = 0  # whoever goes last ends it
    return url


def _stop(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        puma = psutil.Process(pid)
        puma.terminate()
        ends_at = time.monotonic() + PATIENCE
        # Not `wait`: it stays a zombie as long as the test process lives that started it.
        while is_same_process(pid, puma.create_time()):
            assert time.monotonic() < ends_at, "Redmine did not stop"
            time.sleep(0.1)


def _lay_out(folder: Path, database: Path) -> None:
    """The package's files, with settings, logs and attachments of this one alone."""
    # A copy, because Rails is at home where its files really lie.
    others = shutil.ignore_patterns("instances", "Gemfile.lock", "database.yml", "public")
    shutil.copytree(PACKAGE, folder, ignore=others, dirs_exist_ok=True)
    (folder / "public").mkdir()
    (folder / "Gemfile.local").write_text(
        'gem "puma"\ngem "sqlite3" unless dependencies.any? { |one| one.name == "sqlite3" }\n'
    )
    own = folder / "instances/default"
    for name in ("config", "files", "log", "tmp"):
        (own / name).mkdir(parents=True)
    (own / "config/database.yml").write_text(
        f"production:\n  adapter: sqlite3\n  database: {database}\n  timeout: 20000\n"
    )
    (own / "config/secret_key.txt").write_text("0" * 128)


def _fingerprint() -> str:
    version = (PACKAGE / "lib/redmine/version.rb").read_bytes()
    return hashlib.sha256(version + SEED.read_bytes()).hexdigest()[:16]


def _environment(folder: Path) -> dict[str, str]:
    return {  # not ours: Rails would take our DATABASE_URL for its own
        "PATH": os.environ["PATH"],
        "BUNDLE_GEMFILE": str(folder / "Gemfile"),
        "RAILS_ENV": "production",
        "REDMINE_INSTANCE": "default",
        "HOME": str(folder),
        "RUBYLIB": BUNDLER,
        "LANG": "C.UTF-8",
    }


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command, cwd=folder, env=_environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[:2000]


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + PATIENCE
    while time.monotonic() < ends_at and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/login", timeout=PATIENCE):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"Redmine did not start: {process.poll()}")
