"""Status and priority words; the older ones of the public contract are understood as well."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.issues.models import Issue
from apps.messages.models import Priority

OLDER_STATUSES: Mapping[str, str] = {
    "pending": Issue.Status.NEW,
    "open": Issue.Status.APPROVED,
    "completed": Issue.Status.DONE,
    "closed": Issue.Status.DONE,
    "cancelled": Issue.Status.REJECTED,
}
OLDER_PRIORITIES: Mapping[str, str] = {"urgent": Priority.CRITICAL}


class _ChoiceWithOlderWords(serializers.ChoiceField):
    older: Mapping[str, str] = {}

    def to_internal_value(self, data: Any) -> Any:
        return super().to_internal_value(
            self.older.get(data, data) if isinstance(data, str) else data
        )


@extend_schema_field(serializers.ChoiceField(choices=Issue.Status.choices))
class StatusField(_ChoiceWithOlderWords):
    older = OLDER_STATUSES

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Issue.Status.choices, **kwargs)


@extend_schema_field(serializers.ChoiceField(choices=Priority.choices))
class PriorityField(_ChoiceWithOlderWords):
    older = OLDER_PRIORITIES

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=Priority.choices, **kwargs)
