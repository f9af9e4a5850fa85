"""A platform that signs what it posts, asks once whether we are there, and numbers nothing by itself."""

import hmac
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import BaseModel, SecretStr

from apps.sources.adapters.base import Payload, Received, Refused, Request, Unreadable
from apps.sources.adapters.body import json_object
from apps.sources.envelope import ChatReference, Envelope, from_epoch


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


class Signing:
    label: ClassVar[Any] = "Signing"
    asks_first: ClassVar[bool] = False
    secret_header: ClassVar[str] = ""

    class Config(BaseModel):
        signing_secret: SecretStr

    def __init__(self, config: Config, *, source_id: int) -> None:
        self.config = config
        self.source_id = source_id

    def receive(self, request: Request) -> Received:
        wanted = signature(self.config.signing_secret.get_secret_value(), request.body)
        if not hmac.compare_digest(request.headers.get("x-signature", ""), wanted):
            raise Refused(403, "The signature is wrong.")
        event = json_object(request.body)
        if "challenge" in event:
            return Received(answer={"challenge": event["challenge"]})
        return Received([Payload(event, event["number"])], answer={"ok": True})

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope]:
        if "text" not in payload:
            raise Unreadable("text is missing")
        return [
            Envelope(
                source_id=self.source_id,
                external_id=f"c:{payload['number']}",
                chat=ChatReference(external_id="c"),
                text=payload["text"],
                sent_at=from_epoch(1_772_442_000),
            )
        ]
