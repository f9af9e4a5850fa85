"""Who deletes trackers, or projects with trackers, also takes leave of what these had outside."""

from collections.abc import Iterable
from functools import partial

from apps.exports.models import Tracker
from apps.exports.parting import left_of, take_leave
from apps.sources.admin.parting import Parting, PartingAdmin
from apps.sources.admin.projects import ProjectAdmin


class TrackerPartingAdmin(PartingAdmin):
    """Before the admin of trackers."""

    def partings(self, numbers: Iterable[int]) -> list[Parting]:
        return _partings(Tracker.objects.filter(pk__in=list(numbers)))


def _partings(trackers: Iterable[Tracker]) -> list[Parting]:
    return [partial(take_leave, left_of(tracker)) for tracker in trackers]


def _of_projects(numbers: Iterable[int]) -> list[Parting]:
    return _partings(Tracker.objects.filter(project__in=list(numbers)))


ProjectAdmin.more_partings.append(_of_projects)
