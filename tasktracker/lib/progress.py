"""A progress bar on stderr, and one JSON object on stdout's last line."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn


@contextmanager
def progress_bar(label: str, *, is_quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yields `advance(done, total)`; draws on a terminal only, so that a log stays readable."""
    console = Console(file=sys.stderr)
    if is_quiet or not console.is_terminal:
        yield lambda done, total: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(label, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)


def last_line(values: Mapping[str, Any]) -> str:
    """One JSON object on one line, for programs."""
    return json.dumps(values, ensure_ascii=False)
