"""What every page of the admin obeys: staff see the rows of their own projects, and nothing else."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin import ModelAdmin as DjangoModelAdmin
from django.core.paginator import Paginator
from django.db.models import Field, ForeignKey, ManyToManyField, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.functional import cached_property
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.text import capfirst
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RangeDateFilter, RelatedDropdownFilter

from apps.sources.models import Project
from tasktracker.lib import search as search  # registers the `holds` of search_fields


class ProjectScopedAdmin(ModelAdmin):  # type: ignore[misc]
    """Lists, pages, choices, filters and actions that know only the user's projects."""

    #: The lookup from a row to its project.
    project_path = "project"

    list_per_page = 50
    show_full_result_count = False
    list_filter_submit = True
    #: Settings that are encrypted are read only by the page that edits them.
    never_listed: Sequence[str] = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        if request.user.is_superuser:
            return rows
        return rows.filter(self.seen_by(request))

    def seen_by(self, request: HttpRequest) -> Q:
        """Which rows a person sees who is no superuser."""
        return Q((f"{self.project_path}__in", Project.visible_to(request.user)))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        changelist.title = capfirst(self.opts.verbose_name_plural)  # no "Select gap to view"
        if self.never_listed:
            changelist.result_list = changelist.result_list.defer(*self.never_listed)
        return changelist

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        return super().formfield_for_foreignkey(
            db_field, request, **self._scoped(db_field, request, kwargs)
        )

    def formfield_for_manytomany(
        self, db_field: ManyToManyField[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        return super().formfield_for_manytomany(
            db_field, request, **self._scoped(db_field, request, kwargs)
        )

    def gone(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """What a row of another project answers: the same as one that does not exist."""
        answer: HttpResponse = self._get_obj_does_not_exist_redirect(
            request, self.opts, str(object_id)
        )
        return answer

    def _scoped(
        self, field: Field[Any, Any], request: HttpRequest, options: dict[str, Any]
    ) -> dict[str, Any]:
        rows = visible_rows(self, field, request)
        return options if rows is None else {"queryset": rows, **options}


def visible_rows(
    model_admin: DjangoModelAdmin[Any], field: Field[Any, Any], request: HttpRequest
) -> QuerySet[Any] | None:
    """What a related field may offer: the rows that the related model's own page would list."""
    related: Any = model_admin.admin_site._registry.get(field.related_model)  # type: ignore[arg-type]  # noqa: SLF001
    if not isinstance(related, ProjectScopedAdmin):
        return None
    return related.get_queryset(request).defer(*related.never_listed)


class VisibleRelatedFilter(RelatedDropdownFilter):  # type: ignore[misc]
    """A filter by a related row that does not tell the names of other teams' rows."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: DjangoModelAdmin[Any]
    ) -> list[tuple[Any, str]]:
        rows = visible_rows(model_admin, field, request)
        if rows is None:
            choices: list[tuple[Any, str]] = super().field_choices(field, request, model_admin)
            return choices
        return [(row.pk, str(row)) for row in rows[:500]]


class DaysFilter(RangeDateFilter):  # type: ignore[misc]
    """From one day to another, both whole, in the reader's time zone."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        first, last = self._day("from"), self._day("to")
        if first is not None:
            queryset = queryset.filter(**{f"{self.parameter_name}__gte": first})
        if last is not None:
            queryset = queryset.filter(**{f"{self.parameter_name}__lt": last + timedelta(days=1)})
        return queryset

    def _day(self, end: str) -> datetime | None:
        """Midnight of what was typed; None for nothing and for what is no day."""
        text = self.used_parameters.get(f"{self.parameter_name}_{end}") or ""
        for pattern in formats.get_format("DATE_INPUT_FORMATS"):
            try:
                return timezone.make_aware(datetime.strptime(str(text), pattern))  # noqa: DTZ007
            except ValueError:
                continue
        return None


class CappedPaginator(Paginator[Any]):
    """Counts at most CAP rows, so that a list of millions opens as fast as one of hundreds."""

    CAP = 10_000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows[: self.CAP].count())


def back_or_to(request: HttpRequest, fallback: str) -> HttpResponseRedirect:
    """Back to the page whose button was pressed, with its filters."""
    referer = request.META.get("HTTP_REFERER", "")
    if url_has_allowed_host_and_scheme(
        referer, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        return HttpResponseRedirect(referer)
    return HttpResponseRedirect(fallback)


def page_of(row: Model) -> str:
    """Address of the admin page of this row."""
    options = row._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])
