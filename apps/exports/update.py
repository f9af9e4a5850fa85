"""Tell the tasks in trackers what came after they were made: one edited note, and how they belong together.

Whatever happens to an issue only asks for a look. The look compares what should be there with what we wrote,
so that it may be repeated, and ten things that happen at once are told in one call.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.exports.calling import admitted, plugin_of, told_to
from apps.exports.models import LEASE, QUIET, WAITS_FOR_ANSWER, ExportUpdate, TaskExport
from apps.exports.payload import build_payload
from apps.exports.trackers import able_to
from apps.exports.trackers.base import Doubtful, ExternalIssue, Gone
from apps.exports.trackers.markdown import MARKDOWN, news_of
from apps.exports.turns import in_turns
from apps.issues.models import Change, Issue, Relation
from apps.issues.relations import relations_of
from tasktracker.lib.failpoints import reach
from tasktracker.lib.workflow import GiveUp, NotNow, TryLater

LONGEST_NOTE = 20_000  # characters
LOOKED_BACK = timedelta(hours=2)

#: By the other export, the kind, and the id of the task: one that was made anew is another one.
_Wanted = dict[tuple[int, str, str], TaskExport]

_CREATED = TaskExport.Status.CREATED
#: What of an issue's history a task may have to be told.
_TOLD = (Change.Kind.EVIDENCE, Change.Kind.MERGED, Change.Kind.SPLIT, Change.Kind.RELATED)


def want(issues: Iterable[int]) -> None:
    """These issues have changed, or have a task since now: look whether that is to be told."""
    rows = TaskExport.objects.filter(
        status=_CREATED,
        is_live=True,
        is_gone=False,
        tracker__kind__in=able_to("note") | able_to("relate"),
        tracker__is_active=True,
        tracker__tells_news=True,
    )
    changed = set(rows.filter(issue__in=list(issues)).values_list("issue", flat=True))
    if not changed:
        return
    exports = _with_news(rows.filter(issue__in=changed | _belonging_to(changed)))
    ExportUpdate.ask_for(exports.values_list("pk", flat=True))


def want_missed() -> None:
    """As `want`, for what happened while nobody listened: what came before a task was last told is known."""
    since = timezone.now() - LOOKED_BACK
    happened = Change.objects.filter(issue=OuterRef("issue"), kind__in=_TOLD, created_at__gt=since)
    unheard = happened.filter(created_at__gt=OuterRef("news__status_changed_at"))
    missed = Q(Exists(happened), news=None) | Q(Exists(unheard))
    want(TaskExport.objects.filter(missed, status=_CREATED).values_list("issue", flat=True))


def tell_all(updates: Sequence[ExportUpdate]) -> None:
    """What is to be told, tracker by tracker in turns."""
    turns = in_turns(tell, tracker_of=_tracker, waiting=_waiting(), path="export__tracker")
    turns(list(updates))


def tell(update: ExportUpdate) -> None:
    """Make what the tracker has of us be what is so now."""
    export = update.export
    tracker = export.tracker
    if export.status != _CREATED or not (
        export.is_live and tracker.is_active and tracker.tells_news
    ):
        update.move_to(ExportUpdate.Status.TOLD)
        return
    update.renew(lease=LEASE)
    if update.task != export.uuid:
        update.begin_anew()
    plugin = plugin_of(tracker)
    if _is_behind(update, plugin):
        if not update.is_quiet:
            raise NotNow(WAITS_FOR_ANSWER, delay=QUIET)
        with admitted(tracker), told_to(tracker, attempts=update.attempts):
            try:
                _write(update, plugin)
            except Gone:
                update.forget_note()
                _write(update, plugin)
            _relate(update, plugin)
    update.move_to(ExportUpdate.Status.TOLD)
    # What came while this row was waiting has not asked anew.
    update.export = TaskExport.objects.get(pk=export.pk)
    if _is_behind(update, plugin):
        ExportUpdate.ask_for([export.pk])


def _tracker(update: ExportUpdate) -> int:
    return update.export.tracker_id


def _waiting() -> QuerySet[ExportUpdate]:
    """What is not to be told needs no tracker."""
    return ExportUpdate.objects.filter(
        status=ExportUpdate.Status.WAITING,
        export__status=_CREATED,
        export__is_live=True,
        export__tracker__is_active=True,
        export__tracker__tells_news=True,
    )


def note_of(update: ExportUpdate, plugin: Any) -> str:
    """What our note on this task has to say; empty where none is needed."""
    export = update.export
    payload = build_payload(export.issue, export.tracker, reports=export.later_evidence())
    is_there = update.note_id or update.called_at
    if not payload.quotes and not is_there:
        return ""
    return news_of(payload, limit=LONGEST_NOTE, markup=getattr(plugin, "markup", MARKDOWN))


def put_note(update: ExportUpdate, plugin: Any, text: str) -> None:
    made = made_of(update.export)
    note_id = plugin.note(made, text, key=update.uuid, note_id=update.note_id)
    reach("after_note")
    update.note_written(note_id, _digest(text))


def made_of(export: TaskExport) -> ExternalIssue:
    return ExternalIssue(id=export.external_id, url=export.external_url, key=export.uuid)


def _write(update: ExportUpdate, plugin: Any) -> None:
    text = _text_for(update, plugin)
    if not text:
        return
    update.note_call()
    reach("before_note")
    try:
        put_note(update, plugin, text)
    except Doubtful:
        raise
    except (TryLater, GiveUp):
        update.forget_call()
        raise


def _text_for(update: ExportUpdate, plugin: Any) -> str:
    """What is to be written now; empty when it stands there already.

    A task that is a duplicate by now keeps its note: what was told there is told on the other one.
    """
    if not hasattr(plugin, "note") or update.export.issue.status == Issue.Status.DUPLICATE:
        return ""
    text = note_of(update, plugin)
    return text if update.called_at or _digest(text) != update.digest else ""


def _relate(update: ExportUpdate, plugin: Any) -> None:
    """One by one; the id of each is kept before the call, so that a repeat finds it."""
    made = made_of(update.export)
    missing, surplus = _steps(update, plugin)
    for told in surplus:
        plugin.unrelate(made, ExternalIssue(told["there"], ""), key=UUID(told["id"]))
        update.keep_relations([one for one in update.relations if one != told])
    for (_number, kind, task), other in missing.items():
        wanted: dict[str, Any] = {"to": other.pk, "kind": kind, "task": task}
        begun = [one for one in update.relations if wanted.items() <= one.items()]
        rest = [one for one in update.relations if one not in begun]
        relation = {**wanted, "id": begun[0]["id"] if begun else str(uuid4())}
        relation["there"] = other.external_id
        update.keep_relations([*rest, {**relation, "is_told": False}])
        plugin.relate(made, made_of(other), kind, key=UUID(relation["id"]))
        update.keep_relations([*rest, {**relation, "is_told": True}])


def _is_behind(update: ExportUpdate, plugin: Any) -> bool:
    return bool(_text_for(update, plugin)) or any(_steps(update, plugin))


def _steps(update: ExportUpdate, plugin: Any) -> tuple[_Wanted, list[dict[str, Any]]]:
    """The relations that are missing there, and those that are too much."""
    if not hasattr(plugin, "relate"):
        return {}, []
    wanted = _wanted(update.export)
    told = {_key_of(one) for one in update.relations if one["is_told"]}
    missing = {key: other for key, other in wanted.items() if key not in told}
    if not hasattr(plugin, "unrelate"):
        return missing, []
    return missing, [one for one in update.relations if _key_of(one) not in wanted]


def _key_of(relation: dict[str, Any]) -> tuple[int, str, str]:
    return relation["to"], relation["kind"], relation["task"]


def _wanted(export: TaskExport) -> _Wanted:
    """What this task is to be related to: of two that are related, the later one says so."""
    issue = export.issue
    others = TaskExport.objects.filter(tracker=export.tracker_id, status=_CREATED, is_live=True)
    if issue.status == Issue.Status.DUPLICATE:
        found = others.filter(issue=issue.duplicate_of_id)
        return {(one.pk, "duplicate", str(one.uuid)): one for one in found}
    related = [
        one.other.pk for one in relations_of(issue) if one.relation.kind == Relation.Kind.RELATED
    ]
    found = others.filter(issue__in=related, pk__lt=export.pk)
    return {(one.pk, "related", str(one.uuid)): one for one in found}


def _belonging_to(issues: Collection[int]) -> set[int]:
    """Issues that were merged with these, or are related to them."""
    merged = Issue.objects.filter(duplicate_of__in=issues).values_list("pk", flat=True)
    into = Issue.objects.filter(duplicates__in=issues).values_list("pk", flat=True)
    related = Relation.objects.filter(
        Q(issue__in=issues) | Q(other__in=issues), kind=Relation.Kind.RELATED
    )
    pairs = related.values_list("issue", "other")
    found = {number for pair in pairs for number in pair}
    return found | set(merged) | set(into)


def _with_news(rows: QuerySet[TaskExport]) -> QuerySet[TaskExport]:
    """Those that are worth a row: most tasks are never told anything."""
    issue = OuterRef("issue")
    merged = Q(issue__duplicate_of=issue) | Q(other__duplicate_of=issue)
    related = Relation.objects.filter(
        Q(issue=issue) | Q(other=issue) | merged, kind=Relation.Kind.RELATED
    )
    return rows.filter(
        Q(issue__status=Issue.Status.DUPLICATE)
        | TaskExport.has_later_evidence()
        | Q(Exists(related))
        | Q(news__isnull=False)
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""
