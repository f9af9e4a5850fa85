"""What is said of two tasks, as JSON."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.issues.models import Evidence, Issue, Opinion, Relation

MOST_MESSAGES = 200


class _WithReason(serializers.Serializer[Any]):
    reason = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, default="", help_text=_("Why.")
    )


class MergeSerializer(_WithReason):
    into = serializers.IntegerField(
        min_value=1, help_text=_("Id of the task that takes it. It stays, even if it is newer.")
    )
    is_back = serializers.BooleanField(
        required=False, default=False, help_text=_("Reopen the one that takes it if it is closed.")
    )


class PairSerializer(_WithReason):
    other = serializers.IntegerField(min_value=1, help_text=_("Id of the other task."))


class UndoMergeSerializer(_WithReason):
    pass


class SplitSerializer(_WithReason):
    message = serializers.IntegerField(
        min_value=1, required=False, help_text=_("Id of the message that leaves.")
    )
    messages = serializers.ListField(
        child=serializers.IntegerField(min_value=1),
        required=False,
        allow_empty=False,
        max_length=MOST_MESSAGES,
        help_text=_("Or of several, which leave together into one new task."),
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = {*attrs.get("messages", ()), *filter(None, [attrs.get("message")])}
        if not given:
            raise serializers.ValidationError({"message": [_("Say which message leaves.")]})
        return {"messages": sorted(given), "reason": attrs["reason"]}


class OpinionSerializer(serializers.Serializer[Any]):
    """What a language model says of the two."""

    status = serializers.ChoiceField(choices=Opinion.Status.choices)
    confidence = serializers.FloatField(allow_null=True)
    reason = serializers.CharField()
    model = serializers.CharField()


class SuggestionSerializer(serializers.Serializer[Any]):
    """A task that may be the same one; nobody has decided yet."""

    task_id = serializers.IntegerField(source="issue.pk")
    title = serializers.CharField(source="issue.title")
    status = serializers.ChoiceField(source="issue.status", choices=Issue.Status.choices)
    is_back = serializers.BooleanField(help_text=_("It is closed: has the problem come back?"))
    level = serializers.ChoiceField(source="match.level", choices=Evidence.Level.choices)
    score = serializers.FloatField(source="match.score")
    threshold = serializers.FloatField(
        source="match.threshold", help_text=_("From here on it would have been merged.")
    )
    message_id = serializers.IntegerField(source="match.message_id")
    like_id = serializers.IntegerField(
        source="match.like_id", allow_null=True, help_text=_("The message that it resembles.")
    )
    explanation = serializers.JSONField(source="match.explanation")
    opinion = OpinionSerializer(
        source="match.opinion",
        allow_null=True,
        read_only=True,
        help_text=_("What a language model says of the two; null: none was asked."),
    )
    created_at = serializers.DateTimeField(source="match.created_at")


class RelationSerializer(serializers.Serializer[Any]):
    """What a person said of this task and another one."""

    id = serializers.IntegerField(source="relation.pk")
    kind = serializers.ChoiceField(source="relation.kind", choices=Relation.Kind.choices)
    task_id = serializers.IntegerField(source="other.pk", help_text=_("The other task."))
    title = serializers.CharField(source="other.title")
    status = serializers.ChoiceField(source="other.status", choices=Issue.Status.choices)
    user = serializers.SerializerMethodField()
    reason = serializers.CharField(source="relation.reason")
    created_at = serializers.DateTimeField(source="relation.created_at")

    def get_user(self, row: Any) -> str:
        """Who said it."""
        return row.relation.user.get_username() if row.relation.user else ""
