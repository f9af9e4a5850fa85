"""A person's words leave the issues: reports, titles, histories, days.

An issue that others report goes on with their words. One that nobody else reports stays as an empty
shell: work may have been done on it, and the numbers of the days counted it.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from apps.issues.corrections import opening_message
from apps.issues.day_figures import ANALYSIS
from apps.issues.day_words import text_of
from apps.issues.drafting import draft
from apps.issues.leaving import take_out
from apps.issues.models import (
    Change,
    DayAnalysis,
    Draft,
    Evidence,
    Filing,
    Issue,
    Match,
    Opinion,
    StatusReply,
)
from apps.issues.naming import labels_of
from apps.issues.triage import lock_project
from apps.messages.erase import messages_of
from apps.messages.naming import entities_of
from apps.sources.models import Author, Erasure
from tasktracker.lib.workflow import TryLater

AT_ONCE = 50  # issues of one turn
FORGOTTEN = "a person is forgotten"  # as it is stored
REMOVED = "[removed]"
NAMED = ("technologies", "projects")  # entities that the figures of a day count
#: What of an issue is made of words of a chat.
WORDS = ("title", "description", "entities", "labels")


def erase(erasure: Erasure) -> None:
    """Issue by issue, each in one transaction; then nothing of the person is in any of them."""
    theirs = set(messages_of(erasure.author).values_list("pk", flat=True))
    told = _told_by(theirs)
    reported = set(Evidence.objects.filter(message__in=theirs).values_list("issue", flat=True))
    waiting = sorted(reported | (told - set(erasure.issues)))
    for number in waiting[:AT_ONCE]:
        with transaction.atomic():
            changed = _erase_from(number, theirs, erasure)
            erasure.note(issues=changed)
    if len(waiting) > AT_ONCE:
        raise TryLater("more issues", delay=timedelta(0))
    with transaction.atomic():
        _forget_unreviewed(theirs)
        for rows in (
            Match.objects.filter(like__in=theirs),
            Evidence.objects.filter(like__in=theirs),
        ):
            rows.update(explanation={})
        Opinion.objects.filter(Q(match__like__in=theirs) | Q(match__message__in=theirs)).delete()
        _take_back_voices(erasure.author)
        erasure.move_to(Erasure.Status.EXPORTS)


def _told_by(messages: Collection[int]) -> set[int]:
    """Issues that these messages opened or were part of, wherever they are now."""
    filed = Filing.objects.filter(message__in=messages).values_list("issue", flat=True)
    opened = Change.objects.filter(kind=Change.Kind.OPENED, details__message__in=list(messages))
    return {*filed, *opened.values_list("issue", flat=True)}


def _erase_from(number: int, theirs: Collection[int], erasure: Erasure) -> list[int]:
    """The numbers of the issues whose words are others now."""
    issue = Issue.objects.select_related("project").get(pk=number)
    project = lock_project(issue.project_id)
    issue.refresh_from_db()
    issue.project = project
    opened = issue.changes.filter(kind=Change.Kind.OPENED, details__message__in=list(theirs))
    reports = issue.evidence.filter(message__in=theirs).select_related("message", "issue")
    is_opened_by_them = opened.exists() or any(
        row.level == Evidence.Level.OPENED for row in reports
    )
    for row in reports:
        row.issue = issue
        take_out(row, by=erasure.user, reason=FORGOTTEN)
    # A model's reason for a merge tells of both reports.
    issue.changes.filter(kind=Change.Kind.MERGED, user=None).update(reason="")
    if not is_opened_by_them and issue.evidence.exists():
        return [number]
    named = issue.entities
    _word_anew(issue, erasure)
    return [number, *_tell_days(issue, _only_there(issue, named))]


def _word_anew(issue: Issue, erasure: Erasure) -> None:
    """In the words of the first of the others; without any, in none."""
    Draft.objects.filter(issue=issue).delete()  # whoever is writing it finds that it is gone
    Opinion.objects.filter(Q(issue=issue) | Q(match__issue=issue)).delete()
    issue.changes.filter(kind=Change.Kind.EDIT, user=None, details__field__in=WORDS).update(
        reason=""
    )
    for change in issue.changes.filter(kind=Change.Kind.EDIT, details__field__in=WORDS):
        change.details = {**change.details, "before": REMOVED, "after": REMOVED}
        change.save(update_fields=["details"])
    for name, value in _words_of(issue).items():
        setattr(issue, name, value)
    issue.locked_fields = sorted(set(issue.locked_fields) - set(WORDS))
    issue.save(update_fields=[*WORDS, "locked_fields", "updated_at"])
    kind = ContentType.objects.get_for_model(Issue)
    LogEntry.objects.filter(content_type=kind, object_id=str(issue.pk)).update(
        object_repr=f"#{issue.pk}", change_message=""
    )
    told = {"field": "title", "before": REMOVED, "after": issue.title}
    issue.record(Change.Kind.EDIT, by=erasure.user, reason=FORGOTTEN, **told)
    Issue.announce([issue.pk], issue.status)


def _words_of(issue: Issue) -> Mapping[str, Any]:
    message = opening_message(issue)
    if message is None:
        with translation.override(issue.project.language):
            title = _("Removed at the reporter's wish")
        return {"title": title, "description": "", "entities": {}, "labels": []}
    entities = entities_of(message)
    drafted = draft(message.text, message.category, entities)
    return {
        "title": drafted.title,
        "description": drafted.description,
        "entities": entities,
        "labels": labels_of(entities, message.tags),
    }


def _only_there(issue: Issue, entities: Any) -> set[str]:
    """What of these entities no issue of the project names any more."""
    others = Issue.objects.filter(project=issue.project_id)
    return {
        name
        for kind in NAMED
        for name in _names(entities, kind)
        if not others.filter(**{f"entities__{kind}__contains": [{"normal": name}]}).exists()
    }


def _names(entities: Any, kind: str) -> list[str]:
    found = entities.get(kind) if isinstance(entities, dict) else None
    rows = found if isinstance(found, list) else []
    return [str(row.get("normal", "")) for row in rows if isinstance(row, dict)]


def _tell_days(issue: Issue, gone: Collection[str]) -> list[int]:
    """The title that days and their summaries name; the numbers of the summaries."""
    for day in DayAnalysis.objects.filter(project=issue.project_id):
        rows = [row for row in _rows_of(day) if row.get("id") == issue.pk and "title" in row]
        for row in rows:
            row["title"] = issue.title
        for kind in NAMED:
            named = day.figures.get(kind, [])
            day.figures[kind] = [row for row in named if row[0] not in gone]
            rows += named[len(day.figures[kind]) :]
        if rows:
            _write_anew(day)
    line = re.compile(rf"^(- #{issue.pk} \[[^\]]*\]) .*$", re.M)
    changed = []
    for summary in Issue.objects.filter(
        project=issue.project_id, origin=ANALYSIS, description__contains=f"- #{issue.pk} ["
    ):
        summary.description = line.sub(
            lambda found: f"{found[1]} {issue.title}", summary.description
        )
        summary.save(update_fields=["description", "updated_at"])
        for change in summary.changes.filter(details__field="description"):
            change.details = {**change.details, "before": REMOVED, "after": REMOVED}
            change.save(update_fields=["details"])
        changed.append(summary.pk)
    return changed


def _forget_unreviewed(theirs: Collection[int]) -> None:
    """Days also show messages that nobody has looked at."""
    for day in DayAnalysis.objects.exclude(figures__unreviewed=[]):
        rows = day.figures.get("unreviewed", [])
        left = [row for row in rows if row.get("id") not in theirs]
        if len(left) < len(rows):
            day.figures["unreviewed"] = left
            _write_anew(day)


def _take_back_voices(author: Author) -> None:
    replies = StatusReply.objects.filter(
        chat__source=author.source_id, voices__has_key=author.external_id
    )
    for reply in replies:
        del reply.voices[author.external_id]
        reply.save(update_fields=["voices"])


def _rows_of(day: DayAnalysis) -> Iterable[dict[str, Any]]:
    for rows in day.figures.values():
        if isinstance(rows, list):
            yield from (row for row in rows if isinstance(row, dict))


def _write_anew(day: DayAnalysis) -> None:
    """Without a model's words, which may have quoted what is gone."""
    if day.status == DayAnalysis.Status.WORDING:
        raise TryLater("a model is writing about the day", delay=timedelta(seconds=30))
    with translation.override(day.project.language):
        day.text = text_of(day.figures, day.project.name, day.day)
    day.llm_text = day.llm_model = ""
    day.save(update_fields=["figures", "text", "llm_text", "llm_model"])
