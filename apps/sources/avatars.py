"""Pictures of people, fetched by the bot that knows them and kept as files for a while.

The platform's own address of a picture holds the bot's token: it never leaves the adapter.
"""

import hashlib
import logging
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from django.conf import settings

from apps.sources.adapters import able_to
from apps.sources.models import Source
from tasktracker.lib.secrets import CannotDecrypt
from tasktracker.lib.workflow import GiveUp, TryLater

logger = logging.getLogger(__name__)

KEEP = 86_400  # seconds
KEEP_NONE = 3_600  # seconds until a person without a picture is asked for again
LARGEST = 500_000  # bytes
KINDS = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png"}


def picture_of(source: Source, author_id: str) -> bytes:
    """The picture, or nothing where there is none or nobody can tell."""
    if source.kind not in able_to("picture"):
        return b""
    path = _path(source.pk, author_id)
    kept = _read(path)
    if kept is None:
        kept = _fetch(source, author_id)
        _write(path, kept)
    return kept


def kind_of(picture: bytes) -> str:
    """By its first bytes; empty when it is no picture that we show."""
    return next((kind for start, kind in KINDS.items() if picture.startswith(start)), "")


def forget_picture(source_id: int, author_id: str) -> None:
    _path(source_id, author_id).unlink(missing_ok=True)


def _fetch(source: Source, author_id: str) -> bytes:
    try:
        picture: bytes = source.adapter().picture(author_id, api_url=source.api_url)
    except (GiveUp, TryLater, ValueError, CannotDecrypt) as error:
        logger.info("no picture from source %d: %s", source.pk, type(error).__name__)
        return b""
    return picture if len(picture) <= LARGEST and kind_of(picture) else b""


def _path(source_id: int, author_id: str) -> Path:
    """The id is whatever a platform says, so it names no file."""
    name = hashlib.sha256(author_id.encode()).hexdigest()
    return Path(settings.DATA_DIR) / "avatars" / str(source_id) / name


def _read(path: Path) -> bytes | None:
    """None when it has to be fetched."""
    try:
        age, picture = time.time() - path.stat().st_mtime, path.read_bytes()
    except OSError:
        return None
    return picture if age < (KEEP if picture else KEEP_NONE) else None


def _write(path: Path, picture: bytes) -> None:
    """Whole or not at all; without a disk it is fetched again."""
    partial = path.with_name(f".{uuid4().hex}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(picture)
        partial.replace(path)
