"""From a message that reports something to an issue: attach it to an open one, or open one."""

from collections.abc import Sequence
from time import monotonic, sleep
from typing import Any

from django.db import transaction
from django.db.models import Max, Q
from django.db.models.functions import Now

from apps.issues import ledger
from apps.issues.approving import approve_by_policy, is_archived, look_again
from apps.issues.comparison import Comparison, compare, thresholds_of
from apps.issues.dedup.base import Match as FoundMatch
from apps.issues.dedup.base import Vector
from apps.issues.drafting import draft
from apps.issues.leaving import take_out
from apps.issues.models import Change, Evidence, Issue, Match
from apps.issues.naming import labels_of
from apps.issues.opinions import ask_next
from apps.issues.search import candidates, permitted, report_of
from apps.issues.urgency import MORE_URGENT, most_urgent, rise
from apps.issues.wording import ask_for_words
from apps.messages.classifiers.follow_ups import is_bare_echo
from apps.messages.context import vectors_at_hand
from apps.messages.entities import ruler
from apps.messages.glossary import own_spellings
from apps.messages.models import Message
from apps.messages.naming import entities_of
from apps.sources.models import Project
from tasktracker.lib import embeddings
from tasktracker.lib.workflow import LostRace

ANSWER = ["category", "priority", "confidence", "is_provisional"]
PATIENCE, LOOK_EVERY = 1.5, 0.05  # seconds
EARLIER = 20  # messages that are filed before others; a lease must be long enough for all


def file(messages: Sequence[Message]) -> None:
    """File the messages of each project behind its lock, oldest first.

    All of a project at once: the messages of two workers would be filed in turns, and not in the order
    in which they were sent.
    """
    vectors = vectors_at_hand(messages)
    ruler.load()
    of_projects: dict[int, list[Message]] = {}
    for message in Message.in_order(messages):
        of_projects.setdefault(message.project_id, []).append(message)
    for project_id, told in of_projects.items():
        with transaction.atomic():
            project = lock_project(project_id)
            for message in told:
                _file(message, project, vectors.get(message.pk))


def with_earlier(ids: Sequence[int]) -> list[int]:
    """The same messages, and what was sent before them and waits to be filed too.

    A history is read by several workers; who reported a problem first shall open its issue. What another
    worker reads at this moment is waited for, but never long.
    """
    before = _sent_before(ids)
    until = monotonic() + PATIENCE
    # Whoever claims a row sets both; the index of due rows leads past a long backlog.
    reading = Message.objects.filter(
        before, status=Message.Status.RECEIVED, leased_until__gt=Now(), due_at__gt=Now()
    )
    while reading.exists() and monotonic() < until:
        sleep(LOOK_EVERY)
    waiting = Message.objects.filter(
        before, status=Message.Status.ACTIONABLE, due_at__isnull=False
    ).exclude(pk__in=ids)
    found = waiting.order_by("sent_at", "pk").values_list("pk", flat=True)
    return [*found[:EARLIER], *ids]


def _sent_before(ids: Sequence[int]) -> Q:
    """In the same projects, before the last of these."""
    asked = Message.objects.filter(pk__in=ids).values_list("project").annotate(Max("sent_at"))
    before = Q(pk__in=[])
    for project_id, last in asked:
        before |= Q(project=project_id, sent_at__lt=last)
    return before


def lock_project(project_id: int) -> Project:
    """One at a time per project: two workers can never open the same issue twice or merge crosswise."""
    return Project.objects.select_for_update(no_key=True).get(pk=project_id)


def hold(issue: Issue, *others: Issue) -> None:
    """One decision at a time in a project, about rows as they are now."""
    lock_project(issue.project_id)
    for row in (issue, *others):
        row.refresh_from_db()


def read_again(message: Message) -> None:
    """What a person or an edit may have changed since the row was read; from here on nobody does."""
    rows = Message.objects.select_for_update(no_key=True)
    try:
        message.refresh_from_db(fields=[*ANSWER, "is_superseded"], from_queryset=rows)
    except Message.DoesNotExist:
        raise LostRace(f"message {message.pk} is gone") from None


def open_issue(
    message: Message, *, entities: dict[str, Any] | None = None, opened_because: str = ""
) -> Issue:
    """A new issue whose first evidence is this message."""
    found = entities if entities is not None else entities_of(message)
    drafted = draft(message.text, message.category, found)
    issue = Issue.objects.create(
        project_id=message.project_id,
        title=drafted.title,
        description=drafted.description,
        category=message.category,
        priority=message.priority,
        confidence=message.confidence,
        entities=found,
        labels=labels_of(found, message.tags),
        is_provisional=message.is_provisional,
        reported_at=message.sent_at,
    )
    Evidence.objects.create(issue=issue, message=message, level=Evidence.Level.OPENED)
    issue.record(Change.Kind.OPENED, reason=opened_because, message=message.pk)
    Issue.announce([issue.pk], issue.status, is_new=True)
    ask_for_words(issue, message.project)
    return issue


def find(message: Message, project: Project, vector: Vector | None) -> list[FoundMatch]:
    """Open issues that may be about the same problem, best first."""
    return list(look(message, project, vector).matches)


def look(message: Message, project: Project, vector: Vector | None) -> Comparison:
    """What the message is compared with, and what that finds."""
    own = own_spellings(project.pk)
    report, thresholds = report_of(message, vector, own), thresholds_of(project)
    repeated = _same_alert(message, project)
    if repeated is not None:
        return Comparison(report, [], [repeated], thresholds)
    return compare(report, candidates(message, project, vector, own), thresholds)


