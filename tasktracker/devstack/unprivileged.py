"""PostgreSQL refuses to run as root: the words to put before its commands so that it runs as nobody."""

import os
import pwd
import shutil
from pathlib import Path

from tasktracker.devstack.errors import CannotStart

USER = "nobody"


def is_needed() -> bool:
    return os.geteuid() == 0


def user_and_group() -> tuple[int, int]:
    """nobody and its group, whatever the system calls it (nogroup, nobody)."""
    try:
        entry = pwd.getpwnam(USER)
    except KeyError as error:
        raise CannotStart(
            f"PostgreSQL cannot run as root, and there is no user {USER!r}; start as another user."
        ) from error
    return entry.pw_uid, entry.pw_gid


def prefix(*paths: Path) -> list[str]:
    """The command prefix with which nobody can reach all the paths; empty when not root."""
    if not is_needed():
        return []
    user, group = user_and_group()
    setpriv = shutil.which("setpriv")
    unreachable = next((path for path in paths if not _can_reach(path, user, group)), None)
    if setpriv is None:
        if unreachable is not None:
            raise CannotStart(
                f"PostgreSQL cannot run as root, and {USER!r} may not enter {unreachable}; "
                "install setpriv (Debian: util-linux), start as another user, "
                "or put the checkout and DATA_DIR where every user may enter."
            )
        return []
    words = [setpriv, f"--reuid={user}", f"--regid={group}", "--clear-groups"]
    if unreachable is not None:
        # Below a 0700 folder of root: this one capability opens the way, and nothing else of root remains.
        words += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return [*words, "--"]


def needs_popen_user() -> bool:
    """Without setpriv, Popen itself changes the user."""
    return is_needed() and shutil.which("setpriv") is None


def _can_reach(path: Path, user: int, group: int) -> bool:
    """Whether the user may enter every folder above the path."""
    for folder in path.resolve().parents:
        status = folder.stat()
        if status.st_uid == user:
            allowed = status.st_mode & 0o100
        elif status.st_gid == group:
            allowed = status.st_mode & 0o010
        else:
            allowed = status.st_mode & 0o001
        if not allowed:
            return False
    return True
