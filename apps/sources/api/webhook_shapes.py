"""The shapes of /api/webhook-settings, as its contract has them, with our fields beside."""

from typing import Any

from rest_framework import serializers

from apps.sources.models import Webhook
from apps.sources.monitored_groups import groups
from tasktracker.lib.rest import visible

MOST_GROUPS = 500
LARGEST = 2**52  # Telegram's numbers fit into 52 bits


def _number() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=-LARGEST, max_value=LARGEST)


class SetWebhookSerializer(serializers.Serializer[Any]):
    protocol = serializers.ChoiceField(["https", "http"])
    host = serializers.CharField(max_length=200, validators=[visible])


class GroupSerializer(serializers.Serializer[Any]):
    group_id = _number()


class GroupsSerializer(serializers.Serializer[Any]):
    group_ids = serializers.ListField(child=_number(), max_length=MOST_GROUPS)


class MonitoredGroupSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField(allow_null=True)


class SettingsSerializer(serializers.Serializer[Any]):
    protocol = serializers.CharField()
    host = serializers.CharField()
    webhook_url = serializers.CharField(allow_null=True)
    is_active = serializers.BooleanField()
    last_set_at = serializers.DateTimeField(allow_null=True)
    groups = MonitoredGroupSerializer(many=True)
    source_id = serializers.IntegerField()
    source_name = serializers.CharField()
    project = serializers.CharField()


class AllSettingsSerializer(serializers.Serializer[Any]):
    telegram = SettingsSerializer(allow_null=True)
    default_protocol = serializers.CharField()
    default_host = serializers.CharField()


class ResultSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    webhook_url = serializers.CharField(allow_null=True)
    message = serializers.CharField()
    error = serializers.CharField(allow_null=True)


class InfoSerializer(serializers.Serializer[Any]):
    success = serializers.BooleanField()
    webhook_info = serializers.DictField(
        help_text="getWebhookInfo; of a foreign address only the host"
    )


def shape_of(webhook: Webhook) -> dict[str, Any]:
    protocol, _separator, host = webhook.base_url.partition("://")
    source = webhook.source
    return {
        "protocol": protocol or "https",
        "host": host,
        "webhook_url": webhook.wanted_url or None,
        "is_active": webhook.is_active,
        "last_set_at": webhook.last_set_at,
        "groups": [
            {"id": int(chat.external_id), "name": chat.title or None} for chat in groups(source)
        ],
        "source_id": source.pk,
        "source_name": source.name,
        "project": source.project.slug,
    }
