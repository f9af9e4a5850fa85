"""What a tracker says about its issues becomes so here (docs/decisions/0019-who-wins.md).

Everything is compared with what the tracker said before: what it says again is no news, and nothing that
is applied here is ever sent back. So no loop can begin, whoever wrote first.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.exports.models import ExportPolicy, TaskExport, Tracker, WebhookDelivery
from apps.exports.payload import build_payload
from apps.exports.trackers import able_to
from apps.exports.trackers.base import IssuePayload, RemoteState
from apps.exports.trackers.markdown import is_web_address, title_of
from apps.issues.models import Change, Issue
from tasktracker.lib.pii import placeholders
from tasktracker.lib.text import clean, shorten
from tasktracker.lib.workflow import NotNow

PATIENCE = timedelta(minutes=10)  # with a row of ours that is not ready; then it is asked about
SOON = timedelta(seconds=2)
LONGEST_NAME = 100
LONGEST_TITLE = 200  # of an issue
UNCUT = 10_000
PLACE = "Ꙁꙁ"  # of a title in a template: letters that nobody writes

_S = Issue.Status
#: Whose status a tracker may change. What is new or a duplicate here is for people here to decide.
FOLLOWING = frozenset({_S.APPROVED, _S.IN_PROGRESS, _S.DONE, _S.REJECTED})


def apply(delivery: WebhookDelivery) -> None:
    """Do what a call says; one about an issue whose making we have not seen the end of waits for that."""
    for state in delivery.said:
        export = export_of(delivery.tracker, state)
        if export is not None and export.status == TaskExport.Status.CREATED:
            take(export, state)
        elif _is_on_its_way(delivery.tracker, export, state) and _is_young(delivery):
            raise NotNow(_("The task is not made yet."), delay=SOON)
    delivery.move_to(WebhookDelivery.Status.APPLIED, states=[])


def export_of(tracker: Tracker, state: RemoteState) -> TaskExport | None:
    """The row that a state is about: by our key where the tracker keeps it, else by its own id."""
    rows = TaskExport.objects.filter(tracker=tracker)
    if state.key is not None:
        export = rows.filter(uuid=state.key).first()
        return None if export is None or _is_copy(tracker, export, state) else export
    return rows.filter(external_id=state.id).first() if state.id else None


def _is_copy(tracker: Tracker, export: TaskExport, state: RemoteState) -> bool:
    """Whether people there have copied our issue, and our key with it."""
    is_another = bool(state.id and export.external_id) and state.id != export.external_id
    return is_another and tracker.kind in able_to("keeps_ids")


def take(export: TaskExport, state: RemoteState, *, is_answer: bool = False) -> bool:
    """Bring the issue in line; False when that is no news.

    An answer was asked for just now: it also says that something is there again, unless we have heard
    of the issue since the row that asked was read.
    """
    known = export.remote_updated_at
    with transaction.atomic():
        issue = Issue.objects.select_for_update(no_key=True).get(pk=export.issue_id)
        rows = TaskExport.objects.select_related("tracker").defer(
            "tracker__config", "tracker__credentials"
        )
        export = rows.select_for_update(no_key=True, of=("self",)).get(pk=export.pk)
        is_fresh = is_answer and export.remote_updated_at == known
        is_back = is_fresh and export.is_gone and not state.is_gone
        is_there = export.status == TaskExport.Status.CREATED
        if not is_there or (_is_old(export, state) and not is_back):
            return False
        before, after = export.remote, {**export.remote, **_said(state)}
        is_news = after != before or state.is_gone != export.is_gone
        if is_news:
            who = {"by_tracker": export.tracker.name}
            if state.is_gone != export.is_gone:
                _tell(issue, export, gone=state.is_gone, **who)
            if not state.is_gone and export.is_live:
                after |= _follow(issue, export, before, after, state.title, who)
                _tell_assignee(issue, export, before, after, who)
        _keep(export, state, after)
        if is_news:
            TaskExport.announce([export.pk], export.status)
    return is_news


def _is_on_its_way(tracker: Tracker, export: TaskExport | None, state: RemoteState) -> bool:
    """Whether the state may be about an issue that we are making."""
    if export is not None or state.key is not None:
        return export is not None and export.status == TaskExport.Status.PENDING
    making = TaskExport.objects.filter(
        tracker=tracker, status=TaskExport.Status.PENDING, called_at__gt=Now() - PATIENCE
    )
    return making.exists()


def _is_young(delivery: WebhookDelivery) -> bool:
    rows = WebhookDelivery.objects.filter(pk=delivery.pk, received_at__gt=Now() - PATIENCE)
    return rows.exists()


def _is_old(export: TaskExport, state: RemoteState) -> bool:
    """Calls come late and out of order; of one moment the last that comes counts."""
    known = export.remote_updated_at
    return known is not None and state.updated_at < known


def _said(state: RemoteState) -> dict[str, str]:
    """What it says, fit to be stored and shown; empty is not said."""
    if state.is_gone:
        return {}
    said = {
        "title": _hash(clean(state.title)),  # the words are kept only where they differ from ours
        "status": state.status if state.status in FOLLOWING else "",
        "status_name": shorten(clean(state.status_name), LONGEST_NAME),
    }
    told = {name: words for name, words in said.items() if words}
    if (
        state.assignee or state.status_name
    ):  # who says how an issue stands also says that it is nobody's
        told["assignee"] = shorten(clean(state.assignee), LONGEST_NAME)
    return told


def _hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:32] if text else ""


def _follow(
    issue: Issue,
    export: TaskExport,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    title: str,
    who: Mapping[str, str],
) -> dict[str, Any]:
    """Status and title; what could not be followed is remembered, to be shown."""
    found: dict[str, Any] = {}
    known, wanted = before.get("status", _S.APPROVED), after.get("status", _S.APPROVED)
    if wanted != known:
        found["refused"] = "" if _follow_status(issue, str(known), str(wanted), who) else wanted
    if "title" in after and "title" not in before:
        found["template"] = _hash(ExportPolicy.of(issue.project).title)
    elif "title" in after and after["title"] != before["title"]:
        found |= _follow_title(issue, export, before, clean(title), who)
    return found


def _follow_status(issue: Issue, known: str, wanted: str, who: Mapping[str, str]) -> bool:
    """False when people here have decided otherwise."""
    if issue.status == wanted:
        return True
    if issue.status == _S.DUPLICATE and wanted in Issue.CLOSED:
        return True  # the other issue's task stands for it
    if issue.status not in FOLLOWING:
        return False
    if issue.status == _S.REJECTED and wanted == _S.DONE and known != _S.REJECTED:
        return True  # closed either way, and a person here said why
    *between, last = way(issue.status, wanted)
    was = issue.status
    for status in between:
        issue.move_to(status)
    issue.change_status(last, details={**who, "before": was})
    return True


def way(current: str, wanted: str) -> tuple[str, ...]:
    """The statuses from one to the other, without the first."""
    if wanted in Issue.TRANSITIONS[_S(current)]:
        return (wanted,)
    return (_S.APPROVED, wanted) if current != _S.REJECTED else _opened_again(wanted)


def _opened_again(wanted: str) -> tuple[str, ...]:
    return (_S.NEW, wanted) if wanted == _S.APPROVED else (_S.NEW, _S.APPROVED, wanted)


def _follow_title(
    issue: Issue,
    export: TaskExport,
    before: Mapping[str, Any],
    title: str,
    who: Mapping[str, str],
) -> dict[str, str]:
    """The title there is kept to be shown when the issue has another one.

    That is when a person here has set it, or when it cannot be told from what we have put into it.
    """
    payload = build_payload(issue, export.tracker)
    template = _hash(payload.wishes.title)
    if title == issue.title or _is_ours(payload, title):
        return {"their_title": "", "template": template}
    is_known = before.get("template", template) == template
    wanted = _within_template(payload, title) if is_known else ""
    if wanted and not placeholders(wanted) - placeholders(issue.title):
        issue.edit({"title": wanted}, details=who)
        if issue.title == wanted:
            return {"their_title": ""}
    return {"their_title": shorten(title, LONGEST_TITLE)}


def _is_ours(payload: IssuePayload, title: str) -> bool:
    """Whether we wrote it: words were taken out of it and it may be cut."""
    ours = title_of(payload, limit=UNCUT)
    return title == ours or (title.endswith("…") and ours.startswith(title[:-1].rstrip()))


def _within_template(payload: IssuePayload, title: str) -> str:
    """The title itself, without what our template puts around it; empty when nobody can tell."""
    before, found, after = title_of(replace(payload, title=PLACE), limit=UNCUT).partition(PLACE)
    room = len(title) - len(before) - len(after)
    if not found or PLACE in after or room < 1:
        return ""
    if not (title.startswith(before) and title.endswith(after)):
        return ""
    return shorten(title[len(before) : len(before) + room].strip(), LONGEST_TITLE)


def _tell_assignee(
    issue: Issue,
    export: TaskExport,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    who: Mapping[str, str],
) -> None:
    """Whom it was given to at first is part of what was made."""
    was = before.get("assignee")
    if was is not None and was != after["assignee"]:
        _tell(issue, export, assignee=after["assignee"], before=was, **who)


def _tell(issue: Issue, export: TaskExport, **details: Any) -> None:
    name = export.tracker.name
    issue.record(Change.Kind.EXPORT, tracker=name, id=export.external_id, **details)


def _keep(export: TaskExport, state: RemoteState, remote: Mapping[str, Any]) -> None:
    changes: dict[str, Any] = {"remote": remote, "is_gone": state.is_gone, "looked_at": Now()}
    if not _is_old(export, state):
        changes["remote_updated_at"] = state.updated_at
    if not state.is_gone and state.id:
        # It may have been moved there, or the tracker itself.
        changes["external_id"] = state.id[:200]
        if is_web_address(state.url):
            changes["external_url"] = state.url[:500]
    TaskExport.objects.filter(pk=export.pk).update(**changes)


def known_there(
    tracker: Tracker, states: list[RemoteState]
) -> list[tuple[TaskExport, RemoteState]]:
    """Those of the states that are about issues of ours, which may be few among many."""
    keys = [state.key for state in states if state.key is not None]
    ids = [state.id for state in states if state.key is None and state.id]
    rows = TaskExport.objects.filter(tracker=tracker, status=TaskExport.Status.CREATED)
    ours = list(rows.filter(Q(uuid__in=keys) | Q(external_id__in=ids)))
    by_key = {export.uuid: export for export in ours}
    by_id = {export.external_id: export for export in ours}
    found = [
        (by_key.get(state.key) if state.key is not None else by_id.get(state.id), state)
        for state in states
    ]
    return [
        (export, state)
        for export, state in found
        if export is not None and not _is_copy(tracker, export, state)
    ]
