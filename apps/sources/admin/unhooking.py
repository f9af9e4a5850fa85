"""Who deletes sources, or what they belong to, also takes leave of the platforms that post to them."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.sources.admin.deleting import CountingAdmin
from apps.sources.models import Source
from apps.sources.webhook_settings import Hook, hooks_of, unhook


class UnhookingAdmin(CountingAdmin):
    """One row or many: what could not be done at a platform is said, and holds nothing up."""

    #: The lookup from a source to the row that is deleted.
    path_from_source: str

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
