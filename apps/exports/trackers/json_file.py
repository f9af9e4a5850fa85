"""JSON files: one per issue, written atomically; `issue.schema.json` describes them."""

import json
import os
import tempfile
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from apps.exports.trackers.base import ExternalIssue, Finding, IssuePayload, Means
from tasktracker.lib.workflow import GiveUp, TryLater

SCHEMA_VERSION = 1


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
            write_atomically(path, document(issue, key))
        except OSError as error:
            raise TryLater(f"cannot write {path.name}: {error.strerror}") from error
        return ExternalIssue(id=str(key), url=path.as_uri())

    def replace(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        """The same file, with what the issue says now."""
        return self.create(issue, key=key)

    def find(self, key: UUID) -> ExternalIssue | None:
        path = self._path(key)
        return ExternalIssue(id=str(key), url=path.as_uri()) if path.exists() else None

    def check(self) -> list[Finding]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder):
                pass
        except OSError as error:
            raise GiveUp(f"cannot write into {self.folder}: {error.strerror}") from error
        return []

    def _path(self, key: UUID) -> Path:
        return self.folder / f"{key}.json"


def document(issue: IssuePayload, key: UUID) -> dict[str, Any]:
    """The file's content, as `issue.schema.json` describes it."""
    return {"schema": SCHEMA_VERSION, "uuid": str(key), **asdict(issue)}


def write_atomically(path: Path, content: dict[str, Any]) -> None:
    """Readers see the whole file or none, also after a crash."""
    text = json.dumps(content, ensure_ascii=False, indent=2, default=_plain)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _plain(value: Any) -> str:
    if isinstance(value, date):  # or a datetime
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not JSON")
