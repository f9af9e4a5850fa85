"""Projects, sources and chats as JSON. Settings of a source hold secrets and never leave the server."""

from rest_framework import serializers

from apps.sources.models import Chat, Project, Source


class ProjectSerializer(serializers.ModelSerializer[Project]):
    class Meta:
        model = Project
        fields = ("id", "slug", "name", "language", "timezone", "policy", "is_active", "created_at")
        read_only_fields = fields


class SourceSerializer(serializers.ModelSerializer[Source]):
    project = serializers.CharField(source="project.slug")

    class Meta:
        model = Source
        fields = ("id", "project", "kind", "name", "is_active", "last_seen_at", "created_at")
        read_only_fields = fields


class ChatSerializer(serializers.ModelSerializer[Chat]):
    project = serializers.SerializerMethodField()
    source_name = serializers.CharField(source="source.name")
    is_monitored = serializers.BooleanField()

    class Meta:
        model = Chat
        fields = (
            "id",
            "project",
            "source_id",
            "source_name",
            "external_id",
            "title",
            "kind",
            "is_monitored",
            "state",
            "created_at",
        )
        read_only_fields = fields

    def get_project(self, chat: Chat) -> str:
        """The project that its messages belong to."""
        return (chat.project or chat.source.project).slug
