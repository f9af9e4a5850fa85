"""Issues as JSON. The API says "task" where the model says issue: the public contract came first."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.issues.api.words import PriorityField, StatusField
from apps.issues.models import Change, Evidence, Issue
from apps.messages.models import Category
from tasktracker.lib.rest import visible

MAX_DESCRIPTION = 20_000


class TaskSerializer(serializers.ModelSerializer[Issue]):
    source = serializers.SerializerMethodField()  # type: ignore[assignment]
    project = serializers.CharField(source="project.slug")
    reports = serializers.SerializerMethodField()

    class Meta:
        model = Issue
        fields = (
            "id",
            "title",
            "description",
            "category",
            "priority",
            "source",
            "created_at",
            "status",
            "project",
            "confidence",
            "is_provisional",
            "reports",
            "origin",
            "entities",
            "labels",
            "duplicate_of_id",
            "reported_at",
            "updated_at",
        )
        read_only_fields = fields

    def get_source(self, issue: Issue) -> str:
        """Where it was first reported: the source of its first message, else who made it."""
        return getattr(issue, "source_name", None) or issue.origin

    def get_reports(self, issue: Issue) -> int:
        """How many messages report it."""
        return int(getattr(issue, "report_count", 0))


class TaskCreateSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200, validators=[visible])
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION, required=False, allow_blank=True, default=""
    )
    category = serializers.ChoiceField(choices=Category.choices)
    priority = PriorityField()
    source = serializers.CharField(  # type: ignore[assignment]
        max_length=30, required=False, default="api"
    )
    project = serializers.CharField(
        max_length=100, required=False, help_text=_("Slug; needed when you have several projects.")
    )


class TaskEditSerializer(serializers.Serializer[Any]):
    """Fields that a person may set; what is left out stays."""

    title = serializers.CharField(max_length=200, required=False, validators=[visible])
    description = serializers.CharField(
        max_length=MAX_DESCRIPTION, required=False, allow_blank=True
    )
    category = serializers.ChoiceField(choices=Category.choices, required=False)
    priority = PriorityField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "status" in self.initial_data:
            raise serializers.ValidationError(
                {"status": [_("A status has an address of its own: /api/tasks/<id>/status.")]}
            )
        return attrs


class TaskStatusSerializer(serializers.Serializer[Any]):
    status = StatusField()
    reason = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")


class TaskStatusChangedSerializer(serializers.Serializer[Any]):
    message = serializers.CharField()
    task_id = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Issue.Status.choices)


class EvidenceSerializer(serializers.ModelSerializer[Evidence]):
    content = serializers.CharField(source="message.text")
    author = serializers.CharField(source="message.author")
    sent_at = serializers.DateTimeField(source="message.sent_at")
    chat = serializers.CharField(source="message.chat.external_id")
    chat_title = serializers.CharField(source="message.chat.title")

    class Meta:
        model = Evidence
        fields = (
            "message_id",
            "content",
            "author",
            "sent_at",
            "chat",
            "chat_title",
            "level",
            "score",
            "threshold",
            "like_id",
            "explanation",
            "created_at",
        )
        read_only_fields = fields


class ChangeSerializer(serializers.ModelSerializer[Change]):
    user = serializers.SerializerMethodField()

    class Meta:
        model = Change
        fields = ("id", "kind", "user", "reason", "details", "created_at")
        read_only_fields = fields

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_user(self, change: Change) -> str | None:
        """Who; null is the system."""
        return change.user.get_username() if change.user else None
