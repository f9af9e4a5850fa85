"""GET /api/health: for people, load balancers and the local supervisor."""

from contextlib import suppress
from typing import cast

from django.db import DatabaseError
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from tasktracker import health
from tasktracker.models import Heartbeat

_told_at = ""

#: What anybody may read of a check; versions, counts and error words are for staff.
PUBLIC = frozenset({"ok", "latency_ms", "age_seconds", "queues", "configured"})

HealthSerializer = inline_serializer(
    "Health",
    {
        "status": serializers.ChoiceField(["healthy", "degraded", "down"]),
        "timestamp": serializers.DateTimeField(),
        "checks": serializers.DictField(child=serializers.DictField()),
    },
)


@method_decorator(never_cache, name="dispatch")
class HealthView(APIView):
    """What works, each part with its latency; 503 when a needed part is down."""

    authentication_classes = ()  # the database that knows the users may be the part that is down
    permission_classes = (AllowAny,)

    @extend_schema(responses={200: HealthSerializer, 503: HealthSerializer})
    def get(self, request: Request) -> Response:
        report = health.recent_report()
        checks = report.checks
        if checks["database"]["ok"]:
            _tell_that_web_lives(report.at)
        if not (checks["database"]["ok"] and _is_staff(request)):
            checks = {
                name: {key: value for key, value in facts.items() if key in PUBLIC}
                for name, facts in checks.items()
            }
        body = {"status": report.status, "timestamp": report.at, "checks": checks}
        response = Response(body, status=503 if report.status == "down" else 200)
        # Django would log each 503 as an error of its own; the parts say in their logs what is wrong.
        response._has_been_logged = True  # type: ignore[attr-defined]  # noqa: SLF001
        return response


def _tell_that_web_lives(at: str) -> None:
    """Whoever watches the service asks for its health all the time; platforms could call as well."""
    global _told_at
    if at == _told_at:  # anybody may ask, and a report is given again for a second
        return
    _told_at = at
    with suppress(DatabaseError):
        Heartbeat.beat("web")


def _is_staff(request: Request) -> bool:
    """Whether the request brings a staff member's session or token; a wrong one is nobody's."""
    for made in api_settings.DEFAULT_AUTHENTICATION_CLASSES:
        authentication = cast("type[BaseAuthentication]", made)()
        try:
            found = authentication.authenticate(request)
        except APIException:
            return False
        if found is not None:
            return bool(found[0].is_staff)
    return False
