"""Trackers and exports as JSON, without settings and without what a vendor's error may quote."""

from rest_framework import serializers

from apps.exports.models import TaskExport, Tracker


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
            "external_id",
            "external_url",
            "attempts",
            "due_at",
            "created_at",
        )
        read_only_fields = fields

    task_id = serializers.IntegerField(source="issue_id")
