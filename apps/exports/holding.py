"""An export that waits because another one stands for it."""

from typing import Any

from django.db.models.functions import Now

from apps.exports.models import LEASE, StandIn, TaskExport

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


def let_go(export: TaskExport) -> None:
    """Pending as any other, unless nobody holds it for us any more."""
    rows = TaskExport.objects.filter(pk=export.pk, status=Status.PENDING, held=Held.AWAY)
    rows.update(held="", is_live=True, due_at=TaskExport.due_now(Status.PENDING), attempts=0)
    TaskExport.announce([export.pk], Status.PENDING)
