"""Tables as text: CSV with any of the usual delimiters, in UTF-8 or in Windows' Cyrillic page."""

import csv
import re
from collections.abc import Iterator
from itertools import chain
from typing import IO

from django.utils.translation import gettext as _

from apps.sources.adapters.charsets import decoded
from apps.sources.adapters.files.rows import Row

PEEK = 65_536  # bytes in which the row of names must end
MAX_LINE = 1_000_000  # bytes
DELIMITERS = (",", ";", "\t", "|")
_SAID = re.compile(r"sep=(.)\s*")  # Excel's own first line, which says the delimiter
_NOT_TYPED = re.compile(rb"[\x01-\x08\x0e-\x19]")  # in no text, and soon in every picture


def is_csv(file: IO[bytes]) -> bool:
    """Whether the first line with something in it names columns; the position is kept."""
    position = file.tell()
    head = file.read(PEEK)
    file.seek(position)
    line = decoded(next(filter(bytes.strip, head.splitlines()), b"")).strip(" \r\n")
    if not line.strip() or line.strip()[0] in "{[<" or "\0" in line or _NOT_TYPED.search(head):
        return False
    return _delimiter(line) in line or line.strip().lower() in ("text", "content")


def csv_rows(file: IO[bytes]) -> Iterator[Row]:
    """Every row by the line in which it ends; a bad one does not stop the rest."""
    lines = _lines(file)
    first = next((line for line in lines if line.strip()), "")
    said = _SAID.fullmatch(first)
    if said:
        first = next(lines, "")
    skipped = 1 if said else 0
    table = csv.reader(chain([first], lines), delimiter=said[1] if said else _delimiter(first))
    names = [name.strip() for name in next(table, [])]
    while True:
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error:
            yield Row(f"line {table.line_num + skipped}", reason=_too_long())
            continue
        where = f"line {table.line_num + skipped}"
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(names):
            yield Row(where, reason=_("it has more cells than there are columns"))
            continue
        # An empty cell is nothing, as a null is in JSON.
        yield Row(where, {name: cell for name, cell in zip(names, cells, strict=False) if cell})


def _too_long() -> str:
    text = _("a cell is longer than %(n)s characters, or its quote does not end")
    return text % {"n": csv.field_size_limit()}


def _lines(file: IO[bytes]) -> Iterator[str]:
    """Each line is decoded for itself: a file of many gigabytes is never looked through first."""
    for line in _raw_lines(file):
        yield decoded(line).replace("\0", "")


def _raw_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Also of a file whose lines end as on an old Mac, which is one line for `readline`."""
    rest = b""
    while part := file.readline(MAX_LINE):
        *lines, rest = (rest + part).splitlines(keepends=True)
        if rest.endswith((b"\n", b"\r")) or len(rest) >= MAX_LINE:
            lines.append(rest)
            rest = b""
        yield from lines
    if rest:
        yield rest


def _delimiter(line: str) -> str:
    unquoted = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=unquoted.count)
