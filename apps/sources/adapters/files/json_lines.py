"""JSON lines: an object a line."""

import json
from collections.abc import Iterator
from typing import IO, Any

from django.utils.translation import gettext as _

from apps.sources.adapters.base import reason_of
from apps.sources.adapters.files.rows import Row

PEEK = 65_536  # bytes in which the first line must end for the format to be recognised
MAX_LINE = 10_000_000  # bytes


def is_json_lines(file: IO[bytes]) -> bool:
    """Whether the first line is a whole object, and not a whole export; the position is kept."""
    position = file.tell()
    head = file.read(PEEK)
    file.seek(position)
    line, newline, _rest = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        # A bad first line is one bad line when a good one follows it.
        return bool(newline) and line.strip() not in (b"{", b"[") and _has_whole_object(head)
    return isinstance(first, dict) and not {"messages", "chats"} & first.keys()


def json_rows(file: IO[bytes]) -> Iterator[Row]:
    """Every line by its number; a bad one does not stop the rest."""
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        if not line.strip(b"\xef\xbb\xbf \t\r\n"):
            continue
        try:
            yield Row(f"line {number}", _object(line))
        except (ValueError, RecursionError) as error:
            reason = _("nested too deeply") if isinstance(error, RecursionError) else _reason(error)
            yield Row(f"line {number}", reason=reason)


def _object(line: bytes) -> dict[str, Any]:
    value = json.loads(line.decode("utf-8-sig"))
    if not isinstance(value, dict):
        raise ValueError(_("not an object"))
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return _("this is no JSON at character %(number)s") % {"number": error.colno}
    return reason_of(error) if isinstance(error, ValueError) else str(error)


def _has_whole_object(head: bytes) -> bool:
    for line in head.splitlines()[1:20]:
        try:
            if isinstance(json.loads(line), dict):
                return True
        except (ValueError, RecursionError):
            continue
    return False
