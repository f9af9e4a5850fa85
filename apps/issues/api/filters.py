"""What a list of tasks can be narrowed by."""

from typing import Any

import django_filters
from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.issues.api.words import OLDER_PRIORITIES, OLDER_STATUSES
from apps.issues.models import Issue
from apps.messages.models import Category, Priority
from apps.sources.api.days import FromDayFilter, ScopedFilterSet, UntilDayFilter
from tasktracker.lib import search

HOLDS = search.Holds.lookup_name


class _Words(forms.MultipleChoiceField):
    older = {**OLDER_STATUSES, **OLDER_PRIORITIES}

    def to_python(self, value: Any) -> list[str]:
        return [self.older.get(word, word) for word in super().to_python(value)]


class WordFilter(django_filters.MultipleChoiceFilter):
    """Several words are one or the other; the older words are understood as well."""

    field_class = _Words


class TaskFilter(ScopedFilterSet):
    category = django_filters.MultipleChoiceFilter(choices=Category.choices)
    priority = WordFilter(choices=Priority.choices)
    status = WordFilter(choices=Issue.Status.choices)
    source = django_filters.CharFilter(
        method="from_source", help_text=_("Name of a source, or origin.")
    )
    is_provisional = django_filters.BooleanFilter()
    date_from = FromDayFilter(field_name="reported_at", help_text=_("Day, inclusive."))
    date_to = UntilDayFilter(field_name="reported_at", help_text=_("Day, inclusive."))
    q = django_filters.CharFilter(method="with_words", help_text=_("Part of title or description."))
    ordering = django_filters.OrderingFilter(
        fields=["created_at", "reported_at", "updated_at", "id"]
    )

    class Meta:
        model = Issue
        fields: list[str] = []

    def from_source(self, queryset: QuerySet[Issue], name: str, value: str) -> QuerySet[Issue]:
        return queryset.filter(
            Q(origin__iexact=value) | Q(evidence__message__source__name__iexact=value)
        ).distinct()

    def with_words(self, queryset: QuerySet[Issue], name: str, value: str) -> QuerySet[Issue]:
        return queryset.filter(
            Q(**{f"title__{HOLDS}": value}) | Q(**{f"description__{HOLDS}": value})
        )
