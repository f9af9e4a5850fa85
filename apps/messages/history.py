"""Brings an archive into a source by the way of live messages: adapter, JetStream, ingester, Celery."""

import asyncio
import io
import json
import logging
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Self

from django.conf import settings
from django.utils.translation import gettext as _

from apps.messages.models import WORDING, Message
from apps.messages.pacing import NoRoom, Pace
from apps.sources.adapters.base import Skipped
from apps.sources.archives import reader_of
from apps.sources.envelope import ARCHIVED, Envelope
from apps.sources.intake import accept_archived, forget_stored_archives
from apps.sources.models import Source
from tasktracker.lib import bus
from tasktracker.lib.bus import BusUnavailable
from tasktracker.lib.text import storable

logger = logging.getLogger(__name__)

CHUNK = 500  # messages and entries between two looks into the database
CHUNK_BYTES = 8_000_000  # of the file; fewer entries, when they are large
AT_ONCE = 32  # publications under way; each waits about a millisecond for the disk
LOOK_EVERY = 0.3  # seconds between two looks at what is finished
STALLED_AFTER = 180.0  # seconds without any progress, beside what an LLM may take
SHOWN_PROBLEMS = 20

Advance = Callable[[int, int], None]  # how much is done, of how much
Key = tuple[str, int, str]  # external id, edit, wording
Said = tuple[str, datetime, str]  # who, when, what


class CannotImport(Exception):
    """The import ended early; the sentence says why, and running it again goes on."""


@dataclass(frozen=True)
class Packed:
    """The keys of one chunk in a few bytes each: an archive may have millions."""

    count: int
    content: bytes

    @classmethod
    def of(cls, keys: Iterable[Key]) -> Self:
        distinct = sorted(set(keys))
        return cls(len(distinct), zlib.compress(json.dumps(distinct).encode()))

    def keys(self) -> set[Key]:
        return {
            (external_id, edit, wording)
            for external_id, edit, wording in json.loads(zlib.decompress(self.content))
        }


@dataclass
class Summary:
    """What was in the file and what became of it."""

    read: int = 0  # messages
    published: int = 0
    already_stored: int = 0
    not_stored: int = 0  # refused by the ingester: dead letters, chats that nobody monitors
    service: int = 0
    invalid: int = 0
    truncated: str = ""
    problems: list[str] = field(default_factory=list)
    #: By the chat's external id: from when to when the file has messages of it.
    spans: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    outstanding: deque[Packed] = field(default_factory=deque)  # published, not seen stored yet

    def skip(self, part: Skipped) -> None:
        if part.why == "service":
            self.service += 1
            return
        # The file's own words may be in there: anything of any length.
        where, reason = storable(part.where)[:100], storable(part.reason)[:300]
        if part.why == "truncated":
            last = {"reason": reason, "number": where.removeprefix("after message ")}
            cut = _("%(reason)s (after message %(number)s)") % last
            self.truncated = cut if where else reason
            return
        self.invalid += 1
        if len(self.problems) < SHOWN_PROBLEMS:
            self.problems.append(f"{where}: {reason}")

    def note(self, envelope: Envelope) -> None:
        self.read += 1
        chat, sent_at = envelope.chat.external_id, envelope.sent_at
        first, last = self.spans.get(chat, (sent_at, sent_at))
        self.spans[chat] = (min(first, sent_at), max(last, sent_at))


def import_history(path: Path, source: Source, advance: Advance) -> Summary:
    """Import the whole file and wait until every message of it is finished."""
    summary = publish_history(path, source, lambda done, total: None)
    wait_until_finished(source, summary, advance)
    return summary


def publish_history(
    path: Path,
    source: Source,
    advance: Advance,
    *,
    pace: Pace | None = None,
    is_live: bool = False,
    summary: Summary | None = None,
) -> Summary:
    """Hand what is not stored yet to JetStream, chunk by chunk; an interrupted import can be repeated.

    With `is_live` its messages count as live ones: people are told, and the project's policy holds.
    Who wants to look at the summary meanwhile brings it along.
    """
    summary = Summary() if summary is None else summary
    pace = pace or Pace(longest_queue=None)
    size = path.stat().st_size
    with _Archive(path, advance) as file, asyncio.Runner() as runner:
        for envelopes in _chunks(_parts(file, source), summary, file):
            new = _not_stored(source, envelopes)
            summary.already_stored += len(envelopes) - len(new)
            if is_live:
                new = [envelope.model_copy(update={"is_history": False}) for envelope in new]
            _hand_over(new, runner, pace)
            summary.published += len(new)
            if new:
                summary.outstanding.append(Packed.of(map(_key, new)))
            advance(file.tell(), size)
    advance(size, size)
    return summary


def _hand_over(new: list[Envelope], runner: asyncio.Runner, pace: Pace) -> None:
    if not new:
        return
    try:
        pace.hand_over(lambda: runner.run(_publish(new)))
    except NoRoom:
        raise CannotImport(
            _("JetStream does not take messages; import the file again later.")
        ) from None


