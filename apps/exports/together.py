"""Many issues of one tracker are made in one call, where it can; then each export goes its own way."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from time import monotonic
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, prefetch_related_objects
from django.utils import timezone

from apps.exports.calling import admitted, plugin_of, told_to
from apps.exports.deliver import deliver
from apps.exports.models import TaskExport, Tracker
from apps.exports.payload import build_payload
from apps.exports.trackers import able_to
from apps.exports.trackers.base import Doubtful, ExternalIssue, IssuePayload
from apps.exports.turns import in_turns
from apps.issues.models import Issue
from tasktracker.lib.failpoints import reach
from tasktracker.lib.workflow import GiveUp, LostRace, TryLater


def deliver_all(exports: Sequence[TaskExport]) -> None:
    prefetch_related_objects(exports, "issue__project", "tracker")
    kinds = able_to("create_many")
    fresh = [one for one in exports if one.tracker.kind in kinds and _is_fresh(one)]
    spent = {}
    for number, rows in groupby(sorted(fresh, key=_tracker), key=_tracker):
        began = monotonic()
        make_together(Tracker.objects.get(pk=number), list(rows))
        spent[number] = timedelta(seconds=monotonic() - began)
    turns = in_turns(
        deliver,
        tracker_of=_tracker,
        waiting=_waiting(),
        path="tracker",
        spent=spent,
        is_begun=_is_made,
    )
    turns(list(exports))


def make_together(tracker: Tracker, exports: Sequence[TaskExport]) -> None:
    """Tell each row what was made for it; one that knows of nothing is made or looked for alone."""
    try:
        plugin = plugin_of(tracker)
        for start in range(0, len(exports), plugin.at_once):
            chunk = exports[start : start + plugin.at_once]
            if len(chunk) > 1:
                with admitted(tracker):
                    _make(tracker, plugin, chunk)
    except (GiveUp, TryLater):
        return  # each row hears it for itself


def _make(tracker: Tracker, plugin: Any, exports: Sequence[TaskExport]) -> None:
    called, payloads = _begin(exports)
    if not called:
        return
    reach("before_call")
    try:
        with told_to(tracker, attempts=called[0].attempts):
            made: Mapping[UUID, ExternalIssue] = plugin.create_many(payloads)
    except Doubtful:
        for export in called:
            export.called_at = timezone.now()  # as its row has it
        raise
    except (TryLater, GiveUp):
        made = {}
    reach("after_answer")
    for export in called:
        export.made = made.get(export.uuid)
        if export.made is None:
            export.forget_call()
        else:
            export.keep_made(export.made)


def _begin(
    exports: Sequence[TaskExport],
) -> tuple[list[TaskExport], dict[UUID, IssuePayload]]:
    """The rows that are still ours, as about to be called, and what they are made of."""
    called, payloads = [], {}
    for export in exports:
        export.note_messages()
        payload = build_payload(export.issue, export.tracker)
        try:
            export.note_call()
        except LostRace:
            continue
        called.append(export)
        payloads[export.uuid] = payload
    return called, payloads


def _is_fresh(export: TaskExport) -> bool:
    is_wanted = export.issue.status in Issue.WAITING
    is_free = export.called_at is None and not export.held
    return is_wanted and is_free and export.tracker.is_active


def _is_made(export: TaskExport) -> bool:
    """In this call: whoever takes the row later has to look for it."""
    return export.made is not None


def _tracker(export: TaskExport) -> int:
    return export.tracker_id


def _waiting() -> QuerySet[TaskExport]:
    """What nobody wants any more, or is held, needs no tracker."""
    pending = TaskExport.objects.filter(status=TaskExport.Status.PENDING, held="")
    return pending.filter(issue__status__in=Issue.WAITING)
