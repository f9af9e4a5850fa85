"""What the rows of a file become: by the paths of an operator, or by the names that are known anyway.

Known are `id`, `text`, `author`, `author_id`, `sent_at`, `chat`, `chat_id` and `reply_to`; `content` is
read as `text`, `date` and `timestamp` as `sent_at`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from apps.sources.adapters.mapping.reading import Reading, Value, moment_of, reading_of, values_of

DEFAULT_CHAT = "file"
MANY = 100_000  # rows without an id that are remembered, to tell equal ones apart

#: How a file writes what nobody has given a path.
_KNOWN = {
    "text": ("text", "content"),
    "author": ("author_id",),
    "author_name": ("author",),
    "chat": ("chat_id", "chat"),
    "chat_title": ("chat",),
    "message": ("id",),
    "sent_at": ("sent_at", "date", "timestamp"),
    "reply_to": ("reply_to",),
}
_DOTTED = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:,?\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?", re.ASCII
)


@dataclass(frozen=True)
class Row:
    """One row of a file, or what is wrong with it."""

    where: str  # "line 12"
    value: dict[str, Any] | None = field(default=None, repr=False)
    reason: str = ""


class RowReader:
    """Reads the rows of one file, in their order."""

    def __init__(
        self, paths: Mapping[str, str], *, source_id: int, time_format: str = "", zone: str = "UTC"
    ) -> None:
        self.paths = paths
        self.source_id = source_id
        self.now = datetime.now(UTC)
        self.seen = _Seen()
        self.read_moment = partial(_moment, time_format=time_format, zone=ZoneInfo(zone))

    def reading(self, row: dict[str, Any]) -> Reading:
        """What each field becomes, and the message when it is one."""
        defaults = {"chat": DEFAULT_CHAT, "sent_at": self.now}
        paths = self.paths if any(self.paths.values()) else _known_paths(self.paths, row)
        values = values_of(paths, row, row, defaults, read_moment=self.read_moment)
        if values["message"].state == "missing":
            made = Value(paths["message"], "missing", self._made_id(row))
            values = {**values, "message": made}
        return reading_of(values, row, source_id=self.source_id, is_history=True)

    def _made_id(self, row: dict[str, Any]) -> str:
        """The same for the same row in the same file: importing again adds nothing."""
        digest = hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:24]
        # People do write "ok" twice: the second of two equal rows is a message of its own.
        count = self.seen.count(digest)
        return digest if count == 1 else f"{digest}-{count}"


class _Seen:
    """How often something was there already; what was not for long is forgotten."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def count(self, digest: str) -> int:
        count = self._counts.pop(digest, 0) + 1
        self._counts[digest] = count
        if len(self._counts) > MANY:
            del self._counts[next(iter(self._counts))]
        return count


def _known_paths(names: Mapping[str, str], row: Mapping[str, Any]) -> dict[str, str]:
    """Columns are written with capitals, too."""
    there = {str(key).lower(): str(key) for key, value in row.items() if value is not None}
    paths = {}
    for name in names:
        found = [there[word] for word in _KNOWN.get(name, ()) if word in there]
        paths[name] = f'["{found[0]}"]' if found else ""
    return paths


def _moment(found: list[Any], *, time_format: str, zone: tzinfo) -> datetime:
    value = found[0]
    if isinstance(value, str) and time_format:
        try:
            moment = datetime.strptime(value.strip(), time_format)  # noqa: DTZ007 - the zone follows
        except ValueError:
            text = _("It is no time of the form %(form)s.")
            raise ValueError(text % {"form": time_format}) from None
        return moment if moment.tzinfo else moment.replace(tzinfo=zone)
    dotted = _DOTTED.fullmatch(value.strip()) if isinstance(value, str) else None
    if dotted is None:
        return moment_of(found, zone)
    day, month, year, hour, minute, second = (int(part or 0) for part in dotted.groups())
    return datetime(year, month, day, hour, minute, second, tzinfo=zone)
