"""/api/messages: what came in, and the way in for other programs."""

from typing import Any

from django.db import IntegrityError
from django.db.models import Count, F, Max, Min, QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.messages import decisions
from apps.messages.api.filters import MessageFilter
from apps.messages.api.serializers import (
    MessageCreateSerializer,
    MessageDetailSerializer,
    MessageFiltersSerializer,
    MessageSerializer,
    MessageStoredSerializer,
    ReclassifySerializer,
)
from apps.messages.ingest import store
from apps.messages.models import Category, Message, Priority
from apps.sources.adapters.base import Unreadable
from apps.sources.api.scope import ProjectScope
from apps.sources.models import Author, Project, Source
from tasktracker.lib.rest import Conflict

MAX_CHOICES = 1000  # names in a list of choices


class MessageViewSet(
    ProjectScope,
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    viewsets.GenericViewSet[Message],
):
    """Messages of your projects, newest first."""

    queryset = Message.objects.all()
    serializer_class = MessageSerializer
    filterset_class = MessageFilter
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Message]:
        found = Message.objects.filter(project__in=self.projects)
        found = found.select_related("project", "source", "chat").defer("raw")
        found = found.annotate(task=F("evidence__issue_id"))
        return found.prefetch_related("classifications") if self.detail else found

    def get_serializer_class(self) -> type[Any]:
        return MessageDetailSerializer if self.detail else MessageSerializer

    @extend_schema(
        request=MessageCreateSerializer,
        responses={200: MessageStoredSerializer, 201: MessageStoredSerializer},
    )
    def create(self, request: Request) -> Response:
        """Store one message; 200 instead of 201 when it is there already."""
        body = MessageCreateSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        project = self.project_for_new(body.validated_data.pop("project", ""))
        source = _source_of(project)
        # The body as it was checked, in plain JSON: the adapter keeps it beside the message.
        payload = {**body.validated_data, "timestamp": body.validated_data["timestamp"].isoformat()}
        try:
            envelope = source.adapter().envelope(payload)
        except Unreadable:
            raise ValidationError(_("This is not a message.")) from None
        if not Author.admitted([envelope]):
            raise Conflict(_("This person does not want to be stored."), code="opted_out")
        try:
            message, is_new = store(envelope)
        except Message.DoesNotExist:
            raise Conflict(_("This chat is not monitored."), code="not_monitored") from None
        answer = {"status": "message received", "id": message.pk}
        return Response(answer, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(request=ReclassifySerializer, responses=MessageDetailSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Say what the message really is; it wins, and what was said stays until it is unlocked."""
        message = self.get_object()
        body = ReclassifySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        if not message.category and "category" not in body.validated_data:
            raise ValidationError({"category": [_("Nobody has said yet what it is: say it.")]})
        decisions.reclassify(message, **body.validated_data, by=self.person)
        return self.retrieve(request, pk=pk)

    @extend_schema(request=None, responses=MessageDetailSerializer)
    @action(detail=True, methods=["post"])
    def retry(self, request: Request, pk: str) -> Response:
        """Let the message be read again: for noise and failures."""
        decisions.retry(self.get_object(), by=self.person)
        return self.retrieve(request, pk=pk)

    @extend_schema(responses=MessageFiltersSerializer, filters=False)
    @action(detail=False, pagination_class=None, filterset_class=None)
    def filters(self, request: Request) -> Response:
        """What the list can be narrowed by."""
        found = Message.shown().filter(project__in=self.projects)
        facts = found.aggregate(total=Count("pk"), earliest=Min("sent_at"), latest=Max("sent_at"))
        zone = self.zone
        days = {
            name: facts[name].astimezone(zone).date() if facts[name] else None
            for name in ("earliest", "latest")
        }
        sources = Source.objects.filter(project__in=self.projects)
        chats = found.exclude(chat__title="").order_by("chat__title")
        return Response(
            {
                "authors": _names(found.exclude(author="").order_by("author"), "author"),
                "sources": _names(sources.order_by("name"), "name"),
                "chats": _names(chats, "chat__title"),
                "categories": Category.values,
                "priorities": Priority.values,
                "statuses": Message.Status.values,
                "total_messages": facts["total"],
                "date_range": days,
            }
        )


def _names(rows: QuerySet[Any], field: str) -> list[str]:
    return list(rows.values_list(field, flat=True).distinct()[:MAX_CHOICES])


def _source_of(project: Project) -> Source:
    """The project's source for this API, made on first use."""
    source = Source.objects.filter(project=project, kind="api").order_by("pk").first()
    if source is None:
        try:
            source, _is_new = Source.objects.get_or_create(
                project=project, name="API", defaults={"kind": "api"}
            )
        except IntegrityError:
            source = None
    if source is None or source.kind != "api":
        raise Conflict(_("The name API is taken by a source of another kind."), code="source_name")
    if not source.is_active:
        raise Conflict(_("The source for the API is switched off."), code="source_off")
    return source
