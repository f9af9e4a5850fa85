"""/api/exports and /api/trackers: where issues went, and sending them again."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.exports.api.serializers import (
    LARGEST,
    ExportSerializer,
    PreviewSerializer,
    SendSerializer,
    TrackerSerializer,
)
from apps.exports.feed import document_of, lines
from apps.exports.models import TaskExport, Tracker
from apps.exports.moving import CannotMove, export_again
from apps.exports.preview import preview_of
from apps.exports.send import CannotSend, send, why_not
from apps.issues.models import Issue
from apps.sources.adapters.base import reason_of
from apps.sources.api.days import ScopedFilterSet
from apps.sources.api.scope import ProjectScope
from tasktracker.lib.rest import Conflict
from tasktracker.lib.streaming import streamed
from tasktracker.lib.workflow import GiveUp, TryLater

DIGITS = "[0-9]+"
JSON_LINES = "application/x-ndjson"


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
        return rows.select_related("tracker__project").order_by("-pk")  # by an index

    @extend_schema(request=None, responses=ExportSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def retry(self, request: Request, pk: str) -> Response:
        """Send a failed one again; the same number makes sure that it is made once.

        One that was deleted there (`is_gone`) is made anew, with another number.
        """
        try:
            export_again(self.get_object())
        except CannotMove as refusal:
            raise Conflict(str(refusal), code="cannot_move") from None
        return self.retrieve(request, pk=pk)

    @extend_schema(request=SendSerializer, responses={201: ExportSerializer})
    def create(self, request: Request) -> Response:
        """Send an approved task to a tracker, whatever the policy holds back; 409 says why it cannot go."""
        issue, tracker = self._asked(request.data)
        if issue.status == Issue.Status.NEW:
            raise Conflict(_("Nobody has approved it yet."), code="cannot_send")
        try:
            export = send(issue, tracker, by=self.person)
        except CannotSend as refusal:
            raise Conflict(str(refusal), code="cannot_send") from None
        export.refresh_from_db()
        return Response(self.get_serializer(export).data, status=status.HTTP_201_CREATED)

    @extend_schema(parameters=[SendSerializer], responses=PreviewSerializer)
    @action(detail=False, filterset_class=None, pagination_class=None)
    def preview(self, request: Request) -> Response:
        """The exact task before it is sent; nothing is made, and nobody is asked."""
        issue, tracker = self._asked(request.query_params)
        try:
            shown = preview_of(issue, tracker)
        except (GiveUp, TryLater, LookupError) as error:
            raise Conflict(str(error), code="cannot_send") from None
        except ValueError as error:
            raise Conflict(reason_of(error), code="cannot_send") from None
        told = {"title": shown.title, "body": shown.body, "sent": shown.sent}
        return Response({**told, "why_not": why_not(issue, tracker)})

    @extend_schema(responses={(200, "application/json"): OpenApiTypes.OBJECT})
    @action(detail=True, filterset_class=None)
    def document(self, request: Request, pk: str) -> HttpResponse:
        """The task as JSON that fits issue.schema.json, made from what it says now."""
        return HttpResponse(document_of(self.get_object()), content_type="application/json")

    @extend_schema(responses={(200, JSON_LINES): OpenApiTypes.STR})
    @action(detail=False, pagination_class=None)
    def feed(self, request: Request) -> StreamingHttpResponse:
        """A line of JSON for every created task, oldest first; filters are those of the list."""
        found = self.filter_queryset(self.get_queryset())
        parts = lines(TaskExport.objects.filter(pk__in=found.order_by().values("pk")))
        name = f"{request.query_params.get('project') or 'tasks'}.jsonl"
        return streamed(request._request, parts, content_type=JSON_LINES, name=name)  # noqa: SLF001

    def _asked(self, given: Any) -> tuple[Issue, Tracker]:
        """A task and a tracker of the user's projects."""
        asked = SendSerializer(data=given)
        asked.is_valid(raise_exception=True)
        named = asked.validated_data
        issues = Issue.objects.filter(project__in=self.projects).select_related("project")
        trackers = Tracker.objects.filter(project__in=self.projects)
        issue = get_object_or_404(issues, pk=named["task"])
        return issue, get_object_or_404(trackers, pk=named["tracker"])


class TrackerViewSet(ProjectScope, viewsets.ReadOnlyModelViewSet[Tracker]):
    """Targets of your projects, without their settings."""

    queryset = Tracker.objects.all()
    serializer_class = TrackerSerializer
    lookup_value_regex = DIGITS

    def get_queryset(self) -> QuerySet[Tracker]:
        return Tracker.objects.filter(project__in=self.projects).select_related("project")
