"""GET /api/events?since=SEQ: what a client of /ws missed while it was away."""

import json
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.sources.api.scope import ProjectScope
from tasktracker.realtime.replay import TooMuchMissed, missed_since, newest_seq


class EventsQuerySerializer(serializers.Serializer[Any]):
    since = serializers.IntegerField(
        min_value=0,
        max_value=2**63 - 1,
        required=False,
        help_text="`seq` of the last event that you have; left out: only `newest` is answered",
    )
    project = serializers.CharField(max_length=100, required=False)


class EventSerializer(serializers.Serializer[Any]):
    type = serializers.CharField()
    data = serializers.DictField()  # type: ignore[assignment]
    seq = serializers.IntegerField()


class EventsSerializer(serializers.Serializer[Any]):
    results = EventSerializer(many=True, help_text="ascending; some may be known to you already")
    newest = serializers.IntegerField(help_text="`since` of the next call")
    resync = serializers.BooleanField(help_text="too much was missed: load the lists again")


class EventsView(ProjectScope, APIView):
    """Frames of /ws again, at most 500. Events of the last 24 hours are kept."""

    @extend_schema(parameters=[EventsQuerySerializer], responses=EventsSerializer)
    def get(self, request: Request) -> Response:
        query = EventsQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        since = query.validated_data.get("since")
        ids = list(self.projects.values_list("pk", flat=True))
        newest = newest_seq()  # before the events: what comes in between comes with the next call
        events: list[Any] = []
        resync = False
        if since is not None:
            try:
                events = [json.loads(event.text) for event in missed_since(since, ids)]
            except TooMuchMissed:
                resync = True
        return Response({"results": events, "newest": newest, "resync": resync})
