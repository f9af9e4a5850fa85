"""/api/tasks: issues, what people decide about them, and where they came from."""

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.issues import corrections, decisions
from apps.issues.api.filters import TaskFilter
from apps.issues.api.pairs import PairActions
from apps.issues.api.serializers import (
    ChangeSerializer,
    EvidenceSerializer,
    TaskCreateSerializer,
    TaskEditSerializer,
    TaskSerializer,
    TaskStatusChangedSerializer,
    TaskStatusSerializer,
)
from apps.issues.models import Change, Evidence, Issue


class TaskViewSet(
    PairActions,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
):
    """Tasks of your projects, newest first."""

    queryset = Issue.objects.all()
    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Issue]:
        found = Issue.objects.filter(project__in=self.projects).select_related("project")
        evidence = Evidence.objects.filter(issue=OuterRef("pk")).order_by()
        counts = evidence.values("issue").annotate(count=Count("pk")).values("count")
        first = evidence.order_by("created_at", "pk").values("message__source__name")
        return found.annotate(
            report_count=Coalesce(Subquery(counts), 0), source_name=Subquery(first[:1])
        )

    @extend_schema(request=TaskCreateSerializer, responses={201: TaskSerializer})
    def create(self, request: Request) -> Response:
        body = self.checked(TaskCreateSerializer, request.data)
        issue = decisions.open_by_hand(
            project=self.project_for_new(body.get("project", "")),
            title=body["title"],
            description=body["description"],
            category=body["category"],
            priority=body["priority"],
            origin=body["source"],
            by=self.person,
        )
        return self.answer(issue, status.HTTP_201_CREATED)

    @extend_schema(request=TaskEditSerializer, responses=TaskSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Correct title, description, category or priority; every change is in the history."""
        issue = self.get_object()
        corrections.correct(issue, self.checked(TaskEditSerializer, request.data), by=self.person)
        return self.answer(issue)

    @extend_schema(
        request=TaskStatusSerializer,
        parameters=[OpenApiParameter("status", str, description=_("Instead of a body."))],
        responses=TaskStatusChangedSerializer,
    )
    @action(detail=True, methods=["put", "patch"], url_path="status", filterset_class=None)
    def change_status(self, request: Request, pk: str) -> Response:
        """Move on; the status that it has already is not a change, a wrong move is 409."""
        issue = self.get_object()
        given = request.data
        if "status" in request.query_params and not (isinstance(given, dict) and "status" in given):
            given = {"status": request.query_params["status"]}
        body = self.checked(TaskStatusSerializer, given)
        if body["status"] != issue.status:
            decisions.change_status(issue, body["status"], by=self.person, reason=body["reason"])
        return Response(
            {"message": _("Task status updated"), "task_id": issue.pk, "status": issue.status}
        )

    @extend_schema(responses=EvidenceSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def evidence(self, request: Request, pk: str) -> Response:
        """The messages that report it, oldest first, with how each was found."""
        rows = Evidence.objects.filter(issue=self.get_object()).select_related("message__chat")
        return self.page(rows, EvidenceSerializer)

    @extend_schema(responses=ChangeSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def history(self, request: Request, pk: str) -> Response:
        """Every change, oldest first: what, who, why."""
        rows = Change.objects.filter(issue=self.get_object()).select_related("user")
        return self.page(rows, ChangeSerializer)