def _file(message: Message, project: Project, vector: Vector | None) -> None:
    read_again(message)
    if message.is_superseded:
        message.move_to(Message.Status.NOISE)  # the edit speaks for it
        return
    message.move_to(Message.Status.FILED)
    if Evidence.objects.filter(message=message).exists():
        return
    earlier = earlier_revision(message)
    if earlier is not None and not _stands_alone_now(message, earlier):
        take_the_place_of(earlier, message, project)
        return
    if earlier is not None:
        take_out(earlier, own_report=True)
    comparison, issue = _look_until_settled(message, project, vector)
    best = comparison.same
    if best is not None and issue is not None:
        attach(
            message,
            issue,
            level=best.level,
            score=best.score,
            threshold=best.threshold,
            like=best.like,
            explanation=best.explanation,
        )
        _remember(message, [best], Match.Outcome.ATTACHED)
        ledger.write(message, issue, best.level, project=project, comparison=comparison)
        return
    issue = open_issue(message)
    suggestions = comparison.suggestions
    _remember(message, suggestions, Match.Outcome.SUGGESTED)
    ledger.write(message, issue, Evidence.Level.OPENED, project=project, comparison=comparison)
    if suggestions and ask_next(issue, message, project) is not None:
        return  # what the model says comes first (`grey_zone`)
    approve_by_policy(issue, project, doubt=max((match.score for match in suggestions), default=0))


def attach(
    message: Message,
    issue: Issue,
    *,
    level: str,
    score: float | None = None,
    threshold: float | None = None,
    like: int | None = None,
    explanation: dict[str, Any] | None = None,
) -> None:
    """One more report of an issue; a more urgent one makes the issue more urgent."""
    is_first_live = _is_first_live(message, issue)
    Evidence.objects.create(
        issue=issue,
        message=message,
        level=level,
        score=score,
        threshold=threshold,
        like_id=like,
        explanation=explanation or {},
    )
    issue.record(
        Change.Kind.EVIDENCE, message=message.pk, level=level, score=score, threshold=threshold
    )
    if message.sent_at < issue.reported_at:
        issue.be_reported_at(message.sent_at)
    if message.is_actionable and most_urgent([issue.priority, message.priority]) != issue.priority:
        issue.edit({"priority": message.priority}, reason=MORE_URGENT)
    else:
        Issue.announce([issue.pk], issue.status)
    rise(issue, message.project)
    if is_first_live:
        look_again(issue, message.project)


def _is_first_live(message: Message, issue: Issue) -> bool:
    return not message.is_history and is_archived(issue)


def _look_until_settled(
    message: Message, project: Project, vector: Vector | None
) -> tuple[Comparison, Issue | None]:
    """What is found, and the issue that the message surely repeats, locked.

    A person may close that one in the meantime: then "is it back?" is asked, or another one fits.
    """
    while True:
        comparison = look(message, project, vector)
        best = comparison.same
        if best is None:
            return comparison, None
        rows = Issue.objects.filter(pk=best.issue_id, status__in=Issue.OPEN)
        issue = rows.select_for_update().first()
        if issue is not None:
            return comparison, issue


def earlier_revision(message: Message) -> Evidence | None:
    """What this message is an edit of, where that is evidence."""
    forms = Message.objects.filter(source=message.source_id, external_id=message.external_id)
    if not forms.exclude(pk=message.pk).exists():
        return None  # nearly every message: the question below takes three times as long
    earlier = Q(message__edit__lt=message.edit)
    earlier |= Q(message__edit=message.edit, message__lt=message.pk)
    return (
        Evidence.objects.filter(
            earlier,
            # A chat can be routed to another project between a message and its edit.
            issue__project_id=message.project_id,
            message__source_id=message.source_id,
            message__external_id=message.external_id,
        )
        .select_related("issue", "message")
        .order_by("-message__edit", "-message")
        .first()
    )


def _stands_alone_now(message: Message, earlier: Evidence) -> bool:
    """A "+1" that was edited into a report: it must not hide in the issue that it added to."""
    return earlier.level in Evidence.FOLLOW_UPS and not is_bare_echo(message.text)


def take_the_place_of(evidence: Evidence, message: Message, project: Project) -> None:
    """An edit stands for what it edits: one report stays one report."""
    before = evidence.message_id
    is_first_live = _is_first_live(message, evidence.issue)
    evidence.message = message
    evidence.save(update_fields=["message"])
    # What is still a question about the report is one about its new wording.
    asked = Match.objects.filter(message=before, outcome=Match.Outcome.SUGGESTED)
    asked.update(message=message)
    evidence.issue.record(
        Change.Kind.EVIDENCE, message=message.pk, level=Evidence.Level.EDIT, replaced=before
    )
    ledger.write(message, evidence.issue, Evidence.Level.EDIT, project=project)
    Issue.announce([evidence.issue_id], evidence.issue.status)
    if is_first_live:
        look_again(evidence.issue, project)


def _same_alert(message: Message, project: Project) -> FoundMatch | None:
    """The open issue that this very alert has opened or joined before, however long ago."""
    if not message.alert_key:
        return None
    earlier = permitted(message).filter(
        issue__project=project,
        issue__status__in=Issue.OPEN,
        message__project=project,
        message__alert_key=message.alert_key,
    )
    found = earlier.order_by("-message__sent_at", "-pk").first()
    if found is None:
        return None
    explanation = {"alert": message.alert_key}
    return FoundMatch(
        found.issue_id, Evidence.Level.EXACT, 1.0, 1.0, 1.0, found.message_id, explanation
    )


def _remember(message: Message, matches: Sequence[FoundMatch], outcome: str) -> None:
    Match.objects.bulk_create(
        Match(
            message=message,
            issue_id=match.issue_id,
            level=match.level,
            score=match.score,
            threshold=match.threshold,
            like_id=match.like,
            outcome=outcome,
            explanation=match.explanation,
            model=embeddings.model_name(),
        )
        for match in matches
    )
