"""JSON lines: one message a line, `{id?, text, author?, author_id?, sent_at?, chat?, chat_id?, reply_to?}`.

`content` is read as `text`; `date` and `timestamp` as `sent_at`.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import IO, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from apps.sources.adapters.base import Skipped, reason_of
from apps.sources.envelope import ChatReference, Envelope

PEEK = 65_536  # bytes in which the first line must end for the format to be recognised
MAX_LINE = 10_000_000  # bytes
DEFAULT_CHAT = "file"


class _Line(BaseModel):
    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str = ""
    text: str = Field(validation_alias=AliasChoices("text", "content"))
    author: str | None = None
    author_id: str | None = None
    sent_at: datetime | None = Field(
        None, validation_alias=AliasChoices("sent_at", "date", "timestamp")
    )
    chat: str | None = None
    chat_id: str | None = None
    reply_to: str | None = None


def is_json_lines(file: IO[bytes]) -> bool:
    """Whether the first line is a whole object, and not a whole export; the position is kept."""
    position = file.tell()
    head = file.read(PEEK)
    file.seek(position)
    line, newline, _ = head.lstrip(b"\xef\xbb\xbf \t\r\n").partition(b"\n")
    try:
        first = json.loads(line)
    except (ValueError, RecursionError):
        # A bad first line is one bad line when a good one follows it.
        return bool(newline) and line.strip() not in (b"{", b"[") and _has_whole_object(head)
    return isinstance(first, dict) and not {"messages", "chats"} & first.keys()


def read_json_lines(file: IO[bytes], source_id: int) -> Iterator[Envelope | Skipped]:
    """A bad line is reported with its number and does not stop the rest."""
    now = datetime.now(UTC)
    seen: Counter[str] = Counter()
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        if not line.strip(b"\xef\xbb\xbf \t\r\n"):
            continue
        try:
            yield _envelope(line, source_id, seen, now)
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else _reason(error)
            yield Skipped("invalid", f"line {number}", reason)


def _envelope(line: bytes, source_id: int, seen: Counter[str], now: datetime) -> Envelope:
    raw = json.loads(line.decode("utf-8-sig"))
    if not isinstance(raw, dict):
        raise ValueError("not an object")
    values = _Line.model_validate(raw)
    chat = values.chat_id or values.chat or DEFAULT_CHAT
    sent_at = values.sent_at or now
    return Envelope(
        source_id=source_id,
        external_id=f"{chat}:{values.id or _derived_id(raw, seen)}",
        chat=ChatReference(external_id=chat, title=values.chat or ""),
        author_id=values.author_id or "",
        author_name=values.author or "",
        text=values.text,
        sent_at=sent_at if sent_at.tzinfo else sent_at.replace(tzinfo=UTC),
        reply_to=f"{chat}:{values.reply_to}" if values.reply_to else "",
        is_history=True,
        raw=raw,
    )


def _derived_id(raw: dict[str, Any], seen: Counter[str]) -> str:
    """The same for the same line in the same file: importing again adds nothing."""
    digest = hashlib.sha256(json.dumps(raw, sort_keys=True).encode()).hexdigest()[:24]
    seen[digest] += 1
    # People do write "ok" twice: the second of two equal lines is a message of its own.
    return digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at character {error.colno}"
    return reason_of(error) if isinstance(error, ValueError) else str(error)


def _has_whole_object(head: bytes) -> bool:
    for line in head.splitlines()[1:20]:
        try:
            if isinstance(json.loads(line), dict):
                return True
        except (ValueError, RecursionError):
            continue
    return False
