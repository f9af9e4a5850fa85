"""/api/projects, /api/sources, /api/chats: what there is. The admin and the commands change it."""

import django_filters
from django.db.models import Q, QuerySet
from rest_framework import viewsets

from apps.sources.api.days import ScopedFilterSet
from apps.sources.api.scope import ProjectScope
from apps.sources.api.serializers import ChatSerializer, ProjectSerializer, SourceSerializer
from apps.sources.models import Chat, Project, Source

DIGITS = "[0-9]+"


class ProjectViewSet(ProjectScope, viewsets.ReadOnlyModelViewSet[Project]):
    """Your projects."""

    queryset = Project.objects.all()
    serializer_class = ProjectSerializer
    lookup_field = "slug"
    lookup_value_regex = "[-a-zA-Z0-9_]+"

    def get_queryset(self) -> QuerySet[Project]:
        return self.projects


class SourceViewSet(ProjectScope, viewsets.ReadOnlyModelViewSet[Source]):
    """Inlets of your projects, without their settings."""

    queryset = Source.objects.all()
    serializer_class = SourceSerializer
    lookup_value_regex = DIGITS

    def get_queryset(self) -> QuerySet[Source]:
        return Source.objects.filter(project__in=self.projects).select_related("project")


class ChatFilter(ScopedFilterSet):
    state = django_filters.MultipleChoiceFilter(choices=Chat.State.choices)

    class Meta:
        model = Chat
        fields: list[str] = []


class ChatViewSet(ProjectScope, viewsets.ReadOnlyModelViewSet[Chat]):
    """Chats whose messages belong to your projects."""

    queryset = Chat.objects.all()
    serializer_class = ChatSerializer
    filterset_class = ChatFilter
    lookup_value_regex = DIGITS

    def get_queryset(self) -> QuerySet[Chat]:
        ours = Q(project__in=self.projects) | Q(project=None, source__project__in=self.projects)
        return Chat.objects.filter(ours).select_related("project", "source__project")
