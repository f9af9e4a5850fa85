"""Live reload for `make services-dev`: notices that a source file changed."""

import threading
from pathlib import Path

from tasktracker.devstack.errors import CannotStart
from tasktracker.devstack.folder import BASE_DIR

FOLDERS = ("apps", "tasktracker", "templates", "locale")
ENDINGS = {".py", ".html", ".mo"}


def watch_sources(changed: threading.Event, stopping: threading.Event) -> None:
    """Set `changed` after every change, from a thread, until `stopping` is set."""
    try:
        from watchfiles import watch
    except ImportError as error:
        raise CannotStart("--reload needs watchfiles; use: make services-dev") from error

    def run() -> None:
        folders = [BASE_DIR / name for name in FOLDERS if (BASE_DIR / name).is_dir()]
        for _ in watch(*folders, watch_filter=_matters, stop_event=stopping):
            changed.set()

    threading.Thread(target=run, name="reload", daemon=True).start()


def _matters(change: object, path: str) -> bool:
    return Path(path).suffix in ENDINGS
