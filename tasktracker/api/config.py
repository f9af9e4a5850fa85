"""GET /api/config: what a client needs to know before it logs in."""

from django.conf import settings
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tasktracker.lib import llm

ConfigSerializer = inline_serializer(
    "Config",
    {
        "wsUrl": serializers.CharField(),
        "apiBaseUrl": serializers.CharField(),
        "languages": inline_serializer(
            "Language",
            {"code": serializers.CharField(), "name": serializers.CharField()},
            many=True,
        ),
        "defaultLanguage": serializers.CharField(),
        "features": serializers.DictField(child=serializers.BooleanField()),
    },
)


class ConfigView(APIView):
    """Addresses with the right scheme, languages and features."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses=ConfigSerializer)
    def get(self, request: Request) -> Response:
        base = request.build_absolute_uri("/").rstrip("/")
        return Response(
            {
                "wsUrl": "ws" + base.removeprefix("http") + "/ws",
                "apiBaseUrl": base,
                "languages": [
                    {"code": code, "name": str(name)} for code, name in settings.LANGUAGES
                ],
                "defaultLanguage": settings.LANGUAGE_CODE,
                "features": {"realtime": True, "llm": llm.is_available(cloud=True)},
            }
        )
