"""One tracker stands in for another that is away; afterwards the issue has one task again, and both know it.

An issue of a project with a policy never has two live tasks: the export that waits is held, and the task
that shall go is closed before the other one is made (decision 0020).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from apps.exports.calling import admitted, plugin_of, told_to
from apps.exports.holding import hold, let_go, stand, untouched
from apps.exports.models import (
    ELSEWHERE,
    LEASE,
    NOT_WANTED,
    ExportPolicy,
    StandIn,
    TaskExport,
    Tracker,
)
from apps.exports.models.tracker import LOOK_AGAIN, SOON
from apps.exports.policy import export_of
from apps.exports.trackers.base import ExternalIssue
from apps.issues.models import Change, Issue
from tasktracker.lib.workflow import GiveUp, NotNow

logger = logging.getLogger(__name__)

AT_ONCE = 200  # exports that change over in one round; the rest follows with the next
Held, Status = TaskExport.Held, TaskExport.Status
LINK, MOVE = ExportPolicy.OnRecovery.LINK, ExportPolicy.OnRecovery.MOVE


def fall_back() -> None:
    """What waits for trackers that are away goes where the policy says."""
    away = Tracker.away()
    ready = ExportPolicy.objects.filter(tracker__in=away, fallback__is_active=True)
    for policy in ready.exclude(fallback__in=away).select_related("fallback"):
        waiting = untouched().filter(tracker=policy.tracker_id).order_by("pk")
        for export in waiting.select_related("issue")[:AT_ONCE]:
            if policy.fallback is not None:
                _let_stand_in(export, policy.fallback)
    for export in TaskExport.objects.filter(
        status=Status.PENDING, held=Held.AWAY, stand_in=None
    ).order_by("pk")[:AT_ONCE]:
        let_go(export)  # the tracker that stood in was deleted


def recover(item: StandIn) -> None:
    """Bring the issue back to one task as soon as the first tracker answers."""
    if item.status == StandIn.Status.MOVING:
        _link_when_moved(item)
    elif item.by.status == Status.FAILED:
        with _held(item):
            let_go(item.export)
            item.move_to(StandIn.Status.SETTLED)
    elif item.by.status == Status.PENDING:
        _come_back_before(item)
    else:
        _choose_one(item)


def _let_stand_in(export: TaskExport, fallback: Tracker) -> None:
    with transaction.atomic():
        issue = Issue.objects.select_for_update(no_key=True).get(pk=export.issue_id)
        if issue.status not in Issue.WAITING:
            return
        known = issue.exports.filter(tracker=fallback).first()
        if (known is not None and not _may_stand(known)) or not hold(export):
            return
        by, is_new = export_of(issue, fallback)
        if by.status == Status.FAILED:
            by.retry()
        elif is_new:
            TaskExport.announce([by.pk], Status.PENDING, is_new=True)
        stand(export, by)
        issue.record(Change.Kind.EXPORT, tracker=export.tracker.name, taken_over_by=fallback.name)


def _may_stand(by: TaskExport) -> bool:
    """One that refused is not asked each time, and one that is closed there is no task."""
    if by.status == Status.FAILED:
        return by.last_error in (NOT_WANTED, ELSEWHERE) and not by.external_id
    return by.is_live


@contextmanager
def _held(item: StandIn) -> Iterator[Issue]:
    """The issue's lock, while nobody has made something else of this row; raises LostRace."""
    with transaction.atomic():
        issue = Issue.objects.select_for_update(no_key=True).get(pk=item.export.issue_id)
        item.renew(lease=LEASE)
        yield issue


def _come_back_before(item: StandIn) -> None:
    """The first tracker answers, and nobody has called the other one yet: nothing has to change."""
    if item.how:
        raise NotNow(_("The other task is not made yet."), delay=SOON)  # a person wants that one
    _found_in_first(item)
    with _held(item):
        by = TaskExport.objects.select_for_update(no_key=True).get(pk=item.by_id)
        if by.status != Status.PENDING or by.called_at is not None:
            raise NotNow(_("The other tracker is being called."), delay=SOON)
        by.give_up(ELSEWHERE)
        let_go(item.export)
        item.move_to(StandIn.Status.SETTLED)


