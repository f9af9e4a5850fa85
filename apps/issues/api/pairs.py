"""/api/tasks/{id}/...: what people say of two tasks, and of reports that are in the wrong one."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from apps.issues import decisions
from apps.issues.api.pair_serializers import (
    MergeSerializer,
    PairSerializer,
    RelationSerializer,
    SplitSerializer,
    SuggestionSerializer,
    UndoMergeSerializer,
)
from apps.issues.api.serializers import TaskSerializer
from apps.issues.merging import CannotMerge, ToldApart
from apps.issues.models import Issue
from apps.issues.relations import relations_of
from apps.issues.suggestions import suggestions_for
from apps.messages.models import Message
from apps.sources.api.scope import ProjectScope
from tasktracker.lib.rest import Conflict

LARGEST = 2**63 - 1


class PairActions(ProjectScope, viewsets.GenericViewSet[Issue]):
    """Actions of a task that name another task or its messages."""

    @extend_schema(request=MergeSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def merge(self, request: Request, pk: str) -> Response:
        """Make this task a duplicate of another one, which takes its reports.

        409 `told_apart` when somebody said that they are not duplicates: delete that relation first.
        """
        issue = self.get_object()
        said = self.checked(MergeSerializer, request.data)
        into = self._other(said["into"], _("There is no such task to merge into."))
        try:
            decisions.merge(
                issue, into=into, by=self.person, reason=said["reason"], is_back=said["is_back"]
            )
        except ToldApart as refusal:
            raise Conflict(str(refusal), code="told_apart") from None
        except CannotMerge as refusal:
            raise Conflict(str(refusal), code="cannot_merge") from None
        return self.answer(issue)

    @extend_schema(request=UndoMergeSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def undo_merge(self, request: Request, pk: str) -> Response:
        """Take the reports back; from now on the two are not duplicates, for good."""
        issue = self.get_object()
        said = self.checked(UndoMergeSerializer, request.data)
        if issue.status != Issue.Status.DUPLICATE:
            raise Conflict(_("This task is merged into no other."), code="wrong_transition")
        decisions.undo_merge(issue, by=self.person, reason=said["reason"])
        return self.answer(issue)

    @extend_schema(request=SplitSerializer, responses={201: TaskSerializer})
    @action(detail=True, methods=["post"], filterset_class=None)
    def split(self, request: Request, pk: str) -> Response:
        """Take reports out into one new task, which is the answer; the two stay apart for good."""
        issue = self.get_object()
        said = self.checked(SplitSerializer, request.data)
        wanted = said["messages"]
        leaving = list(
            Message.objects.filter(
                pk__in=[number for number in wanted if number <= LARGEST], evidence__issue=issue
            )
        )
        if len(leaving) < len(wanted):
            raise NotFound(_("This message is not a report of this task."))
        try:
            made = decisions.split_together(
                leaving, out_of=issue, by=self.person, reason=said["reason"]
            )
        except decisions.CannotSplit as refusal:
            raise Conflict(str(refusal), code="cannot_split") from None
        return self.answer(made, status.HTTP_201_CREATED)

    @extend_schema(request=PairSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def not_duplicate(self, request: Request, pk: str) -> Response:
        """Never the same problem, for good; two that were merged come apart."""
        return self._say(request, decisions.not_duplicate)

    @extend_schema(request=PairSerializer, responses=TaskSerializer)
    @action(detail=True, methods=["post"], filterset_class=None)
    def related(self, request: Request, pk: str) -> Response:
        """They belong together without being the same."""
        return self._say(request, decisions.related)

    @extend_schema(responses=SuggestionSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def suggestions(self, request: Request, pk: str) -> Response:
        """The best three that the duplicate search was not sure of and nobody has decided."""
        issue = self.get_object()
        return self.page(suggestions_for([issue]).get(issue.pk, []), SuggestionSerializer)

    @extend_schema(responses=RelationSerializer(many=True))
    @action(detail=True, filterset_class=None)
    def relations(self, request: Request, pk: str) -> Response:
        """What people said of this task and others, or of what was merged into it."""
        return self.page(relations_of(self.get_object()), RelationSerializer)

    @extend_schema(
        request=None,
        responses={204: None},
        parameters=[OpenApiParameter("relation", OpenApiTypes.INT64, OpenApiParameter.PATH)],
    )
    @action(
        detail=True,
        methods=["delete"],
        url_path="relations/(?P<relation>[0-9]{1,18})",
        filterset_class=None,
    )
    def take_back(self, request: Request, pk: str, relation: str) -> Response:
        """Take back what was said of the two; the history keeps both."""
        issue = self.get_object()
        for said, other in relations_of(issue):
            if said.pk == int(relation):
                decisions.take_back(issue, other, by=self.person, kind=said.kind)
                return Response(status=status.HTTP_204_NO_CONTENT)
        raise NotFound(_("Nobody says this of this task."))

    def _say(self, request: Request, say: Any) -> Response:
        issue = self.get_object()
        said = self.checked(PairSerializer, request.data)
        other = self._other(said["other"], _("There is no such task."))
        try:
            say(issue, other, by=self.person, reason=said["reason"])
        except decisions.CannotRelate as refusal:
            raise Conflict(str(refusal), code="cannot_relate") from None
        return self.answer(issue)

    def _other(self, number: int, refusal: str) -> Issue:
        other: Issue | None = (
            self.get_queryset().filter(pk=number).first() if number <= LARGEST else None
        )
        if other is None:
            raise NotFound(refusal)
        return other

    def answer(self, issue: Issue, code: int = status.HTTP_200_OK) -> Response:
        fresh = self.get_queryset().get(pk=issue.pk)
        return Response(self.get_serializer(fresh).data, status=code)

    def page(self, rows: QuerySet[Any] | list[Any], serializer: type[Any]) -> Response:
        page = self.paginate_queryset(rows)
        return self.get_paginated_response(serializer(page, many=True).data)

    def checked(self, serializer: type[Any], data: Any) -> dict[str, Any]:
        body = serializer(data=data)
        body.is_valid(raise_exception=True)
        checked: dict[str, Any] = body.validated_data
        return checked
