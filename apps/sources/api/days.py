"""Filters by calendar day, both days inclusive, in the zone that the view gives."""

from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

import django_filters
from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

FIRST, LAST = date(1970, 1, 1), date(2999, 12, 31)
SENSIBLE = [MinValueValidator(FIRST), MaxValueValidator(LAST)]


class DayField(forms.DateField):
    """YYYY-MM-DD in every language."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(input_formats=["%Y-%m-%d"], validators=SENSIBLE, **kwargs)


def start_of(day: date, zone: tzinfo) -> datetime:
    return datetime.combine(day, time.min, tzinfo=zone)


class FromDayFilter(django_filters.DateFilter):
    """At or after the beginning of this day."""

    field_class = DayField

    def filter(self, queryset: QuerySet[Any], value: date | None) -> QuerySet[Any]:
        if value is None:
            return queryset
        return queryset.filter(**{f"{self.field_name}__gte": start_of(value, self.parent.zone)})


class UntilDayFilter(django_filters.DateFilter):
    """Before the end of this day."""

    field_class = DayField

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
        view = (self.request.parser_context or {}).get("view")
        return view.zone

    def already_scoped(self, queryset: QuerySet[Any], name: str, value: str) -> QuerySet[Any]:
        return queryset
