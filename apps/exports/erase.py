"""What trackers have of a person who is forgotten is written again, where the tracker can and may."""

from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from apps.exports.models import LEASE, QUIET, TaskExport
from apps.exports.payload import build_payload
from apps.sources.models import Erasure, Project
from tasktracker.lib.plugins import UnknownPlugIn
from tasktracker.lib.workflow import GiveUp, TryLater

DELIVERED_WITHIN = 2 * LEASE  # whoever read the earlier words has ended by then
PATIENCE = timedelta(hours=1)  # with a tracker that is away; then people have to look there


def erase(erasure: Erasure) -> None:
    """Exports of the issues that have other words now; a repeat writes the same again."""
    exports = TaskExport.objects.filter(issue__in=erasure.issues).exclude(
        tracker__project__exported_quotes=Project.ExportedQuotes.KEEP
    )
    created = Q(status=TaskExport.Status.CREATED)
    at_work = Q(leased_until__gt=Now()) | Q(called_at__gt=Now() - QUIET)
    # A row that rests after a failure is leased as well; it does not keep us for longer.
    if _began_within(DELIVERED_WITHIN, erasure) and exports.filter(at_work, ~created).exists():
        raise TryLater("an export is being delivered")  # with the words that it read before
    # A call that nobody saw the end of may have made it.
    made = exports.filter(created | Q(called_at__isnull=False)).select_related("issue", "tracker")
    is_patient = _began_within(PATIENCE, erasure)
    left = sum(not _replace(export, is_patient) for export in made.order_by("pk"))
    erasure.move_to(Erasure.Status.MESSAGES, left=left)


def _began_within(period: timedelta, erasure: Erasure) -> bool:
    """Whether this step is younger than that, by the database's clock."""
    return Erasure.objects.filter(pk=erasure.pk, status_changed_at__gt=Now() - period).exists()


def _replace(export: TaskExport, is_patient: bool) -> bool:
    """False when only people can do it, there."""
    try:
        plugin = export.tracker.plugin()
    except (ValueError, UnknownPlugIn):
        return False
    if not hasattr(plugin, "replace"):
        return False
    try:
        if export.status == TaskExport.Status.CREATED or plugin.find(export.uuid):
            plugin.replace(build_payload(export.issue), key=export.uuid)
    except GiveUp:
        return False
    except TryLater:
        if is_patient:
            raise
        return False
    return True
