"""Messages as JSON: the public contract's names first, ours beside them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.validators import URLValidator
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.messages.memory import source_of, sources_of
from apps.messages.models import Category, Classification, Message, Priority
from apps.sources.envelope import MAX_TEXT
from tasktracker.lib.rest import visible

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(days=1)
MAX_KEY = 90  # characters: "<chat>:<message>" fits into Message.external_id


class MessageSerializer(serializers.ModelSerializer[Message]):
    external_message_id = serializers.SerializerMethodField()
    content = serializers.CharField(source="text")
    source_name = serializers.CharField(source="source.name")
    analyzed = serializers.SerializerMethodField()
    avatar_url = serializers.SerializerMethodField()
    persisted = serializers.SerializerMethodField()
    project = serializers.CharField(source="project.slug")
    chat = serializers.CharField(source="chat.external_id")
    chat_title = serializers.CharField(source="chat.title")
    task_id = serializers.SerializerMethodField()

    class Meta:
        model = Message
        fields: tuple[str, ...] = (
            "id",
            "external_message_id",
            "content",
            "author",
            "sent_at",
            "source_name",
            "analyzed",
            "avatar_url",
            "persisted",
            "project",
            "source_id",
            "chat",
            "chat_title",
            "topic",
            "edit",
            "kind",
            "status",
            "category",
            "priority",
            "confidence",
            "decided_by",
            "is_provisional",
            "is_superseded",
            "is_history",
            "reply_to_id",
            "forwarded_from",
            "task_id",
            "created_at",
        )
        read_only_fields = fields

    def get_external_message_id(self, message: Message) -> str:
        """The platform's own number, unique together with `chat`."""
        return message.external_id.removeprefix(f"{message.chat.external_id}:")

    def get_analyzed(self, message: Message) -> bool:
        return message.status != Message.Status.RECEIVED

    def get_avatar_url(self, message: Message) -> str | None:
        return message.avatar_url or None

    def get_persisted(self, message: Message) -> bool:
        """False only in live events that come before the row."""
        return message.pk is not None

    def get_task_id(self, message: Message) -> int | None:
        """The task that this message is a report of; the view annotates it."""
        found: int | None = getattr(message, "task", None)
        return found


class ClassificationSerializer(serializers.ModelSerializer[Classification]):
    taken_from = serializers.SerializerMethodField()

    class Meta:
        model = Classification
        fields = (
            "classifier",
            "version",
            "category",
            "priority",
            "confidence",
            "entities",
            "taken_from",
            "latency_ms",
            "tokens",
            "created_at",
        )
        read_only_fields = fields

    def get_taken_from(self, answer: Classification) -> int | None:
        """Of `memory`: the corrected message that it answered like, if you may see it."""
        user = self.context["request"].user
        return source_of(answer) if sources_of([answer], user) else None


class MessageDetailSerializer(MessageSerializer):
    classifications = ClassificationSerializer(many=True)

    class Meta(MessageSerializer.Meta):
        fields = (*MessageSerializer.Meta.fields, "classifications")
        read_only_fields = fields


class MessageCreateSerializer(serializers.Serializer[Any]):
    """One message from another program; the same `id` in the same chat is stored once."""

    id = serializers.CharField(max_length=MAX_KEY, validators=[visible])
    content = serializers.CharField(max_length=MAX_TEXT)
    author = serializers.CharField(max_length=200, validators=[visible])
    timestamp = serializers.DateTimeField(default_timezone=UTC)
    chat_id = serializers.CharField(max_length=MAX_KEY, validators=[visible])
    user_id = serializers.CharField(
        max_length=200, required=False, allow_null=True, allow_blank=True
    )
    avatar_url = serializers.CharField(
        max_length=500,
        required=False,
        allow_null=True,
        allow_blank=True,
        validators=[URLValidator(schemes=["http", "https"])],
    )
    project = serializers.CharField(
        max_length=100, required=False, help_text=_("Slug; needed when you have several projects.")
    )

    def validate_timestamp(self, timestamp: datetime) -> datetime:
        if timestamp < EARLIEST:
            raise serializers.ValidationError(_("This is before any chat."))
        if timestamp > timezone.now() + CLOCK_SKEW:
            raise serializers.ValidationError(_("This is in the future."))
        return timestamp


class MessageStoredSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()
    id = serializers.IntegerField()


class ReclassifySerializer(serializers.Serializer[Any]):
    """A person's answer about a message; a field that is left out stays."""

    category = serializers.ChoiceField(choices=Category.choices, required=False)
    priority = serializers.ChoiceField(choices=Priority.choices, required=False)


class DateRangeSerializer(serializers.Serializer[Any]):
    earliest = serializers.DateField(allow_null=True)
    latest = serializers.DateField(allow_null=True)


class MessageFiltersSerializer(serializers.Serializer[Any]):
    authors = serializers.ListField(child=serializers.CharField())
    sources = serializers.ListField(child=serializers.CharField())
    chats = serializers.ListField(child=serializers.CharField())
    categories = serializers.ListField(child=serializers.CharField())
    priorities = serializers.ListField(child=serializers.CharField())
    statuses = serializers.ListField(child=serializers.CharField())
    total_messages = serializers.IntegerField()
    date_range = DateRangeSerializer()
