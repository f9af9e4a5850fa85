"""What the chat says about a report joins the report's issue: "+1", a log line, a screenshot."""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.issues import ledger
from apps.issues.leaving import take_out
from apps.issues.models import Change, Evidence, Issue, Person, Relation
from apps.issues.relations import apart_issues
from apps.issues.triage import (
    attach,
    earlier_revision,
    lock_project,
    read_again,
    take_the_place_of,
)
from apps.messages.classifiers.follow_ups import OPEN, Meant
from apps.messages.corrections import note
from apps.messages.follow_ups import find, status_alone
from apps.messages.models import Category, Message
from tasktracker.lib.workflow import TryLater, backoff

LONGEST_PAUSE = timedelta(seconds=30)
BEYOND_GRACE = timedelta(minutes=1)  # a report is decided when the LLM's grace is over, then filed


class NotAFollowUp(ValueError):
    """This message is no follow-up of an issue; the sentence says why."""


def follow_up(message: Message) -> None:
    """Attach the message to the issue of the report that it adds to; without one it stands alone.

    Raises TryLater while that report is still being read or filed.
    """
    with transaction.atomic():
        project = lock_project(message.project_id)
        read_again(message)
        message.project = project
        if Evidence.objects.filter(message=message).exists():
            message.move_to(Message.Status.FILED)
            return
        if message.is_superseded:
            message.move_to(Message.Status.NOISE)  # the edit speaks for it
            return
        may_wait = _may_wait(message)
        meant = find(message, is_last_word=not may_wait)
        if meant is OPEN:
            raise TryLater("a report is still being read", delay=_pause(message))
        reports = _reports_of(meant)
        # Any of them may turn out to be about another problem.
        if may_wait and _is_any_unfiled(reports):
            raise TryLater("the report is still being filed", delay=_pause(message))
        issue = _issue_of(message, reports)
        if issue is None or meant is None:
            message.move_to(status_alone(message))
            if message.status == Message.Status.NOISE:
                _tell_of_edit(message)
            return
        message.move_to(Message.Status.FILED)
        earlier = earlier_revision(message)
        if earlier is not None:
            take_the_place_of(earlier, message, project)
            return
        level, explanation = _explained(message, meant, reports[0])
        attach(message, issue, level=level, like=reports[0].pk, explanation=explanation)
        ledger.write(message, issue, level, project=project)


def detach(message: Message, *, by: Person, reason: str = "") -> None:
    """A person says that a follow-up is not about its issue: it is talk again, and stays so."""
    with transaction.atomic():
        lock_project(message.project_id)
        message.refresh_from_db()
        rows = Evidence.objects.filter(message=message, level__in=Evidence.FOLLOW_UPS)
        evidence = rows.select_related("issue", "message").first()
        if evidence is None:
            raise NotAFollowUp(_("The message is a report of its own, or of no issue."))
        issue = evidence.issue
        if by is not None:
            category = message.category
            note(message, {"category": (category, Category.INFO.value)}, by=by)
        take_out(evidence, by=by, reason=reason, not_an_issue=True)
        _keep_out(message, issue, by=by, reason=reason)
        message.move_to(Message.Status.NOISE, category=Category.INFO)


def follow_ups_of(reports: Iterable[Evidence]) -> list[Evidence]:
    """What was said about these reports of one issue, and about that, in whichever wording."""
    told = list(reports)
    forms = {_form(row.message) for row in told}
    rows = Evidence.objects.filter(
        issue__in={row.issue_id for row in told}, level__in=Evidence.FOLLOW_UPS
    )
    found = []
    # Whatever is about a follow-up was attached after it.
    for row in rows.select_related("message", "like").order_by("created_at", "pk"):
        if row.like is not None and _form(row.like) in forms:
            found.append(row)
            forms.add(_form(row.message))
    return found


def _tell_of_edit(message: Message) -> None:
    """The issue stays, on the words that it was filed with, and its history says that they are gone."""
    filed = earlier_revision(message)
    if filed is not None:
        filed.issue.record(
            Change.Kind.EVIDENCE,
            message=message.pk,
            level=Evidence.Level.EDIT,
            replaced=filed.message_id,
            withdrawn=True,
        )
        Issue.announce([filed.issue_id], filed.issue.status)


def _form(message: Message) -> tuple[int, str]:
    """What all wordings of a message have in common."""
    return message.source_id, message.external_id


def _keep_out(message: Message, issue: Issue, *, by: Person, reason: str) -> None:
    """Its author may edit it, and the edit must not join the issue either."""
    Relation.objects.create(
        project_id=issue.project_id,
        kind=Relation.Kind.APART,
        issue=issue,
        messages=sorted(issue.evidence.values_list("message_id", flat=True)),
        other_messages=[message.pk],
        user_id=by.pk if by else None,
        reason=reason,
    )


def _reports_of(meant: Meant | None) -> list[Message]:
    """The reports as they stand now: an edit takes the place of what it edits."""
    numbers = [said.number for said in meant.reports] if meant is not None else []
    found = Message.objects.in_bulk(numbers)
    return [found[number] for number in numbers if number in found]


def _issue_of(message: Message, reports: Sequence[Message]) -> Issue | None:
    """The one open issue that all these reports are about."""
    evidence = _evidence_of(reports)
    issues = {row.issue.duplicate_of_id or row.issue_id for row in evidence}
    filed = {_form(row.message) for row in evidence}
    if len(issues) != 1 or not filed.issuperset(_form(report) for report in reports):
        return None
    if apart_issues(message, by_text=False) & issues:
        return None
    rows = Issue.objects.filter(pk__in=issues, status__in=Issue.OPEN)
    return rows.filter(project=message.project_id).select_for_update().first()


def _is_any_unfiled(reports: Iterable[Message]) -> bool:
    waiting = (Message.Status.ACTIONABLE, Message.Status.FOLLOW_UP)
    return any(report.status in waiting for report in reports)


def _evidence_of(reports: Iterable[Message]) -> list[Evidence]:
    conditions = Q(pk__in=[])
    for report in reports:
        conditions |= Q(message__source=report.source_id, message__external_id=report.external_id)
    return list(Evidence.objects.filter(conditions).select_related("message", "issue"))


def _explained(message: Message, meant: Meant, report: Message) -> tuple[str, dict[str, Any]]:
    minutes = round(meant.reports[0].seconds_before / 60, 1)
    if meant.is_reply:
        return Evidence.Level.REPLY, {"reply_to": report.pk, "minutes": minutes}
    is_own = (message.author_id or message.author) == (report.author_id or report.author)
    return Evidence.Level.RUN, {"author": message.author, "is_own": is_own, "minutes": minutes}


def _may_wait(message: Message) -> bool:
    """Whether the report may still be decided and filed, by the database's clock."""
    patience = timedelta(seconds=settings.LLM_GRACE) + BEYOND_GRACE
    rows = Message.objects.filter(pk=message.pk, status_changed_at__gt=Now() - patience)
    return rows.exists()


def _pause(message: Message) -> timedelta:
    return min(backoff(message.attempts), LONGEST_PAUSE)
