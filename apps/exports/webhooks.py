"""Where trackers call us: 200 only after the call is in PostgreSQL, and it is applied later.

Limits and answers are here; what is genuine and what is in it, the tracker's plug-in knows.
"""

import logging
from collections.abc import Mapping

from django.db import Error as DatabaseTrouble
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from apps.exports.models import Mirroring, Tracker, WebhookDelivery
from apps.exports.trackers import able_to
from apps.sources.adapters.base import Refused, Request
from apps.sources.webhooks import RETRY_AFTER, answer, body_of
from tasktracker.lib.direct import with_database

logger = logging.getLogger(__name__)


class NotReady(Exception):
    """The tracker is there and cannot work as it is set."""


@csrf_exempt
async def receive(request: HttpRequest, tracker_id: int) -> JsonResponse:
    """What a tracker posts; a call that came before, or says nothing to us, is right all the same."""
    if request.method == "HEAD":
        return JsonResponse({})
    if request.method != "POST":
        return answer(405, _("Calls are taken here with POST."), Allow="POST, HEAD")
    try:
        await with_database(take, tracker_id, request.headers, body_of(request))
        return JsonResponse({"status": "ok"})
    except Refused as refusal:
        return answer(refusal.status, str(refusal))
    except NotReady as error:
        logger.warning("a call was sent back: %s", error)
    except DatabaseTrouble:
        logger.warning("a call of tracker %s was sent back: PostgreSQL is away", tracker_id)
    return answer(
        503,
        _("The call cannot be stored now. Try again later."),
        **{"Retry-After": str(RETRY_AFTER)},
    )


def take(tracker_id: int, headers: Mapping[str, str], body: bytes) -> None:
    """Keep what a genuine call says; raises Refused or NotReady."""
    active = Tracker.objects.filter(is_active=True, project__is_active=True)
    tracker = active.filter(pk=tracker_id, kind__in=able_to("receive")).first()
    mirroring = Mirroring.objects.filter(tracker=tracker_id).first() if tracker else None
    try:
        secret = mirroring.secret if mirroring else ""
        plugin = tracker.plugin() if tracker and secret else None
    except ValueError as error:
        raise NotReady(f"the settings of tracker {tracker_id} do not fit") from error
    if tracker is None or mirroring is None or plugin is None:
        # Without a secret nobody could sign, and an empty one anybody.
        raise Refused(404, _("No tracker calls here."))
    states = plugin.receive(Request(headers, body, secret))
    mirroring.note_call()
    if states:
        WebhookDelivery.keep(tracker, body, states)
