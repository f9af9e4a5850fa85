"""Which adapter reads the archives of a source, and whether a file is one at all."""

from collections.abc import Iterator
from typing import IO, Any

from django.utils.translation import gettext as _

from apps.sources.adapters import ADAPTERS, able_to
from apps.sources.adapters.base import Skipped
from apps.sources.envelope import Envelope
from apps.sources.models import Source
from tasktracker.lib.plugins import load
from tasktracker.lib.retell import retell

#: Kinds of sources whose history another kind reads; those that read files have `read` themselves.
ARCHIVES_OF = {"telegram": "file_import"}
PEEK = 4_000_000  # bytes of an archive in which there must be something to read
SHOWN = 3  # reasons why nothing could be read


class NoArchive(ValueError):
    """The file is nothing that can be imported; the sentence says why."""


def kinds_with_history() -> list[str]:
    """Kinds of sources that can be given a history."""
    return [*able_to("read"), *ARCHIVES_OF]


def reader_of(source: Source) -> Any:
    """The adapter that reads files for this source; raises ValueError when its settings do not fit."""
    if source.kind not in ARCHIVES_OF:
        return source.adapter()
    adapter = load(ADAPTERS, ARCHIVES_OF[source.kind])
    return adapter(adapter.Config(), source_id=source.pk)


def check_archive(file: IO[bytes], source: Source) -> None:
    """Raise NoArchive when there is nothing in the beginning of the file that can be imported."""
    file.seek(0)
    head = _Head(file)
    reasons = []
    has_lines = False
    parts: Iterator[Envelope | Skipped] = reader_of(source).read(head)
    for part in parts:
        if isinstance(part, Envelope) or part.why == "service":
            return
        noted = f"{part.where}: {part.reason}" if part.where else part.reason
        has_lines = has_lines or part.where.startswith("line ")
        reasons.append(problem_in_words(noted))
        if len(reasons) == SHOWN:
            break
    if head.is_cut:
        return  # too long a beginning to tell
    if reasons and has_lines:
        sentence = _(
            "No line of this file is a message: %(reason)s. If its columns have other names than the usual"
            " ones, set their names on the page of a source of the kind Chat export, and import into that."
        )
        raise NoArchive(sentence % {"reason": "; ".join(reasons).rstrip(".")})
    sentence = _(
        "This is neither a Telegram Desktop export (result.json) nor a file of messages: %(reason)s."
    )
    reason = "; ".join(reasons).rstrip(".") or _("it is empty")
    raise NoArchive(sentence % {"reason": reason})


def problem_in_words(noted: str) -> str:
    """What was noted in English, "line 7: " and what is wrong there, in the language of the reader."""
    where, _colon, reason = noted.partition(": ")
    word, _space, number = where.rpartition(" ")
    sentences = {
        "line": _("Line %(number)s: %(reason)s"),
        "message": _("Message %(number)s: %(reason)s"),
    }
    if word not in sentences:
        return _retold(noted)
    return sentences[word] % {"number": number, "reason": _retold(reason)}


def _retold(reasons: str) -> str:
    return " ".join(map(retell, reasons.split("\n")))


class _Head:
    """The beginning of a file, so that a look into it does not read gigabytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.is_cut = False

    def read(self, size: int = -1) -> bytes:
        return self._file.read(self._within(size))

    def readline(self, size: int = -1) -> bytes:
        return self._file.readline(self._within(size))

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence)

    def _within(self, size: int) -> int:
        left = max(0, PEEK - self._file.tell())
        if left == 0:
            self.is_cut = True
        return left if size < 0 else min(size, left)
