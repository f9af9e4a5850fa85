"""Exports that are held: because another one stands for them, or for a person or an hour."""

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy

from apps.exports.models import ELSEWHERE, LEASE, NOT_WANTED, ExportPolicy, StandIn, TaskExport
from apps.issues.models import Issue

CLOSED_THERE = gettext_lazy("It was there before, and is closed there: open it again there.")
Held, Status = TaskExport.Held, TaskExport.Status


def untouched() -> Any:
    """Pending ones that are not made, and of which no call can be under way.

    Who begins a call now finds the row changed.
    """
    pending = TaskExport.objects.filter(status=Status.PENDING, held="", external_id="")
    return pending.exclude(called_at__gt=Now() - LEASE)


def hold(export: TaskExport) -> bool:
    rows = untouched().filter(pk=export.pk)
    return bool(rows.update(held=Held.AWAY, leased_until=None, due_at=None))


def task_beside(export: TaskExport) -> TaskExport | None:
    """Another live task of the issue, or one that is on its way; what was deleted may come back from a bin."""
    others = TaskExport.objects.filter(issue=export.issue_id).exclude(pk=export.pk)
    there = Q(status=Status.CREATED, is_live=True)
    coming = Q(status=Status.PENDING, held="")
    return others.filter(there | coming).select_related("tracker").order_by("pk").first()


def stand(export: TaskExport, by: TaskExport, *, how: str = "") -> None:
    StandIn.objects.update_or_create(
        export=export,
        defaults={
            "by": by,
            "how": how,
            "status": StandIn.Status.STANDING,
            "due_at": Now(),
            "leased_until": None,
            "attempts": 0,
            "last_error": "",
        },
    )


def take_over(export: TaskExport, others: Iterable[TaskExport]) -> None:
    """Make this one the issue's task, instead of these others; behind the issue's lock.

    What is held is given up. What may have been made is looked for, and closed, as soon as this one is made;
    whoever waits for another task of the issue waits for this one.
    """
    for one in others:
        if one.waits_for_leave:
            one.give_up(ELSEWHERE)
        if one.may_be_there:
            one.move_to(Status.PENDING, held=Held.AWAY, due_at=None)
            stand(one, export, how=ExportPolicy.OnRecovery.LINK)
    waiting = StandIn.objects.filter(
        export__issue=export.issue_id,
        export__status=Status.PENDING,
        export__held=Held.AWAY,
        status=StandIn.Status.STANDING,
    )
    waiting.exclude(export=export).exclude(by=export).update(
        by=export, how=ExportPolicy.OnRecovery.LINK, leased_until=None
    )


def give_up_unwanted(issues: Iterable[int] | None = None) -> None:
    """What is held for a person or an hour, of issues that nobody wants any more: of these, or of all."""
    rows = TaskExport.objects.filter(
        status=Status.PENDING, held__in=[Held.BY_HAND, Held.TOO_MANY]
    ).exclude(issue__status__in=Issue.WAITING)
    if issues is not None:
        rows = rows.filter(issue__in=list(issues))
    for number in rows.order_by("issue").values_list("issue", flat=True).distinct():
        with transaction.atomic():
            # Whoever approves it again waits for this, or comes first.
            Issue.objects.select_for_update(no_key=True).filter(pk=number).first()
            for export in rows.filter(issue=number):
                export.give_up(NOT_WANTED)


def let_go(export: TaskExport) -> None:
    """Pending as any other, unless nobody holds it for us any more."""
    rows = TaskExport.objects.filter(pk=export.pk, status=Status.PENDING, held=Held.AWAY)
    rows.update(held="", is_live=True, due_at=TaskExport.due_now(Status.PENDING), attempts=0)
    TaskExport.announce([export.pk], Status.PENDING)
