"""Labelled files: one JSON object a line, with errors that name the line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class BadFile(ValueError):
    """The file cannot be evaluated; the sentence says where and why."""


def read_lines(path: Path, required: frozenset[str]) -> Iterator[dict[str, Any]]:
    """The file's objects, each with the `required` keys; raises BadFile."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"{path}: {error}") from error
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise BadFile(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(row, dict) or not required <= row.keys():
            raise BadFile(f"{path}, line {number}: needs {', '.join(sorted(required))}")
        yield row
