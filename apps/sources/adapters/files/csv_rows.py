"""Tables as text: CSV with any of the usual delimiters, in UTF-8 or in Windows' Cyrillic page."""

import csv
import re
from collections.abc import Iterator
from typing import IO

from django.utils.translation import gettext

from apps.sources.adapters.charsets import decoded
from apps.sources.adapters.files.rows import Row

PEEK = 65_536  # bytes in which the row of names must end
MAX_LINE = 1_000_000  # bytes
DELIMITERS = (",", ";", "\t", "|")
_NOT_TYPED = re.compile(
    rb"[\x01-\x08\x0e-\x19]"
)  # in no text, and soon in every picture and archive


def is_csv(file: IO[bytes]) -> bool:
    """Whether the first line names columns; the position is kept."""
    position = file.tell()
    head = file.read(PEEK)
    file.seek(position)
    line = decoded(head.lstrip(b"\r\n").partition(b"\n")[0]).strip()
    if not line or line[0] in "{[<" or "\0" in line or _NOT_TYPED.search(head):
        return False
    return _delimiter(line) in line or line.lower() in ("text", "content")


def csv_rows(file: IO[bytes]) -> Iterator[Row]:
    """Every row by the line in which it ends; a bad one does not stop the rest."""
    lines = _lines(file)
    first = next((line for line in lines if line.strip()), "")
    skipped = 1
    delimiter = _delimiter(first)
    names = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
    table = csv.reader(lines, delimiter=delimiter)
    while True:
        try:
            cells = next(table)
        except StopIteration:
            return
        except csv.Error:  # in its own words it tells of Python
            yield Row(
                f"line {table.line_num + skipped}", reason=gettext("It is no row of a table.")
            )
            continue
        where = f"line {table.line_num + skipped}"
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(names):
            yield Row(where, reason="it has more cells than there are columns")
            continue
        # An empty cell is nothing, as a null is in JSON.
        yield Row(where, {name: cell for name, cell in zip(names, cells, strict=False) if cell})


def _lines(file: IO[bytes]) -> Iterator[str]:
    """Each line is decoded for itself: a file of many gigabytes is never looked through first."""
    while line := file.readline(MAX_LINE):
        yield decoded(line).replace("\0", "")


def _delimiter(line: str) -> str:
    unquoted = "".join(line.split('"')[::2])
    return max(DELIMITERS, key=unquoted.count)