def _choose_one(item: StandIn) -> None:
    found = _found_in_first(item)
    export, by = item.export, item.by
    can_close = _can(by, "close")
    with _held(item) as issue:
        how = item.how or ExportPolicy.of(issue.project).on_recovery
        moves = how == MOVE and issue.status in Issue.WAITING and can_close
        if moves:
            # From here on it is not live, so that its closing tells us nothing about the issue.
            TaskExport.objects.filter(pk=by.pk).update(is_live=False)
            TaskExport.announce([by.pk], by.status)  # replies and pages name it no more
    if moves:
        _close(by)
        with _held(item):
            issue.record(Change.Kind.EXPORT, tracker=by.tracker.name, closed=by.external_id)
            let_go(export)
            item.move_to(StandIn.Status.MOVING)
        return
    if found is not None:
        _close_found(export, found)
        _link(export, found, by, _made(by))
        _link(by, _made(by), export, found)
    _leave(item, found)


def _found_in_first(item: StandIn) -> ExternalIssue | None:
    """What the first tracker has after all; raises NotNow or TryLater while it does not answer."""
    tracker = item.export.tracker
    if not tracker.is_active:
        raise NotNow(_("The tracker is switched off."), delay=LOOK_AGAIN)
    plugin = plugin_of(tracker)
    item.renew(lease=LEASE)
    with admitted(tracker), told_to(tracker, attempts=item.attempts):
        found: ExternalIssue | None = plugin.find(item.export.uuid)
    return found


def _leave(item: StandIn, found: ExternalIssue | None) -> None:
    """The task stays where it is; what the first tracker has of it is closed."""
    made = {"external_id": found.id, "external_url": found.url} if found else {}
    with _held(item):
        item.export.move_to(Status.FAILED, last_error=ELSEWHERE, held="", is_live=not found, **made)
        item.move_to(StandIn.Status.SETTLED)


def _link_when_moved(item: StandIn) -> None:
    export, by = item.export, item.by
    if export.status == Status.FAILED and export.last_error == NOT_WANTED:
        item.move_to(StandIn.Status.SETTLED)
    elif export.status != Status.CREATED:
        raise NotNow(_("The task is not made yet."), delay=SOON)
    else:
        _link(export, _made(export), by, _made(by))
        _link(by, _made(by), export, _made(export))
        item.move_to(StandIn.Status.SETTLED)


def _close(export: TaskExport) -> None:
    """What was deleted there needs no closing; one that cannot be closed stays the live one."""
    if export.is_gone:
        return
    try:
        _close_found(export, _made(export))
    except GiveUp:
        TaskExport.objects.filter(pk=export.pk).update(is_live=True)
        raise


def _close_found(export: TaskExport, made: ExternalIssue) -> None:
    plugin = plugin_of(export.tracker)
    if not hasattr(plugin, "close"):
        return
    with admitted(export.tracker), told_to(export.tracker, attempts=1):
        plugin.close(made, key=export.uuid)


def _link(export: TaskExport, made: ExternalIssue, other: TaskExport, there: ExternalIssue) -> None:
    """Each names the other one, where the tracker can."""
    plugin = plugin_of(export.tracker)
    if not hasattr(plugin, "link"):
        return
    with translation.override(export.issue.project.language):
        words = _("The same issue in %(tracker)s: %(id)s")
        words = words % {"tracker": other.tracker.name, "id": there.id}
    try:
        with admitted(export.tracker), told_to(export.tracker, attempts=1):
            plugin.link(made, there, words, key=export.uuid)
    except GiveUp as error:
        logger.warning("export %s does not name its other one: %s", export.pk, error)


def _can(export: TaskExport, part: str) -> bool:
    return hasattr(plugin_of(export.tracker), part)


def _made(export: TaskExport) -> ExternalIssue:
    return ExternalIssue(export.external_id, export.external_url)
