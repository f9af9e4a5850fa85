"""Ends what a killed holder of a DATA_DIR left running. Call it only with the lock in hand."""

import signal
from collections.abc import Iterable

import psutil

from tasktracker.devstack.child import MARK
from tasktracker.devstack.folder import DataFolder
from tasktracker.devstack.lock import is_same_process, read_run, run_file
from tasktracker.devstack.postgresql import PostgreSQL, running_postmaster

PATIENCE = 8.0  # seconds to finish before SIGKILL


def clean_up(folder: DataFolder, *, patience: float = PATIENCE) -> list[str]:
    """End the leftovers and return what was ended, for the log."""
    leaders = _recorded(folder) | _postmaster(folder)
    everything = leaders | _marked(folder)
    names = sorted({_name(process) for process in everything})
    for process in leaders:
        _send(process, PostgreSQL.stop_signal if _is_postgres(process) else signal.SIGTERM)
    psutil.wait_procs(everything, timeout=patience)
    # Looked up again: a leader may have started something between the two looks.
    remaining = [process for process in everything | _marked(folder) if process.is_running()]
    for process in remaining:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(remaining, timeout=2)
    run_file(folder).unlink(missing_ok=True)
    return names


def _recorded(folder: DataFolder) -> set[psutil.Process]:
    """The processes that the last holder wrote down and that still are the same ones."""
    run = read_run(folder)
    pairs: Iterable[tuple[int, float]] = run.processes.values() if run else ()
    return {psutil.Process(pid) for pid, created in pairs if is_same_process(pid, created)}


def _marked(folder: DataFolder) -> set[psutil.Process]:
    """Every process with our mark in its environment: also grandchildren, and what was never written down."""
    found = set()
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(folder.path):
                found.add(process)
        except (psutil.Error, OSError):
            continue  # gone, or another user's
    return found


def _postmaster(folder: DataFolder) -> set[psutil.Process]:
    """PostgreSQL overwrites its environment with its title; its pid file says who it is."""
    pid = running_postmaster(folder.path / PostgreSQL.name)
    return {psutil.Process(pid)} if pid else set()


def _is_postgres(process: psutil.Process) -> bool:
    return _name(process) == "postgres"


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.Error:
        return "a process"


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)  # psutil compares the creation time first
    except psutil.Error:
        pass
