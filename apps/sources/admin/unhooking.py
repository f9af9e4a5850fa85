"""Who deletes sources, or what they belong to, also takes leave of the platforms that post to them."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import CASCADE, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst

from apps.sources.admin.scope import ProjectScopedAdmin
from apps.sources.models import Source
from apps.sources.webhook_settings import Hook, hooks_of, unhook


class UnhookingAdmin(ProjectScopedAdmin):
    """One row or many: what could not be done at a platform is said, and holds nothing up."""

    #: The lookup from a source to the row that is deleted.
    path_from_source: str

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Names of the rows, and how many of each kind go with them: years of messages fit on no page.

        Who may delete the row may delete what is in it.
        """
        rows = list(objs)
        may = all(self.has_delete_permission(request, row) for row in rows)
        lacking = set() if may else {str(self.opts.verbose_name)}
        counts = {capfirst(self.opts.verbose_name_plural): len(rows), **self._belongings(rows)}
        return [str(row) for row in rows], counts, lacking, []

    def _belongings(self, rows: Sequence[Any]) -> dict[str, int]:
        relations = [one for one in self.opts.related_objects if one.on_delete is CASCADE]
        counts = {
            capfirst(one.related_model._meta.verbose_name_plural): (
                one.related_model._default_manager.filter(**{f"{one.field.name}__in": rows}).count()
            )
            for one in relations
        }
        return {name: count for name, count in counts.items() if count}

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        hooks = self._hooks([obj.pk])
        super().delete_model(request, obj)
        transaction.on_commit(partial(self._unhook, request, hooks))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        hooks = self._hooks(queryset.values_list("pk", flat=True))
        super().delete_queryset(request, queryset)
        transaction.on_commit(partial(self._unhook, request, hooks))

    def _hooks(self, numbers: Iterable[int]) -> list[Hook]:
        return hooks_of(Source.objects.filter(**{f"{self.path_from_source}__in": list(numbers)}))

    def _unhook(self, request: HttpRequest, hooks: Iterable[Hook]) -> None:
        for found in filter(None, map(unhook, hooks)):
            self.message_user(request, f"{found.sentence} {found.remedy}", messages.WARNING)
