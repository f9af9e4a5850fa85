"""Any program that posts JSON: an operator's paths say what in it is the text, the author, the chat.

What a path does not find has a default; what it finds and cannot be read makes a dead letter, which is
replayed when the paths are right.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.sources.adapters.base import (
    Finding,
    Payload,
    Received,
    Refused,
    Request,
    Unreadable,
    check_secret,
)
from apps.sources.adapters.body import json_object_or_list
from apps.sources.adapters.mapping.reading import Reading, messages_in, reading_of, values_of
from apps.sources.adapters.webhook.settings import PLACES, Settings
from apps.sources.envelope import Envelope
from tasktracker.lib.text import storable

DEFAULT_CHAT = "webhook"
_SCHEME = re.compile(r"(?:bearer|token)\s+", re.IGNORECASE)


class Webhook:
    label: ClassVar[Any] = _("Generic webhook")
    asks_first: ClassVar[bool] = False
    secret_header: ClassVar[str] = ""
    Config: ClassVar[type[Settings]] = Settings
    sample_label: ClassVar[Any] = _("A body as the sender posts it")

    def __init__(self, config: Settings, *, source_id: int) -> None:
        self.config = config
        self.source_id = source_id

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope]:
        """The messages of a body as `receive` kept it: all, or `only` those at these positions."""
        readings = self._readings(payload)
        found = []
        for position in payload.get("only", range(len(readings))):
            if position >= len(readings):
                raise Unreadable(gettext("The body has fewer messages than it had."))
            reading = readings[position]
            if reading.envelope is None:
                raise Unreadable(f"message {position + 1}: {reading.reason}")
            found.append(reading.envelope)
        return found

    def receive(self, request: Request) -> Received:
        """One body; what cannot be read in it does not hold back the rest. See `base.Receiver`."""
        body = self._genuine(request)
        payload = {"body": body, "arrived_at": datetime.now(UTC).isoformat()}
        number = int(_digest(body)[:15], 16)
        return Received([Payload(part, number) for part in self._parts(payload)])

    def preview(self, sample: str) -> Sequence[Reading]:
        """What the messages of a body would be; raises Refused and Unreadable."""
        body = json_object_or_list(storable(sample).encode())
        if self.config.protection == "body":
            self._take_secret(body)
        return self._readings({"body": body})

    def check(self, *, api_url: str) -> list[Finding]:
        """Nobody can be asked: where it is posted to, with which proof, and what no path leads to."""
        from apps.sources.adapters.webhook.check import check

        return check(self.config, self.source_id)

    # What is genuine

    def _genuine(self, request: Request) -> Any:
        """The body, when its sender knows the secret. Raises Refused."""
        wanted = self.config.secret.get_secret_value()
        given = request.headers.get(self._place, "").strip()
        if self.config.protection == "body":
            body = json_object_or_list(request.body)
            check_secret(self._take_secret(body), wanted)
            return body
        if self.config.protection == "bearer":
            check_secret(_SCHEME.sub("", given, count=1), wanted)
        else:
            _check_signature(given, wanted, request.body)
        return json_object_or_list(request.body)

    @property
    def _place(self) -> str:
        return self.config.place or PLACES[self.config.protection]

    def _take_secret(self, body: Any) -> str:
        """Take it out of the body, so that it is kept nowhere."""
        given = body.pop(self._place, "") if isinstance(body, dict) else ""
        return storable(given) if isinstance(given, str) else ""

    # What is in it

    def _parts(self, payload: dict[str, Any]) -> list[dict[str, Any]]:
        """What can be read and what cannot, in a payload each."""
        try:
            readings = self._readings(payload)
        except Unreadable:
            return [payload]
        good: list[int] = []
        bad: list[int] = []
        for position, reading in enumerate(readings):
            (bad if reading.envelope is None else good).append(position)
        return [{**payload, "only": good}, {**payload, "only": bad}] if good and bad else [payload]

    def _readings(self, payload: Mapping[str, Any]) -> list[Reading]:
        body = payload.get("body")
        messages = messages_in(body, self.config.messages)
        arrived_at, digest = _arrival(payload), _digest(body)
        return [
            self._reading(message, body, f"{digest}-{position}", arrived_at)
            for position, message in enumerate(messages)
        ]

    def _reading(self, message: Any, body: Any, made_id: str, arrived_at: datetime) -> Reading:
        defaults = {"chat": DEFAULT_CHAT, "message": made_id, "sent_at": arrived_at}
        values = values_of(self.config.paths, message, body, defaults)
        return reading_of(values, message, source_id=self.source_id)


def _check_signature(given: str, secret: str, body: bytes) -> None:
    """Raise Refused when it is not the body's; how long that takes tells nothing about it."""
    if not given:
        raise Refused(401, gettext("The header with the signature is missing."))
    signature = hmac.digest(secret.encode(), body, "sha256")
    written = re.sub("^sha256=", "", given, flags=re.IGNORECASE).encode()
    is_hex = hmac.compare_digest(written.lower(), signature.hex().encode())
    is_base64 = hmac.compare_digest(written, base64.b64encode(signature))
    if not (is_hex or is_base64):
        raise Refused(403, gettext("The signature is not the one of this body."))


def _digest(body: Any) -> str:
    """The same for the same body, however its platform orders the keys."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()[:24]


def _arrival(payload: Mapping[str, Any]) -> datetime:
    text = payload.get("arrived_at")
    return datetime.fromisoformat(text) if isinstance(text, str) else datetime.now(UTC)
