"""What trackers have of a person who is forgotten is written again, where the tracker can and may."""

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.exports.calling import admitted, plugin_of, told_to
from apps.exports.models import LEASE, QUIET, ExportUpdate, TaskExport, Tracker, WebhookDelivery
from apps.exports.payload import build_payload
from apps.exports.trackers.base import ExternalIssue, Gone, Limited
from apps.exports.update import note_of, put_note
from apps.sources.models import Erasure, Project
from tasktracker.lib.plugins import UnknownPlugIn
from tasktracker.lib.workflow import GiveUp, TryLater

STEP_LEASE = timedelta(minutes=4)  # renewed with each export
DELIVERED_WITHIN = 2 * LEASE  # whoever read the earlier words has ended by then
_CREATED = TaskExport.Status.CREATED
PATIENCE = timedelta(hours=1)  # with a tracker that is away; then people have to look there


def erase(erasure: Erasure) -> None:
    """Exports of the issues that have other words now; a repeat goes on with those that are not done."""
    _forget_what_trackers_said(erasure.issues)
    exports = TaskExport.objects.filter(issue__in=erasure.issues).exclude(
        tracker__project__exported_quotes=Project.ExportedQuotes.KEEP
    )
    created = Q(status=_CREATED)
    at_work = Q(leased_until__gt=Now()) | Q(called_at__gt=Now() - QUIET)
    told = Q(news__leased_until__gt=Now()) | Q(news__called_at__gt=Now() - QUIET)
    at_work_now = exports.filter((at_work & ~created) | told)
    # A row that rests after a failure is leased as well; it does not keep us for longer.
    if _began_within(DELIVERED_WITHIN, erasure) and at_work_now.exists():
        # With the words that it read before.
        raise TryLater(_("An export is being sent at this moment."))
    # A call that nobody saw the end of may have made it.
    made = exports.filter(created | Q(called_at__isnull=False) | ~Q(former=[]))
    _rewrite_each(made, erasure)
    erasure.move_to(Erasure.Status.MESSAGES, left=made.filter(is_left=True).count())


def _rewrite_each(made: QuerySet[TaskExport], erasure: Erasure) -> None:
    """A tracker that is away keeps only its own; raises TryLater when there are such."""
    done = Q(rewritten_at__gt=erasure.status_changed_at)
    away: dict[int, TryLater] = {}
    for pk in made.exclude(done).order_by("pk").values_list("pk", flat=True):
        erasure.renew(lease=STEP_LEASE)
        read_at = Erasure.objects.values_list(Now(), flat=True).get(pk=erasure.pk)
        export = made.select_related("issue", "tracker").filter(pk=pk).first()
        if export is None or export.tracker_id in away:
            continue
        try:
            is_left = not _rewrite(export, attempts=erasure.attempts)
        except TryLater as error:
            if _is_patient(erasure, export.tracker, error):
                away[export.tracker_id] = error
                continue
            is_left = True
        TaskExport.objects.filter(pk=pk).update(rewritten_at=read_at, is_left=is_left)
    for trouble in away.values():
        raise trouble


def _forget_what_trackers_said(issues: Collection[int]) -> None:
    """Titles that were written there stay there, if anywhere."""
    exports = TaskExport.objects.filter(issue__in=issues)
    for export in exports.filter(remote__has_key="their_title"):
        remote = {**export.remote, "their_title": ""}
        TaskExport.objects.filter(pk=export.pk, remote=export.remote).update(remote=remote)
    failed = WebhookDelivery.objects.filter(status=WebhookDelivery.Status.FAILED)
    failed.filter(tracker__in=exports.values("tracker")).update(states=[])


def _began_within(period: timedelta, erasure: Erasure) -> bool:
    """Whether this step is younger than that, by the database's clock."""
    return Erasure.objects.filter(pk=erasure.pk, status_changed_at__gt=Now() - period).exists()


def _is_patient(erasure: Erasure, tracker: Tracker, error: TryLater) -> bool:
    """Time in which it asked us to wait, or let us work, does not count."""
    if isinstance(error, Limited) or _began_within(PATIENCE, erasure):
        return True
    recently = Now() - PATIENCE
    limited = Tracker.objects.filter(pk=tracker.pk, limited_until__gt=recently)
    worked = TaskExport.objects.filter(tracker=tracker, rewritten_at__gt=recently, is_left=False)
    return limited.exists() or worked.exists()


def _rewrite(export: TaskExport, *, attempts: int) -> bool:
    """False when only people can do it, there; one part that fails does not keep the others."""
    tracker = export.tracker
    try:
        plugin = plugin_of(tracker)
    except (GiveUp, UnknownPlugIn):
        return False
    if hasattr(plugin, "replace"):
        _forget_told(export)
    parts = [partial(_replace, export, plugin), partial(_replace_note, export, plugin)]
    parts += [partial(_replace_former, export, plugin, former) for former in export.former]
    with admitted(tracker):
        worked = [_works(part, tracker, attempts=attempts) for part in parts]
    return all(worked)


def _forget_told(export: TaskExport) -> None:
    """The task is written again without what has left the issue, so that its masks are counted without it."""
    if export.told_messages is None:
        return
    present = set(export.issue.evidence.values_list("message", flat=True))
    export.told_messages = [number for number in export.told_messages if number in present]
    TaskExport.objects.filter(pk=export.pk).update(told_messages=export.told_messages)


def _works(part: Callable[[], bool], tracker: Tracker, *, attempts: int) -> bool:
    try:
        with told_to(tracker, attempts=attempts):
            return part()
    except Gone:
        return True
    except GiveUp:
        return False


def _replace(export: TaskExport, plugin: Any) -> bool:
    can_replace = hasattr(plugin, "replace")
    made: ExternalIssue | None = None
    if can_replace and export.status == _CREATED:
        made = ExternalIssue(export.external_id, "")
    elif can_replace and export.called_at is not None:
        made = plugin.find(export.uuid)
    if made is not None:
        _write_again(export, plugin, made, key=export.uuid)
    return can_replace


def _replace_note(export: TaskExport, plugin: Any) -> bool:
    """A task that is a duplicate by now has a note, too."""
    written = ~Q(note_id="") | Q(called_at__isnull=False)
    update = ExportUpdate.objects.filter(written, export=export, task=export.uuid).first()
    if update is not None:
        put_note(update, plugin, note_of(update, plugin))
    return True


def _replace_former(export: TaskExport, plugin: Any, former: dict[str, Any]) -> bool:
    """It is in a bin, if anywhere; our note there is out of reach."""
    if not hasattr(plugin, "replace"):
        return False
    _write_again(export, plugin, ExternalIssue(former["id"], ""), key=UUID(former["uuid"]))
    return not former["has_note"]


def _write_again(export: TaskExport, plugin: Any, made: ExternalIssue, *, key: UUID) -> None:
    """Raises Gone when the tracker says that there is nothing to write to any more."""
    try:
        plugin.replace(build_payload(export.issue, export.tracker), key=key)
    except GiveUp as error:
        state = plugin.states({key: made}).get(key) if hasattr(plugin, "states") else None
        if state is not None and state.is_gone:
            raise Gone(str(error)) from error
        raise
