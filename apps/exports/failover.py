"""One tracker stands in for another that is away; afterwards the issue has one task again, and both know it.

An issue of a project with a policy never has two live tasks that we know of: the export that waits is held,
and the task that shall go is closed before the other one is made (decision 0020).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import translation
from django.utils.translation import gettext as _

from apps.exports.calling import admitted, plugin_of, told_to
from apps.exports.holding import hold, let_go, stand, task_beside, untouched
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
from tasktracker.lib.workflow import GiveUp, LostRace, NotNow

logger = logging.getLogger(__name__)

AT_ONCE = 200  # exports that change over in one round; the rest follows with the next
Held, Status = TaskExport.Held, TaskExport.Status
MOVE = ExportPolicy.OnRecovery.MOVE
#: One that refused is not asked each time, one that is closed there is no task, and who waits stands for nobody.
MAY_STAND = Q(is_live=True) & (
    Q(status=Status.CREATED)
    | Q(status=Status.PENDING, held="")
    | Q(status=Status.FAILED, last_error__in=[NOT_WANTED, ELSEWHERE], external_id="")
)
DECISIVE = ("status", "held", "uuid", "is_live", "is_gone")


def fall_back() -> None:
    """What waits for trackers that are away goes where the policy says."""
    away = Tracker.away()
    ready = ExportPolicy.objects.filter(tracker__in=away, fallback__is_active=True)
    for policy in ready.exclude(fallback__in=away).select_related("fallback"):
        cannot = TaskExport.objects.filter(issue=OuterRef("issue"), tracker=policy.fallback_id)
        waiting = untouched().filter(~Exists(cannot.exclude(MAY_STAND)), tracker=policy.tracker_id)
        for export in waiting.order_by("pk")[:AT_ONCE]:
            if policy.fallback is not None:
                _let_stand_in(export, policy.fallback)
    for export in TaskExport.objects.filter(
        status=Status.PENDING, held=Held.AWAY, stand_in=None
    ).order_by("pk")[:AT_ONCE]:
        let_go(export)  # the tracker that stood in was deleted


def recover(item: StandIn) -> None:
    """Bring the issue back to one task as soon as the first tracker answers: the table of decision 0020."""
    export, by = item.export, item.by
    if item.status == StandIn.Status.MOVING:
        _link_when_moved(item)
    elif (export.status, export.held) != (Status.PENDING, Held.AWAY):
        with _held(item):
            item.move_to(StandIn.Status.SETTLED)
    elif by.status == Status.FAILED:
        _come_back_from_refusal(item)
    elif by.status == Status.PENDING:
        _come_back_before(item)
    else:
        _choose_one(item)


def _let_stand_in(export: TaskExport, fallback: Tracker) -> None:
    with transaction.atomic():
        issue = Issue.objects.select_for_update(no_key=True).get(pk=export.issue_id)
        if issue.status not in Issue.WAITING:
            return
        known = issue.exports.filter(tracker=fallback)
        if known.exclude(MAY_STAND).exists() or not hold(export):
            return
        by, is_new = export_of(issue, fallback)
        if by.status == Status.FAILED:
            by.retry()
        elif is_new:
            TaskExport.announce([by.pk], Status.PENDING, is_new=True)
        stand(export, by)
        issue.record(Change.Kind.EXPORT, tracker=export.tracker.name, taken_over_by=fallback.name)


@contextmanager
def _held(item: StandIn) -> Iterator[Issue]:
    """The issue's lock, while nobody has made something else of these rows; raises LostRace."""
    with transaction.atomic():
        issue = Issue.objects.select_for_update(no_key=True).get(pk=item.export.issue_id)
        item.renew(lease=LEASE)
        for read in (item.export, item.by):
            now = TaskExport.objects.get(pk=read.pk)
            if any(getattr(now, name) != getattr(read, name) for name in DECISIVE):
                raise LostRace(f"export {read.pk} is not as it was")
        yield issue


