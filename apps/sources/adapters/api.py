"""Messages that other programs post to `POST /api/messages`."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field

from apps.sources.adapters.base import Unreadable, reason_of
from apps.sources.envelope import ChatReference, Envelope


class MessageCreate(BaseModel):
    """The body of the request."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    id: str = Field(min_length=1, max_length=90)
    content: str
    author: str = Field(max_length=200)
    timestamp: datetime  # without a zone it is UTC
    chat_id: str = Field(min_length=1, max_length=90)
    user_id: str | None = None
    avatar_url: str | None = Field(None, max_length=500, pattern=r"^https?://")


class Api:
    label: ClassVar[Any] = _("HTTP API")
    asks_first: ClassVar[bool] = False

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

    def __init__(self, config: Config, *, source_id: int) -> None:
        self.config = config
        self.source_id = source_id

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope]:
        return [self.envelope(payload)]

    def envelope(self, payload: Mapping[str, Any]) -> Envelope:
        """One message; the same `id` in the same chat is the same message."""
        try:
            message = MessageCreate.model_validate(payload)
            return Envelope(
                source_id=self.source_id,
                external_id=f"{message.chat_id}:{message.id}",
                chat=ChatReference(external_id=message.chat_id),
                author_id=message.user_id or "",
                author_name=message.author,
                avatar_url=message.avatar_url or "",
                text=message.content,
                sent_at=message.timestamp
                if message.timestamp.tzinfo
                else message.timestamp.replace(tzinfo=UTC),
                raw=dict(payload),
            )
        except ValueError as error:
            raise Unreadable(reason_of(error)) from error
