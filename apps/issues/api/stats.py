"""GET /api/stats: the numbers of your projects."""

from typing import Any

from django.db.models import Count, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.issues.models import Issue
from apps.messages.models import Category, Message, Priority
from apps.sources.api.scope import ProjectScope


class StatsSerializer(serializers.Serializer[Any]):
    total_tasks = serializers.IntegerField()
    open_tasks = serializers.IntegerField(help_text="new, approved or in progress")
    pending_tasks = serializers.IntegerField(help_text="new")
    in_progress_tasks = serializers.IntegerField()
    completed_tasks = serializers.IntegerField(help_text="done")
    categories = serializers.DictField(
        child=serializers.IntegerField(), help_text="those that occur"
    )
    priorities = serializers.DictField(
        child=serializers.IntegerField(), help_text="those that occur"
    )
    by_category = serializers.DictField(child=serializers.IntegerField())
    by_priority = serializers.DictField(child=serializers.IntegerField())
    by_status = serializers.DictField(child=serializers.IntegerField())
    total_messages = serializers.IntegerField()
    messages_by_status = serializers.DictField(child=serializers.IntegerField())


class StatsView(ProjectScope, APIView):
    """Tasks and messages, counted. Duplicates and rejected tasks count in the totals too."""

    @extend_schema(parameters=[OpenApiParameter("project", str)], responses=StatsSerializer)
    def get(self, request: Request) -> Response:
        issues = Issue.objects.filter(project__in=self.projects)
        messages = Message.shown().filter(project__in=self.projects, is_superseded=False)
        categories, priorities = _counts(issues, "category"), _counts(issues, "priority")
        statuses = _counts(issues, "status")
        messages_by_status = _counts(messages, "status")
        return Response(
            {
                "total_tasks": sum(statuses.values()),
                "open_tasks": sum(statuses.get(word, 0) for word in Issue.OPEN),
                "pending_tasks": statuses.get(Issue.Status.NEW, 0),
                "in_progress_tasks": statuses.get(Issue.Status.IN_PROGRESS, 0),
                "completed_tasks": statuses.get(Issue.Status.DONE, 0),
                "categories": categories,
                "priorities": priorities,
                "by_category": {word: categories.get(word, 0) for word in Category.values},
                "by_priority": {word: priorities.get(word, 0) for word in Priority.values},
                "by_status": {word: statuses.get(word, 0) for word in Issue.Status.values},
                "total_messages": sum(messages_by_status.values()),
                "messages_by_status": {
                    word: messages_by_status.get(word, 0) for word in Message.Status.values
                },
            }
        )


def _counts(rows: QuerySet[Any], field: str) -> dict[str, int]:
    counted = rows.order_by().values(field).annotate(count=Count("pk"))
    return {row[field]: row["count"] for row in counted}