def _come_back_from_refusal(item: StandIn) -> None:
    """What the other tracker has made all the same is the task; else the first one gets it."""
    export, by = item.export, item.by
    found = _found(by, item) if by.may_be_there else None
    with _held(item):
        if found is not None:
            by.retry()  # it finds what it made, and completes it
            return
        by.forget_call()
        let_go(export)
        item.move_to(StandIn.Status.SETTLED)


def _come_back_before(item: StandIn) -> None:
    """The first tracker answers, and nobody has called the other one yet: nothing has to change."""
    if item.how:
        raise NotNow(_("The other task is not made yet."), delay=SOON)  # a person wants that one
    _found(item.export, item)
    with _held(item):
        by = TaskExport.objects.select_for_update(no_key=True).get(pk=item.by_id)
        if by.status != Status.PENDING or by.called_at is not None:
            raise NotNow(_("The other tracker is being called."), delay=SOON)
        by.give_up(ELSEWHERE)
        let_go(item.export)
        item.move_to(StandIn.Status.SETTLED)


def _choose_one(item: StandIn) -> None:
    export, by = item.export, item.by
    found = _found(export, item)
    can_close = _can(by, "close")
    with _held(item) as issue:
        how = item.how or ExportPolicy.of(issue.project).on_recovery
        wants = how == MOVE and issue.status in Issue.WAITING and can_close
        # Once begun it goes on, whatever people decide meanwhile: it may be closed already.
        moves = wants or not by.is_live
        if moves and by.is_live:
            # From here on it is not live, so that its closing tells us nothing about the issue.
            _set_live(by, is_live=False)
    if moves:
        _close(item)
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


def _found(export: TaskExport, item: StandIn) -> ExternalIssue | None:
    """What its tracker has of it after all; raises NotNow, TryLater or GiveUp while it does not answer."""
    tracker = export.tracker
    if not tracker.is_active:
        words = _(
            "%(tracker)s is switched off: once it is on, it is seen what becomes of its task."
        )
        if export is item.by:
            words = _(
                "%(tracker)s is switched off, and may have the task: switch it on, or send this one."
            )
        raise NotNow(words % {"tracker": tracker.name}, delay=LOOK_AGAIN)
    plugin = plugin_of(tracker)
    item.renew(lease=LEASE)
    with admitted(tracker), told_to(tracker, attempts=item.attempts):
        found: ExternalIssue | None = plugin.find(export.uuid)
    return found


def _leave(item: StandIn, found: ExternalIssue | None) -> None:
    """The task stays where it is; what the first tracker has of it is closed."""
    made = {"external_id": found.id, "external_url": found.url} if found else {"called_at": None}
    with _held(item):
        item.export.move_to(Status.FAILED, last_error=ELSEWHERE, held="", is_live=not found, **made)
        item.move_to(StandIn.Status.SETTLED)


def _link_when_moved(item: StandIn) -> None:
    export, by = item.export, item.by
    if export.status == Status.FAILED:
        if export.last_error != NOT_WANTED and task_beside(export) is None:
            raise GiveUp(export.last_error)  # somebody may send it again
        item.move_to(StandIn.Status.SETTLED)
    elif export.status != Status.CREATED:
        raise NotNow(_("The task is not made yet."), delay=SOON)
    else:
        _link(export, _made(export), by, _made(by))
        _link(by, _made(by), export, _made(export))
        item.move_to(StandIn.Status.SETTLED)


def _close(item: StandIn) -> None:
    """What was deleted there needs no closing; one that cannot be closed stays the live one."""
    if item.by.is_gone:
        return
    try:
        _close_found(item.by, _made(item.by))
    except GiveUp:
        with _held(item):
            _set_live(item.by, is_live=True)
        raise


def _set_live(export: TaskExport, *, is_live: bool) -> None:
    export.is_live = is_live
    TaskExport.objects.filter(pk=export.pk).update(is_live=is_live)
    TaskExport.announce([export.pk], export.status)  # replies and pages name it, or no more


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
