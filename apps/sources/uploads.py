"""Archives that come in through a browser: kept on the disk until they are imported."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from apps.sources.adapters.base import Skipped
from apps.sources.envelope import Envelope
from apps.sources.models import HistoryImport

PEEK = 4_000_000  # bytes of an archive in which there must be something to read
YOUNG = 24 * 60 * 60  # seconds; a file without an import may be one that is coming in


class NoArchive(ValueError):
    """The file is nothing that can be imported; the sentence says why."""


class Head:
    """The beginning of a file, so that a look into it does not read gigabytes."""

    def __init__(self, file: IO[bytes], limit: int = PEEK) -> None:
        self._file = file
        self._left = limit
        self.is_cut = False

    def read(self, size: int = -1) -> bytes:
        self.is_cut = self._left == 0
        block = self._file.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(block)
        return block

    def readline(self, size: int = -1) -> bytes:
        self.is_cut = self._left == 0
        line = self._file.readline(self._left if size < 0 else min(size, self._left))
        self._left -= len(line)
        return line

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, position: int) -> int:
        self._left += self._file.tell() - position
        return self._file.seek(position)

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line


def check_archive(file: IO[bytes], reader: Any) -> None:
    """Raise NoArchive when nothing in the beginning of the file is what this adapter reads."""
    head = Head(file)
    reasons = []
    parts: Iterator[Envelope | Skipped] = reader.read(head)
    for part in parts:
        if isinstance(part, Envelope) or part.why == "service":
            return
        reasons.append(f"{part.where}: {part.reason}" if part.where else part.reason)
        if len(reasons) == 3:
            break
    if head.is_cut:
        return  # too long a beginning to tell
    sentence = _(
        "This is neither a Telegram Desktop export (result.json) nor a file of messages: %s"
    )
    raise NoArchive(sentence % "; ".join(reasons or [_("it is empty")]))


def store_upload(upload: UploadedFile, row: HistoryImport) -> None:
    """Keep the uploaded file as that of the import, and save the import."""
    row.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if hasattr(upload, "temporary_file_path"):
        # In the same folder by FILE_UPLOAD_TEMP_DIR: a second name costs nothing, a copy a gigabyte.
        os.link(upload.temporary_file_path(), row.path)
    else:
        with row.path.open("xb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
    row.size = row.path.stat().st_size
    row.save()


def remove_upload(row: HistoryImport) -> None:
    row.path.unlink(missing_ok=True)


def sweep_uploads() -> None:
    """Remove files that no import needs any more, and those of uploads that never ended."""
    in_use = HistoryImport.files_in_use()
    for path in Path(settings.UPLOAD_DIR).glob("*"):
        try:
            is_young = time.time() - path.stat().st_mtime < YOUNG
        except FileNotFoundError:
            continue
        if path.is_file() and path.name not in in_use and not is_young:
            path.unlink(missing_ok=True)
