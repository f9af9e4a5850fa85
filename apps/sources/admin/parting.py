"""Rows whose deletion ends something outside: a platform posts to us, a tracker calls us."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.sources.adapters.base import Finding
from apps.sources.admin.deleting import CountingAdmin

#: Taken leave of when the rows are gone; what could not be done, with its remedy.
Parting = Callable[[], Sequence[Finding]]


class PartingAdmin(CountingAdmin):
    """One row or many: what could not be done outside is said, and holds nothing up."""

    @abstractmethod
    def partings(self, numbers: Iterable[int]) -> list[Parting]:
        """What is to be done when these rows are gone; asked while they are there."""

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        partings = self.partings([obj.pk])
        super().delete_model(request, obj)
        transaction.on_commit(partial(self._part, request, partings))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        partings = self.partings(list(queryset.values_list("pk", flat=True)))
        super().delete_queryset(request, queryset)
        transaction.on_commit(partial(self._part, request, partings))

    def _part(self, request: HttpRequest, partings: Iterable[Parting]) -> None:
        for found in (finding for part in partings for finding in part()):
            self.message_user(request, f"{found.sentence} {found.remedy}", messages.WARNING)
