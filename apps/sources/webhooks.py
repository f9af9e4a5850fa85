"""Where platforms deliver: 200 only after JetStream has the message, 503 when they must try again."""

import hmac
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from apps.sources.adapters.base import Unreadable
from apps.sources.adapters.telegram import Telegram
from apps.sources.envelope import MAX_DEPTH
from apps.sources.intake import accept_async
from apps.sources.models import DeadLetter, Source
from tasktracker.lib.bus import BusUnavailable

logger = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (the header's name)
MAX_BODY = 1_000_000  # bytes
RETRY_AFTER = 5  # seconds


class Refused(Exception):
    """The request gets this answer and nothing is kept."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class KnownSources:
    """Secrets that were right a moment ago: with PostgreSQL away, messages still reach JetStream."""

    FRESH = 30.0  # seconds
    RETRY = 5.0  # seconds between two questions to a database that is away

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, float]] = {}

    async def source_id(self, secret: str) -> int | None:
        """The active source with this secret; raises a database error when nobody can tell."""
        known = self._known.get(secret)
        now = time.monotonic()
        if known and now < known[1]:
            return known[0]
        try:
            found = await sync_to_async(_source_with)(secret)
        except DatabaseTrouble:
            if known is None:
                raise
            logger.warning("PostgreSQL is away; trusting a secret that was right before")
            self._known[secret] = (known[0], now + self.RETRY)
            return known[0]
        if found is None:
            self._known.pop(secret, None)
        else:
            self._known[secret] = (found, now + self.FRESH)
        return found

    def forget(self) -> None:
        self._known.clear()


known_sources = KnownSources()


@csrf_exempt
async def telegram(request: HttpRequest, source_id: int | None = None) -> JsonResponse:
    """One Update of the Bot API; the source is the one whose secret Telegram sends along."""
    if request.method == "HEAD":
        return JsonResponse({})
    if request.method != "POST":
        return _answer(405, _("Telegram sends updates here with POST."), Allow="POST, HEAD")
    try:
        found = await _authenticated_source(request, source_id)
        return await _take(_read_update(request), found)
    except Refused as refusal:
        return _answer(refusal.status, str(refusal))
    except BusUnavailable as error:
        logger.warning("a message was sent back to Telegram: %s", error)
    except DatabaseTrouble:
        logger.warning("a message was sent back to Telegram: PostgreSQL is away")
    return _answer(
        503,
        _("Messages cannot be stored now. Try again later."),
        **{"Retry-After": str(RETRY_AFTER)},
    )


async def _take(update: Mapping[str, Any], source_id: int) -> JsonResponse:
    adapter = Telegram(Telegram.Config(), source_id=source_id)
    try:
        envelopes = adapter.envelopes(update)
    except Unreadable as error:
        # An error status would make Telegram send it for a day, and hold the chat's later messages back.
        await sync_to_async(DeadLetter.bury_update)(
            ("telegram", source_id), number=update["update_id"], payload=update, reason=str(error)
        )
        return JsonResponse({"status": "ok"})
    for envelope in envelopes:
        await accept_async(envelope)
    return JsonResponse({"status": "ok"})


async def _authenticated_source(request: HttpRequest, source_id: int | None) -> int:
    secret = request.headers.get(SECRET_HEADER, "")
    if not secret:
        raise Refused(401, _("The secret header is missing."))
    found = (
        await known_sources.source_id(secret) if secret.isascii() and "\0" not in secret else None
    )
    if found is None or source_id not in (None, found):
        raise Refused(403, _("The secret is not the one of an active Telegram source."))
    return found


def _read_update(request: HttpRequest) -> dict[str, Any]:
    try:
        body = request.body
    except RequestDataTooBig:
        raise Refused(413, _("The update is too large.")) from None
    except UnreadablePostError:
        raise Refused(400, _("The request ended before its body was complete.")) from None
    if len(body) > MAX_BODY:
        raise Refused(413, _("The update is too large."))
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, _("The body is not valid JSON.")) from None
    if not isinstance(update, dict):
        raise Refused(400, _("An update is a JSON object."))
    number = update.get("update_id")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**63:
        raise Refused(400, _("The update has no whole number as its update_id."))
    if _is_deeper_than(update, MAX_DEPTH):
        raise Refused(400, _("The update is nested too deeply."))
    return update


def _is_deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _level in range(levels + 1):
        layer = [
            inner
            for item in layer
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not layer:
            return False
    return True


def _source_with(secret: str) -> int | None:
    sources = Source.objects.filter(
        webhook_secret=secret, kind="telegram", is_active=True, project__is_active=True
    )
    found = sources.values_list("pk", "webhook_secret").first()
    if found and hmac.compare_digest(found[1].encode(), secret.encode()):
        return found[0]
    return None


def _answer(status: int, sentence: str, **headers: str) -> JsonResponse:
    return JsonResponse({"detail": sentence}, status=status, headers=headers)
