"""Chat archives: Telegram Desktop's result.json (one chat or a whole account) and JSON lines.

Everything is read as a stream; an archive may be larger than the memory.
"""

from collections.abc import Iterator, Mapping
from typing import IO, Any, ClassVar

from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict

from apps.sources.adapters.base import Skipped, Unreadable
from apps.sources.adapters.json_lines import is_json_lines, read_json_lines
from apps.sources.adapters.telegram_export import read_export
from apps.sources.envelope import Envelope


class FileImport:
    label: ClassVar[Any] = _("Chat export")
    asks_first: ClassVar[bool] = False

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, config: Config, *, source_id: int) -> None:
        self.config = config
        self.source_id = source_id

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope]:
        raise Unreadable("an archive is a file; it is read by `manage.py import_messages`")

    def read(self, file: IO[bytes]) -> Iterator[Envelope | Skipped]:
        """Everything of a seekable file, in its order; a file that is cut off ends with `truncated`."""
        if is_json_lines(file):
            return read_json_lines(file, self.source_id)
        return read_export(file, self.source_id)
