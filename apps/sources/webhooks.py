"""Where platforms deliver: 200 only after JetStream has the message, 503 when they must try again.

Limits, known sources and answers are here; what is genuine and what is in it, the platform's adapter knows.
"""

import logging
import time
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from apps.sources.adapters import ADAPTERS, is_able
from apps.sources.adapters.base import Refused, Request, check_secret
from apps.sources.intake import take
from apps.sources.models import Source
from tasktracker.lib.bus import BusUnavailable
from tasktracker.lib.direct import with_database
from tasktracker.lib.plugins import load

logger = logging.getLogger(__name__)

MAX_BODY = 1_000_000  # bytes
RETRY_AFTER = 5  # seconds


class NotReady(Exception):
    """The source is there and cannot work as it is set."""


@dataclass(frozen=True)
class KnownSource:
    """An active source as its webhook needs it."""

    kind: str
    secret: str = field(repr=False)
    adapter: Any = field(repr=False)


class KnownSources:
    """Sources that were there a moment ago: with PostgreSQL away, messages still reach JetStream."""

    FRESH = 30.0  # seconds
    RETRY = 5.0  # seconds between two questions to a database that is away

    def __init__(self) -> None:
        self._known: dict[str | int, tuple[KnownSource, float]] = {}

    async def get(self, key: str | int) -> KnownSource | None:
        """The active source with this secret or number; a database error when nobody can tell."""
        known = self._known.get(key)
        now = time.monotonic()
        if known and now < known[1]:
            return known[0]
        if known:  # one request asks; the others go on meanwhile
            self._known[key] = (known[0], now + self.RETRY)
        ask: Any = _source_with if isinstance(key, str) else _source_numbered
        try:
            found: KnownSource | None = await with_database(ask, key)
        except DatabaseTrouble:
            if known is None:
                raise
            logger.warning("PostgreSQL is away; trusting a source that was right before")
            return known[0]
        if found is None:
            self._known.pop(key, None)
        else:
            self._known[key] = (found, now + self.FRESH)
        return found

    def forget(self) -> None:
        self._known.clear()


known_sources = KnownSources()


@csrf_exempt
async def receive(request: HttpRequest, kind: str, source_id: int | None = None) -> JsonResponse:
    """What a platform posts; the source is the one of the address, or the one whose secret comes along."""
    if not is_able(kind, "receive"):
        return answer(404, _("Nothing is taken here."))
    if request.method == "HEAD":
        return JsonResponse({})
    if request.method != "POST":
        return answer(405, _("Messages are taken here with POST."), Allow="POST, HEAD")
    try:
        source = await _source_of(request, kind, source_id)
        received = source.adapter.receive(Request(request.headers, body_of(request), source.secret))
        await take(received.payloads, kind=kind, adapter=source.adapter)
        return JsonResponse(received.answer)
    except Refused as refusal:
        return answer(refusal.status, str(refusal))
    except (BusUnavailable, NotReady) as error:
        logger.warning("a message was sent back to %s: %s", kind, error)
    except DatabaseTrouble:
        logger.warning("a message was sent back to %s: PostgreSQL is away", kind)
    return answer(
        503,
        _("Messages cannot be stored now. Try again later."),
        **{"Retry-After": str(RETRY_AFTER)},
    )


async def _source_of(request: HttpRequest, kind: str, source_id: int | None) -> KnownSource:
    """Whom the request is for. Whether it is genuine, the source's adapter says."""
    header = load(ADAPTERS, kind).secret_header
    secret = request.headers.get(header, "") if header else ""
    key = secret if source_id is None else source_id
    known = await known_sources.get(key) if _is_askable(key) else None
    if known is not None and known.kind == kind:
        return known
    if header:
        check_secret(secret, "")  # raises: no source has it
    raise Refused(404, _("There is no active source of this number."))


def _is_askable(key: str | int) -> bool:
    return isinstance(key, int) or (bool(key) and key.isascii() and "\0" not in key)


def body_of(request: HttpRequest) -> bytes:
    """The whole body; raises Refused."""
    try:
        body = request.body
    except RequestDataTooBig:
        raise Refused(413, _("The update is too large.")) from None
    except UnreadablePostError:
        raise Refused(400, _("The request ended before its body was complete.")) from None
    if len(body) > MAX_BODY:
        raise Refused(413, _("The update is too large."))
    return body


def _source_with(secret: str) -> KnownSource | None:
    return _known(webhook_secret=secret)


def _source_numbered(number: int) -> KnownSource | None:
    return _known(pk=number)


def _known(**which: Any) -> KnownSource | None:
    active = Source.objects.filter(is_active=True, project__is_active=True, **which)
    source = active.defer("config").first()  # its adapter decrypts it, which may fail
    if source is None or not is_able(source.kind, "receive"):
        return None
    try:
        return KnownSource(source.kind, source.webhook_secret, source.adapter())
    except ValueError as error:
        raise NotReady(f"the settings of source {source.pk} do not fit") from error


def answer(status: int, sentence: str, **headers: str) -> JsonResponse:
    """In the form that the API has for errors."""
    return JsonResponse({"detail": sentence}, status=status, headers=headers)
