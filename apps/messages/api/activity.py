"""GET /api/activity: when messages came, for a heat map."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import Count
from django.db.models.functions import TruncHour
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.messages.models import Message
from apps.sources.api.days import FIRST, LAST, start_of
from apps.sources.api.scope import ProjectScope

WEEK, MONTH = "week", "month"


class ActivityQuerySerializer(serializers.Serializer[Any]):
    period = serializers.ChoiceField(choices=[WEEK, MONTH], default=WEEK)
    month = serializers.IntegerField(
        min_value=0, max_value=11, required=False, help_text="0 is January; with `period=month`"
    )
    year = serializers.IntegerField(min_value=FIRST.year, max_value=LAST.year, required=False)
    project = serializers.CharField(max_length=100, required=False)


class ActivityPointSerializer(serializers.Serializer[Any]):
    timestamp = serializers.DateTimeField(help_text="beginning of the hour")
    source = serializers.CharField()  # type: ignore[assignment]
    count = serializers.IntegerField()


class ActivityPeriodSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=[WEEK, MONTH])
    start = serializers.DateTimeField()
    end = serializers.DateTimeField()
    month = serializers.IntegerField(allow_null=True)
    year = serializers.IntegerField(allow_null=True)


class ActivitySerializer(serializers.Serializer[Any]):
    data = ActivityPointSerializer(many=True)  # type: ignore[assignment]
    period = ActivityPeriodSerializer()
    total_messages = serializers.IntegerField()


class ActivityView(ProjectScope, APIView):
    """Messages per hour and source, of the last seven days or of one month."""

    @extend_schema(parameters=[ActivityQuerySerializer], responses=ActivitySerializer)
    def get(self, request: Request) -> Response:
        query = ActivityQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        period = self._period(**query.validated_data)
        rows = (
            Message.shown()
            .filter(
                project__in=self.projects,
                is_superseded=False,
                sent_at__gte=period["start"],
                sent_at__lt=period["end"],
            )
            .order_by()
            .annotate(hour=TruncHour("sent_at", tzinfo=UTC))
            .values("hour", "source__name")
            .annotate(count=Count("pk"))
            .order_by("hour", "source__name")
        )
        data = [
            {"timestamp": row["hour"], "source": row["source__name"], "count": row["count"]}
            for row in rows
        ]
        total = sum(point["count"] for point in data)
        return Response(
            ActivitySerializer({"data": data, "period": period, "total_messages": total}).data
        )

    def _period(
        self, period: str, month: int | None = None, year: int | None = None, project: str = ""
    ) -> dict[str, Any]:
        now = timezone.now()
        if period == WEEK:
            week = {"start": now - timedelta(days=7), "end": now}
            return {"type": WEEK, **week, "month": None, "year": None}
        today = now.astimezone(self.zone).date()
        year = today.year if year is None else year
        month = today.month - 1 if month is None else month
        start, end = self._month(year, month)
        return {"type": MONTH, "start": start, "end": end, "month": month, "year": year}

    def _month(self, year: int, month: int) -> tuple[datetime, datetime]:
        first = date(year, month + 1, 1)
        following = (first + timedelta(days=31)).replace(day=1)
        return start_of(first, self.zone), start_of(following, self.zone)
