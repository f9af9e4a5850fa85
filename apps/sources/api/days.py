"""Filters by calendar day, both days inclusive, in the zone that the view gives."""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, cast

import django_filters
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from rest_framework.request import Request

from apps.sources.api.scope import ProjectScope

FIRST, LAST = date(1970, 1, 1), date(2999, 12, 31)
SENSIBLE = [MinValueValidator(FIRST), MaxValueValidator(LAST)]


class DayField(forms.DateField):
    """YYYY-MM-DD in every language."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], validators=SENSIBLE, **kwargs)


def start_of(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone)


class _DayFilter(django_filters.DateFilter):
    field_class = DayField
    parent: "ScopedFilterSet"


class FromDayFilter(_DayFilter):
    """At or after the beginning of this day."""

    def filter(self, queryset: QuerySet[Any], value: date | None) -> QuerySet[Any]:
        if value is None:
            return queryset
        return queryset.filter(**{f"{self.field_name}__gte": start_of(value, self.parent.zone)})


class UntilDayFilter(_DayFilter):
    """Before the end of this day."""

    def filter(self, queryset: QuerySet[Any], value: date | None) -> QuerySet[Any]:
        if value is None:
            return queryset
        end = start_of(value + timedelta(days=1), self.parent.zone)
        return queryset.filter(**{f"{self.field_name}__lt": end})


class ScopedFilterSet(django_filters.FilterSet):
    """Filters that know the view's time zone; `project` is already applied by the view."""

    project = django_filters.CharFilter(
        method="already_scoped", help_text=_("Slug of one of your projects.")
    )

    @property
    def zone(self) -> tzinfo:
        request = cast("Request", self.request)
        view: ProjectScope = (request.parser_context or {})["view"]
        return view.zone

    def already_scoped(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset
