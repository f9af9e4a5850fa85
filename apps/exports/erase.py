"""What trackers have of a person who is forgotten is written again, where the tracker can and may."""

from django.db.models import Q
from django.db.models.functions import Now

from apps.exports.models import TaskExport
from apps.exports.payload import build_payload
from apps.sources.models import Erasure, Project
from tasktracker.lib.workflow import GiveUp, TryLater


def erase(erasure: Erasure) -> None:
    """Exports of the issues that have other words now; a repeat writes the same again."""
    exports = TaskExport.objects.filter(issue__in=erasure.issues).exclude(
        tracker__project__exported_quotes=Project.ExportedQuotes.KEEP
    )
    if exports.filter(Q(status=TaskExport.Status.PENDING, leased_until__gt=Now())).exists():
        raise TryLater("an export is being delivered")  # with the words that it read before
    made = exports.filter(status=TaskExport.Status.CREATED).select_related("issue", "tracker")
    left = sum(not _replace(export) for export in made.order_by("pk"))
    erasure.move_to(Erasure.Status.MESSAGES, left=left)


def _replace(export: TaskExport) -> bool:
    """False when only people can do it, there."""
    try:
        plugin = export.tracker.plugin()
    except ValueError:
        return False
    if not hasattr(plugin, "replace"):
        return False
    try:
        plugin.replace(build_payload(export.issue), key=export.uuid)
    except GiveUp:
        return False
    return True