def _parts(file: IO[bytes], source: Source) -> Iterator[Envelope | Skipped]:
    parts: Iterator[Envelope | Skipped] = reader_of(source).read(file)
    return parts


def is_finished(source: Source, summary: Summary) -> bool:
    """Whether nothing of the archive waits to be stored or for a step."""
    return not summary.outstanding and not _still_to_finish(source)


def wait_until_finished(source: Source, summary: Summary, advance: Advance) -> None:
    """Return when everything is stored and no archived message of the source waits for a step."""
    total, least, moved_at = summary.published, -1, time.monotonic()
    while True:
        remaining = still_to_store(source, summary) + _still_to_finish(source)
        total = max(total, remaining)  # an interrupted import may have left some more
        advance(total - remaining, total)
        if not remaining:
            forget_stored_archives()
            return
        if remaining != least:
            least, moved_at = remaining, time.monotonic()
        elif time.monotonic() - moved_at > STALLED_AFTER + settings.LLM_GRACE:
            raise CannotImport(_("Nothing moves any more; is a worker running?"))
        time.sleep(LOOK_EVERY)


def _chunks(
    parts: Iterable[Envelope | Skipped], summary: Summary, file: IO[bytes]
) -> Iterator[list[Envelope]]:
    """Envelopes in groups, some of them empty: what gave none is counted on the way, and takes time."""
    chunk: list[Envelope] = []
    seen, begun_at = 0, file.tell()
    for part in parts:
        seen += 1
        if isinstance(part, Skipped):
            summary.skip(part)
        else:
            summary.note(part)
            chunk.append(part)
        if seen == CHUNK or file.tell() - begun_at >= CHUNK_BYTES:
            yield chunk
            chunk, seen, begun_at = [], 0, file.tell()
    if seen:
        yield chunk


class _Archive(io.BufferedReader):
    """A file that tells how far it is, also where hundreds of megabytes hold no message."""

    def __init__(self, path: Path, advance: Advance) -> None:
        super().__init__(io.FileIO(path))
        self._advance, self._size = advance, path.stat().st_size
        self._told_at = 0

    def read(self, size: int | None = -1) -> bytes:
        position = self.tell()
        if position - self._told_at >= CHUNK_BYTES:
            self._told_at = position
            self._advance(position, self._size)
        return super().read(size)


def _not_stored(source: Source, envelopes: list[Envelope]) -> list[Envelope]:
    stored = _stored(source, (_key(envelope) for envelope in envelopes))
    new = [envelope for envelope in envelopes if _key(envelope) not in stored]
    known = _said_before(source, [envelope for envelope in new if _is_counted_apart(envelope)])
    return [
        envelope
        for envelope in new
        if not (_is_counted_apart(envelope) and _said(envelope) in known)
    ]


def _is_counted_apart(envelope: Envelope) -> bool:
    return envelope.external_id.rpartition(":")[2].startswith(ARCHIVED)


def _said_before(source: Source, envelopes: list[Envelope]) -> set[Said]:
    """Where the archive's numbers are its own, who said when what tells a message that we have."""
    wanted = {_said(envelope) for envelope in envelopes if envelope.text}
    if not wanted:
        return set()
    rows = Message.objects.filter(
        source=source,
        author_id__in={author for author, *_ in wanted},
        sent_at__in={sent_at for _author, sent_at, _text in wanted},
    )
    return wanted & set(rows.values_list("author_id", "sent_at", "text"))


def _said(envelope: Envelope) -> Said:
    return envelope.author_id, envelope.sent_at, envelope.text


def _stored(source: Source, keys: Iterable[Key]) -> set[Key]:
    rows = Message.objects.filter(
        source=source, external_id__in=[external_id for external_id, *_ in keys]
    )
    return set(rows.values_list("external_id", "edit", WORDING))


def _key(envelope: Envelope) -> Key:
    return envelope.external_id, envelope.edit, envelope.wording


async def _publish(envelopes: list[Envelope]) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def publish(envelope: Envelope) -> None:
        async with places:
            await accept_archived(envelope)

    # Started in order and through one connection: the stream keeps the order of the chat.
    async with asyncio.TaskGroup() as group:
        for envelope in envelopes:
            group.create_task(publish(envelope))


def still_to_store(source: Source, summary: Summary) -> int:
    """Messages that the ingester has not stored; it works in order, so the first chunks empty first."""
    while summary.outstanding:
        first = summary.outstanding[0].keys()
        first -= _stored(source, first)
        if first and not _is_stream_empty():
            summary.outstanding[0] = Packed.of(first)
            break
        # With an empty stream, the rest was refused: dead letters, or a chat that nobody monitors.
        summary.not_stored += len(first - _stored(source, first))
        summary.outstanding.popleft()
    return sum(chunk.count for chunk in summary.outstanding)


def _still_to_finish(source: Source) -> int:
    return Message.objects.filter(
        source=source, is_history=True, status__in=Message.WAITING, due_at__isnull=False
    ).count()


def _is_stream_empty() -> bool:
    try:
        return bus.pending() == 0
    except BusUnavailable:
        return False
