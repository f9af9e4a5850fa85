"""Who may delete a row may delete what is in it, and reads how much that is."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import CASCADE, PROTECT, RESTRICT, Model
from django.http import HttpRequest
from django.utils.text import capfirst

from apps.sources.admin.scope import ProjectScopedAdmin


class CountingAdmin(ProjectScopedAdmin):
    """Before somebody deletes: years of messages fit on no page."""

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Names of the rows, how many of each kind go with them, and what keeps them."""
        rows = list(objs)
        may = all(self.has_delete_permission(request, row) for row in rows)
        lacking = set() if may else {str(self.opts.verbose_name)}
        counts = {capfirst(str(self.opts.verbose_name_plural)): len(rows), **self._belongings(rows)}
        return [str(row) for row in rows], counts, lacking, self._keeping(rows)

    def _belongings(self, rows: Sequence[Any]) -> dict[str, int]:
        counts = {
            capfirst(str(model._meta.verbose_name_plural)): related.count()
            for model, related in self._related(rows, CASCADE)
        }
        return {name: count for name, count in counts.items() if count}

    def _keeping(self, rows: Sequence[Any]) -> list[str]:
        kept = [related for how in (PROTECT, RESTRICT) for _, related in self._related(rows, how)]
        return [
            f"{capfirst(str(one._meta.verbose_name))}: {one}" for related in kept for one in related
        ]

    def _related(self, rows: Sequence[Any], how: Any) -> Iterator[tuple[type[Model], Any]]:
        for one in self.opts.get_fields(include_hidden=True):
            if one.auto_created and not one.concrete and getattr(one, "on_delete", None) is how:
                model = one.related_model
                yield model, model._default_manager.filter(**{f"{one.field.name}__in": rows})
