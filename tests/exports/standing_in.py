"""What happens to stand-ins, step by step."""

from datetime import timedelta

from apps.exports.models import StandIn, TaskExport
from apps.exports.tasks import settle_stand_ins
from apps.issues.models import Issue
from tests.exports.conftest import pass_time


def settle(*, later: float = 60) -> StandIn:
    """As a worker does it, `later` on."""
    pass_time(timedelta(seconds=later))
    StandIn.objects.update(leased_until=None)
    item = StandIn.objects.get()
    settle_stand_ins([item.pk])
    item.refresh_from_db()
    return item


def settle_all() -> None:
    """As `settle`, for several."""
    pass_time(timedelta(seconds=60))
    StandIn.objects.update(leased_until=None)
    settle_stand_ins(list(StandIn.objects.values_list("pk", flat=True)))


def live(issue: Issue) -> list[str]:
    made = issue.exports.filter(status=TaskExport.Status.CREATED, is_live=True)
    return sorted(export.tracker.name for export in made)
