"""/api/exports and /api/trackers: where issues went, and sending them again."""

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.exports.api.serializers import ExportSerializer, TrackerSerializer
from apps.exports.models import TaskExport, Tracker
from apps.sources.api.days import ScopedFilterSet
from apps.sources.api.scope import ProjectScope

DIGITS = "[0-9]+"
LARGEST = 2**63 - 1


class ExportFilter(ScopedFilterSet):
    task = django_filters.NumberFilter(field_name="issue_id", min_value=0, max_value=LARGEST)
    tracker = django_filters.NumberFilter(field_name="tracker_id", min_value=0, max_value=LARGEST)
    status = django_filters.MultipleChoiceFilter(choices=TaskExport.Status.choices)
    ordering = django_filters.OrderingFilter(fields=["created_at", "due_at", "id"])

    class Meta:
        model = TaskExport
        fields: list[str] = []


class ExportViewSet(ProjectScope, viewsets.ReadOnlyModelViewSet[TaskExport]):
    """One row per task and tracker, newest first."""

    queryset = TaskExport.objects.all()
    serializer_class = ExportSerializer
    filterset_class = ExportFilter
    lookup_value_regex = DIGITS

    def get_queryset(self) -> QuerySet[TaskExport]:
        rows = TaskExport.objects.filter(tracker__project__in=self.projects)
        return rows.select_related("tracker__project")

    @extend_schema(request=None, responses=ExportSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def retry(self, request: Request, pk: str) -> Response:
        """Send a failed one again; the same number makes sure that it is made once."""
        self.get_object().retry()
        return self.retrieve(request, pk=pk)


class TrackerViewSet(ProjectScope, viewsets.ReadOnlyModelViewSet[Tracker]):
    """Targets of your projects, without their settings."""

    queryset = Tracker.objects.all()
    serializer_class = TrackerSerializer
    lookup_value_regex = DIGITS

    def get_queryset(self) -> QuerySet[Tracker]:
        return Tracker.objects.filter(project__in=self.projects).select_related("project")
