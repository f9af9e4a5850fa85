"""JSON files: one per issue, written atomically; `issue.schema.json` describes them."""

import json
import os
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict

from apps.exports.trackers.base import ExternalIssue, Finding, IssuePayload, Means, Preview
from tasktracker.lib.text import shorten
from tasktracker.lib.workflow import GiveUp, TryLater

SCHEMA_VERSION = 1
LONGEST_TITLE = 200
CLOSED, ELSEWHERE = "is_closed", "elsewhere"  # of a file whose issue is another tracker's

_LINE_ENDS = {ord(sign): f"\\u{ord(sign):04x}" for sign in "\u0085\u2028\u2029"}


class JsonFile:
    """Writes `<folder>/<uuid>.json`; the same key writes the same file again."""

    class Config(BaseModel):
        """Nothing to choose: a tracker writes into its own folder."""

        model_config = ConfigDict(extra="forbid")

    def __init__(self, config: Config, means: Means) -> None:
        self.folder = means.folder

    def create(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        path = self._path(key)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(path, {**document(issue, key), **_ours(path)})
        except OSError as error:
            raise TryLater(_unwritten(path, error)) from error
        return ExternalIssue(id=str(key), url=path.as_uri())

    def replace(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        """The same file, with what the issue says now."""
        return self.create(issue, key=key)

    def preview(self, issue: IssuePayload, *, key: UUID) -> Preview:
        sent = document(issue, key)
        return Preview(issue.title, in_words(sent), sent)

    def find(self, key: UUID) -> ExternalIssue | None:
        path = self._path(key)
        _clear(path)
        return ExternalIssue(id=str(key), url=path.as_uri()) if path.exists() else None

    def check(self) -> list[Finding]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            words = _(
                "Nothing can be written into %(folder)s (%(words)s): give this server the right to, or room."
            )
            raise GiveUp(words % {"folder": self.folder, "words": error.strerror}) from error
        return []

    def close(self, made: ExternalIssue, *, key: UUID) -> None:
        self._add(key, **{CLOSED: True})

    def link(self, made: ExternalIssue, other: ExternalIssue, words: str, *, key: UUID) -> None:
        named = {"id": other.id, "url": other.url, "words": words}
        others = [one for one in _ours(self._path(key)).get(ELSEWHERE, []) if one != named]
        self._add(key, **{ELSEWHERE: [*others, named]})

    def _add(self, key: UUID, **more: Any) -> None:
        path = self._path(key)
        try:
            write_atomically(path, {**json.loads(path.read_text(encoding="utf-8")), **more})
        except FileNotFoundError:
            raise GiveUp(_("The file %(file)s is not there.") % {"file": path.name}) from None
        except OSError as error:
            raise TryLater(_unwritten(path, error)) from error

    def _path(self, key: UUID) -> Path:
        return self.folder / f"{key}.json"


def _unwritten(path: Path, error: OSError) -> str:
    told = _("The file %(file)s cannot be written (%(words)s): look at the disk and the rights.")
    return told % {"file": path.name, "words": error.strerror}


def document(issue: IssuePayload, key: UUID) -> dict[str, Any]:
    """The file's content, as `issue.schema.json` describes it: data, in nobody's markup."""
    told = {name: value for name, value in asdict(issue).items() if name != "wishes"}
    told["title"] = shorten(issue.title, LONGEST_TITLE) or "–"
    return {"schema": SCHEMA_VERSION, "uuid": str(key), **told}


def _ours(path: Path) -> dict[str, Any]:
    """What a file says besides its issue: whether another tracker has it by now."""
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {name: written[name] for name in (CLOSED, ELSEWHERE) if name in written}


def in_words(content: dict[str, Any], *, indent: int | None = 2) -> str:
    """JSON that has line ends only where we put them: U+2028 ends a line for some readers."""
    text = json.dumps(content, ensure_ascii=False, indent=indent, default=_plain)
    return text.translate(_LINE_ENDS)


def write_atomically(path: Path, content: dict[str, Any]) -> None:
    """Readers see the whole file or none, also after a crash."""
    text = in_words(content)
    _clear(path)
    descriptor, temporary = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.stem}.", suffix=".tmp"
    )
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _clear(path: Path) -> None:
    """What a kill left half written has people's words; who still writes it tries later."""
    for left in path.parent.glob(f".{path.stem}.*.tmp"):
        left.unlink(missing_ok=True)


def _plain(value: Any) -> str:
    if isinstance(value, date):  # or a datetime
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
