"""What the tracker in memory is told after it has made a task."""

from datetime import timedelta

from apps.exports.models import ExportUpdate
from apps.exports.tasks import tell_trackers
from tests.exports.conftest import pass_time
from tests.exports.fake_tracker import Fake

MINUTE = timedelta(minutes=1)


def tell(*, later: timedelta = MINUTE) -> None:
    """Everything that is due by then is told."""
    pass_time(later)
    tell_trackers(ExportUpdate.take_due(ExportUpdate.Status.WAITING))


def notes() -> list[list[str]]:
    return list(Fake.notes.values())
