"""POST /api/analyze-day: one summary of a day."""

from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.issues.summarize import summarize_day
from apps.sources.api.days import SENSIBLE
from apps.sources.api.scope import ProjectScope


class AnalyzeDaySerializer(serializers.Serializer[Any]):
    target_date = serializers.DateField(
        required=False, validators=SENSIBLE, input_formats=["%Y-%m-%d"]
    )
    project = serializers.CharField(max_length=100, required=False)


class DayAnalyzedSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    message = serializers.CharField()
    messages_processed = serializers.IntegerField()
    tasks_created = serializers.IntegerField()
    date = serializers.DateField(allow_null=True)
    summary_task_id = serializers.IntegerField(allow_null=True)


class AnalyzeDayView(ProjectScope, APIView):
    """Sum up a day (today, when none is named) in one task; the same day again brings it up to date."""

    @extend_schema(
        request=AnalyzeDaySerializer,
        parameters=[
            OpenApiParameter("target_date", OpenApiTypes.DATE, description="Instead of a body."),
            OpenApiParameter("project", str),
        ],
        responses=DayAnalyzedSerializer,
    )
    def post(self, request: Request) -> Response:
        given = request.data
        if isinstance(given, dict) and "target_date" in request.query_params:
            given = {"target_date": request.query_params["target_date"], **given}
        body = AnalyzeDaySerializer(data=given)
        body.is_valid(raise_exception=True)
        project = self.project_for_new(body.validated_data.get("project", ""))
        today = timezone.now().astimezone(ZoneInfo(project.timezone)).date()
        day = body.validated_data.get("target_date", today)
        summary = summarize_day(project, day, by=self.person)
        issue = summary.issue
        return Response(
            {
                "success": True,
                "message": _("The day is summed up.")
                if issue
                else _("There are no messages of this day."),
                "messages_processed": summary.messages,
                "tasks_created": int(summary.is_new),
                "date": day if issue else None,
                "summary_task_id": issue.pk if issue else None,
            }
        )
