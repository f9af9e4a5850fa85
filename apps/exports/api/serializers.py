"""Trackers and exports as JSON, without settings and without what a vendor's error may quote."""

from typing import Any

from django.utils.translation import gettext_lazy
from rest_framework import serializers

from apps.exports.models import TaskExport, Tracker

LARGEST = 2**63 - 1


class TrackerSerializer(serializers.ModelSerializer[Tracker]):
    project = serializers.CharField(source="project.slug")

    class Meta:
        model = Tracker
        fields = ("id", "project", "kind", "name", "is_active", "closed_until", "created_at")
        read_only_fields = fields


class ExportSerializer(serializers.ModelSerializer[TaskExport]):
    project = serializers.CharField(source="tracker.project.slug")
    tracker = serializers.CharField(source="tracker.name")
    kind = serializers.CharField(source="tracker.kind")

    class Meta:
        model = TaskExport
        fields = (
            "id",
            "task_id",
            "project",
            "tracker",
            "tracker_id",
            "kind",
            "uuid",
            "status",
            "held",
            "external_id",
            "external_url",
            "status_there",
            "assignee_there",
            "is_live",
            "is_gone",
            "attempts",
            "due_at",
            "created_at",
        )
        read_only_fields = fields

    task_id = serializers.IntegerField(source="issue_id")
    status_there = serializers.CharField(read_only=True)
    assignee_there = serializers.CharField(read_only=True)


class SendSerializer(serializers.Serializer[Any]):
    """Which task goes to which tracker."""

    task = serializers.IntegerField(min_value=0, max_value=LARGEST)
    tracker = serializers.IntegerField(min_value=0, max_value=LARGEST)


class PreviewSerializer(serializers.Serializer[Any]):
    """A task as it would be made in the tracker."""

    title = serializers.CharField()
    body = serializers.CharField()
    sent = serializers.JSONField(help_text=gettext_lazy("Exactly what would be sent."))
    why_not = serializers.CharField(
        help_text=gettext_lazy("Why it cannot be sent; empty when it can.")
    )
