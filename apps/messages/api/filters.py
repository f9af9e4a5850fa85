"""What a list of messages can be narrowed by."""

import django_filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.messages.models import Category, Message, Priority
from apps.sources.api.days import FromDayFilter, ScopedFilterSet, UntilDayFilter
from tasktracker.lib import search

HOLDS = search.Holds.lookup_name


class MessageFilter(ScopedFilterSet):
    author = django_filters.CharFilter(lookup_expr=HOLDS, help_text=_("Part of the name."))
    source = django_filters.CharFilter(
        field_name="source__name", lookup_expr=HOLDS, help_text=_("Part of the source's name.")
    )
    chat = django_filters.CharFilter(method="in_chat", help_text=_("Id at the platform, or title."))
    category = django_filters.MultipleChoiceFilter(choices=Category.choices)
    priority = django_filters.MultipleChoiceFilter(choices=Priority.choices)
    status = django_filters.MultipleChoiceFilter(choices=Message.Status.choices)
    date_from = FromDayFilter(field_name="sent_at", help_text=_("Day, inclusive."))
    date_to = UntilDayFilter(field_name="sent_at", help_text=_("Day, inclusive."))
    q = django_filters.CharFilter(
        field_name="text", lookup_expr=HOLDS, help_text=_("Part of the text.")
    )
    is_superseded = django_filters.BooleanFilter(
        help_text=_("true: only texts that an edit replaced. Left out: none of them.")
    )
    ordering = django_filters.OrderingFilter(fields=["sent_at", "created_at", "id"])

    class Meta:
        model = Message
        fields: list[str] = []

    def in_chat(self, queryset: QuerySet[Message], name: str, value: str) -> QuerySet[Message]:
        return queryset.filter(Q(chat__external_id=value) | Q(chat__title__iexact=value))

    def filter_queryset(self, queryset: QuerySet[Message]) -> QuerySet[Message]:
        if self.form.cleaned_data.get("is_superseded") is None:
            queryset = queryset.filter(is_superseded=False)
        if Message.Status.HELD not in self.form.cleaned_data.get("status", ()):
            queryset = queryset.exclude(status=Message.Status.HELD)
        return super().filter_queryset(queryset)
