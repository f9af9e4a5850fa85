"""Gives a `manage.py` command its services: those of the environment, of a running stack, or its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tasktracker.devstack import leftovers
from tasktracker.devstack.embedded import EmbeddedServices
from tasktracker.devstack.errors import CannotStart
from tasktracker.devstack.folder import BASE_DIR, DataFolder
from tasktracker.devstack.lock import FileLock, Run, forget_run, read_run

SETTINGS = "tasktracker.settings.dev"
VARIABLES = ("DATABASE_URL", "NATS_URL", "REDIS_URL")
PATIENCE = 120.0  # seconds for a stack that is just starting

#: Commands that work on files only, and `up`, which starts the services itself.
NEEDS_NOTHING = {
    "calibrate",
    "calibrate_duplicates",
    "check",
    "collectstatic",
    "compilemessages",
    "diffsettings",
    "evaluate_classifier",
    "findstatic",
    "help",
    "makemessages",
    "makemigrations",
    "measure_memory",
    "spectacular",
    "startapp",
    "startproject",
    "train_classifier",
    "up",
    "version",
}
#: The option with which a command of files talks to the database after all.
INTO_THE_DATABASE = {"--model-version"}


@contextmanager
def services_for(arguments: list[str]) -> Iterator[None]:
    """Run the body with the services that the command needs; our own end with it."""
    if not needs_services(arguments):
        yield
        return
    folder = DataFolder.from_environment()
    if all(os.environ.get(name) for name in VARIABLES):
        yield
        return
    lock, guest = FileLock(folder), FileLock(folder, "guests")
    while not lock.take():
        if _visit(folder, guest):
            try:
                yield
            finally:
                guest.release()
            return
    try:
        with _own_services(folder, arguments[0]):
            yield
    finally:
        lock.release()


def needs_services(arguments: list[str]) -> bool:
    """Whether this command line, without the program's name, talks to a service on a laptop."""
    if not arguments or arguments[0].startswith("-"):
        return False
    if arguments[0] in NEEDS_NOTHING and not INTO_THE_DATABASE & set(arguments):
        return False
    if {"-h", "--help", "--version"} & set(arguments):
        return False
    return _settings_module(arguments) == SETTINGS


def _settings_module(arguments: list[str]) -> str:
    for position, word in enumerate(arguments):
        if word.startswith("--settings="):
            return word.partition("=")[2]
        if word == "--settings" and position + 1 < len(arguments):
            return arguments[position + 1]
    return os.environ.get("DJANGO_SETTINGS_MODULE", SETTINGS)


def _visit(folder: DataFolder, guest: FileLock) -> bool:
    """Use the services of whoever holds the lock; False when the holder is leaving: look again."""
    deadline = time.monotonic() + PATIENCE
    # A holder that leaves takes this lock alone, so that it waits for its guests and no new one comes.
    guest.take(shared=True, wait=True)
    while True:
        run = read_run(folder)
        if run is not None and run.is_ready and run.is_alive:
            os.environ.update({name: os.environ.get(name) or url for name, url in run.urls.items()})
            return True
        probe = FileLock(folder)
        if probe.take():
            probe.release()
            guest.release()
            return False
        if time.monotonic() > deadline:
            holder = (
                run.describe() if run and run.is_alive else "a process that does not say who it is"
            )
            raise CannotStart(f"{folder.path} is held by {holder}, and its services are not ready.")
        time.sleep(0.1)


@contextmanager
def _own_services(folder: DataFolder, command: str) -> Iterator[None]:
    """Start the embedded services and stop them, whichever way the command ends."""
    say(f"starting the embedded services in {folder.path} for this command")
    leftovers.clean_up(folder)
    run = Run.mine(command)
    run.write(folder)
    previous = {number: signal.signal(number, _end) for number in (signal.SIGTERM, signal.SIGHUP)}
    services = EmbeddedServices(folder, given=os.environ)
    guests = FileLock(folder, "guests")
    try:
        services.start()
        os.environ.update(services.urls)
        run.urls = services.urls
        run.processes = {name: child.identity for name, child in services.children.items()}
        run.write(folder)
        if services.postgresql and services.postgresql.is_empty and command != "migrate":
            _migrate()
        run.is_ready = True
        run.write(folder)
        yield
        _wait_for_guests(guests)
    finally:
        forget_run(folder)
        services.stop()
        guests.release()
        for number, handler in previous.items():
            signal.signal(number, handler)


def _end(number: int, frame: object) -> None:
    sys.exit(128 + number)


def _migrate() -> None:
    say("making the tables")
    words = [sys.executable, str(BASE_DIR / "manage.py"), "migrate", "--no-input", "--verbosity=0"]
    if subprocess.run(words, check=False, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode:  # noqa: S603 (our own)
        raise CannotStart("the tables could not be made; see above.")


def _wait_for_guests(guests: FileLock) -> None:
    """Other commands may be using our services: let them finish, and let no new one in."""
    if not guests.take():
        say("another command still uses the embedded services; waiting for it")
        guests.take(wait=True)


def say(sentence: str) -> None:
    """To stderr: a command's stdout may be read by a program."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()
