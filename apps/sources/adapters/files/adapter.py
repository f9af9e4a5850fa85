"""Files: Telegram Desktop's result.json (one chat or a whole account), JSON lines, CSV.

Everything is read as a stream; a file may be larger than the memory.
"""

import codecs
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import IO, Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from apps.sources.adapters.base import Skipped, Unreadable
from apps.sources.adapters.files.csv_rows import csv_rows, is_csv
from apps.sources.adapters.files.json_lines import is_json_lines, json_rows
from apps.sources.adapters.files.rows import Row, RowReader
from apps.sources.adapters.files.telegram_export import read_export
from apps.sources.adapters.mapping.paths import ListPath, Path, Paths, refusal, stripped
from apps.sources.adapters.mapping.reading import MOST_MESSAGES, Reading
from apps.sources.envelope import Envelope

PEEK = 1000  # bytes that tell what a file is


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise refusal(gettext("There is no time zone of this name.")) from None
    return name


class Settings(Paths):
    """Where the values of a message are in a row; without any path, the usual names are looked for."""

    model_config = ConfigDict(extra="forbid")

    text: ListPath = Field(
        "",
        title=gettext_noop("Text"),
        description=gettext_noop(
            "Path in a line of JSON, or name of a CSV column. All paths empty: the columns text, author,"
            " sent_at, chat, id and so on. For a Telegram export nothing is needed here."
        ),
    )
    message: Path = Field(
        "",
        title=gettext_noop("Message id"),
        description=gettext_noop(
            "Path of the id in the chat: the same id again is the same message. Missing: made from"
            " the whole row."
        ),
    )
    sent_at: Path = Field(
        "",
        title=gettext_noop("Time"),
        description=gettext_noop(
            "Path of the time: ISO 8601, 02.03.2026 09:00, or seconds or milliseconds since 1970."
            " Missing: when it is read."
        ),
    )
    time_format: Annotated[str, BeforeValidator(stripped)] = Field(
        "",
        max_length=50,
        title=gettext_noop("Form of the time"),
        description=gettext_noop(
            "For other forms, in the signs of Python: %m/%d/%Y %I:%M %p is 03/02/2026 09:00 AM."
        ),
    )
    time_zone: Annotated[str, BeforeValidator(stripped), AfterValidator(_zone)] = Field(
        "UTC",
        title=gettext_noop("Time zone"),
        description=gettext_noop("Of times that name none: Europe/Kyiv."),
    )


class FileImport:
    label: ClassVar[Any] = _("Chat export")
    asks_first: ClassVar[bool] = False
    Config: ClassVar[type[Settings]] = Settings
    sample_label: ClassVar[Any] = _("The first lines of the file")

    def __init__(self, config: Settings, *, source_id: int) -> None:
        self.config = config
        self.source_id = source_id

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope]:
        raise Unreadable("an archive is a file; it is read by `manage.py import_messages`")

    def read(self, file: IO[bytes]) -> Iterator[Envelope | Skipped]:
        """Everything of a seekable file, in its order; a file that is cut off ends with `truncated`."""
        if reason := _foreign(file):
            return iter([Skipped("invalid", reason=reason)])
        rows = _rows(file)
        if rows is None:
            return read_export(file, self.source_id)
        return self._messages(rows)

    def preview(self, sample: str) -> Sequence[Reading]:
        """What the first rows of a file would be; raises Unreadable."""
        rows = _rows(io.BytesIO(sample.strip("\n").encode("utf-8", "replace")))
        if rows is None:
            raise Unreadable(
                gettext("This is neither a table with a row of names (CSV) nor JSON lines.")
            )
        reader = self._reader()
        return [
            reader.reading(row.value)
            if row.value is not None
            else Reading({}, reason=f"{row.where}: {row.reason}")
            for row in islice(rows, MOST_MESSAGES)
        ]

    def _reader(self) -> RowReader:
        config = self.config
        return RowReader(
            config.paths,
            source_id=self.source_id,
            time_format=config.time_format,
            zone=config.time_zone,
        )

    def _messages(self, rows: Iterator[Row]) -> Iterator[Envelope | Skipped]:
        reader = self._reader()
        for row in rows:
            if row.value is None:
                yield Skipped("invalid", row.where, row.reason)
                continue
            reading = reader.reading(row.value)
            yield reading.envelope or Skipped("invalid", row.where, reading.reason)


def _foreign(file: IO[bytes]) -> str:
    """What to do with a file that holds messages in a form that is not read; empty for all others."""
    position = file.tell()
    head = file.read(PEEK)
    file.seek(position)
    if head.startswith(b"PK\x03\x04"):
        return gettext("it is packed, or an Excel workbook: unpack it, or save the table as CSV")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return gettext("it is written in UTF-16: save it as CSV UTF-8")
    is_list = head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    if is_list and not is_json_lines(file):
        return gettext("it is one JSON list: write its objects a line each (jq -c '.[]' does it)")
    return ""


def _rows(file: IO[bytes]) -> Iterator[Row] | None:
    """By what is in the file, not by its name; none for what is no row after row."""
    if is_json_lines(file):
        return json_rows(file)
    return csv_rows(file) if is_csv(file) else None
