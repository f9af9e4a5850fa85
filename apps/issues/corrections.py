"""What people set right on an issue, and what an issue does when a report of it was set right.

The message that opened the issue is what the models learn from: a correction is written for it too.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction

from apps.issues.leaving import take_out
from apps.issues.models import Change, Evidence, Issue, Person
from apps.issues.naming import labels_of
from apps.issues.triage import hold
from apps.messages.corrections import note, set_answer
from apps.messages.memory import LEARNT
from apps.messages.models import ACTIONABLE_CATEGORIES, Category, Correction, Message

#: Fields of an issue of which the correction is kept for its message.
TAUGHT = frozenset({*LEARNT, Correction.Field.TITLE, Correction.Field.ENTITIES})
NOT_AN_ISSUE = {"not_an_issue": True}
COUNTS_AGAIN = "its report counts again"  # as it is stored


def correct(issue: Issue, changes: Mapping[str, Any], *, by: Person, reason: str = "") -> None:
    """A person's edit: what changes is locked, and the opening message is corrected with it."""
    with transaction.atomic():
        hold(issue)
        before = {name: getattr(issue, name) for name in changes}
        issue.correct(changes, by=by, reason=reason)
        if "entities" in changes:
            tags = getattr(opening_message(issue), "tags", ())
            issue.edit({"labels": labels_of(issue.entities, tags)}, by=by, reason=reason)
        changed = {
            name: (value, changes[name]) for name, value in before.items() if value != changes[name]
        }
        _teach(issue, changed, by=by)


def not_an_issue(issue: Issue, *, by: Person, reason: str = "") -> None:
    """Reject it, and say that what opened it reports nothing; raises WrongTransition or LostRace."""
    with transaction.atomic():
        hold(issue)
        issue.change_status(Issue.Status.REJECTED, by=by, reason=reason, details=NOT_AN_ISSUE)
        message = opening_message(issue)
        if message is None or by is None:
            return
        changes = {
            Correction.Field.CATEGORY.value: (message.category, Category.INFO.value),
            Correction.Field.IS_ISSUE.value: (True, False),
        }
        note(message, changes, by=by)
        set_answer(message, {"category": Category.INFO}, by=by)
        if message.status == Message.Status.FILED:
            message.move_to(Message.Status.NOISE)


def unlock(issue: Issue, field: str, *, by: Person) -> None:
    """Let the system change the field again, of the opening message too."""
    with transaction.atomic():
        hold(issue)
        issue.unlock([field], by=by)
        message = opening_message(issue)
        if message is not None and by is not None and field in message.locked_fields:
            note(message, {field: (getattr(message, field, None), None)}, by=by, is_locked=False)


def follow(
    message: Message,
    changes: Mapping[str, Any],
    by: AbstractBaseUser | AnonymousUser,
    is_locked: bool,
    **_kwargs: Any,
) -> None:
    """A message was corrected: its issue takes the correction over, or loses the report."""
    evidence = Evidence.objects.filter(message=message).select_related("issue", "message").first()
    if evidence is None:
        return
    issue = evidence.issue
    if message.category not in ACTIONABLE_CATEGORIES and "category" in changes:
        _lose(evidence, by=by)
        return
    if evidence.level in Evidence.FOLLOW_UPS and "category" in changes:
        _file_by_itself(evidence, message, by=by)
        return
    if _was_no_issue(issue):
        issue.change_status(Issue.Status.NEW, by=by, reason=COUNTS_AGAIN)
        note(message, {Correction.Field.IS_ISSUE.value: (False, True)}, by=by)
    if issue.is_open and opening_message(issue) == message:
        known = {name: value for name, value in changes.items() if name in TAUGHT and value}
        issue.correct(known, by=by)
        if not is_locked:
            issue.unlock(known, by=by)


def opening_message(issue: Issue) -> Message | None:
    """What the issue is about: the message that opened it, else its oldest report."""
    rows = issue.evidence.select_related("message").order_by("created_at", "pk")
    opened = rows.filter(level=Evidence.Level.OPENED).first() or rows.first()
    return None if opened is None else opened.message


def _teach(issue: Issue, changed: Mapping[str, tuple[Any, Any]], *, by: Person) -> None:
    message = opening_message(issue)
    taught = {name: change for name, change in changed.items() if name in TAUGHT}
    if message is None or by is None or not taught:
        return
    answer = {name: after for name, (_before, after) in taught.items() if name in LEARNT}
    # What the message itself was taken for is what the models said; the issue may have been edited.
    note(
        message,
        {
            name: (getattr(message, name) if name in LEARNT else before, after)
            for name, (before, after) in taught.items()
        },
        by=by,
    )
    if answer:
        set_answer(message, answer, by=by)


def _lose(evidence: Evidence, *, by: Person) -> None:
    """Without its only report an issue is none; people who work on one already decide themselves.

    What was said of that report stays with it: both stand again when the correction is taken back.
    """
    issue = evidence.issue
    others = issue.evidence.exclude(pk=evidence.pk)
    if others.exclude(level__in=Evidence.FOLLOW_UPS).exists():
        take_out(evidence, by=by, not_an_issue=True)
    elif Issue.Status.REJECTED in Issue.TRANSITIONS[issue.status]:
        issue.change_status(Issue.Status.REJECTED, by=by, details=NOT_AN_ISSUE)


def _file_by_itself(evidence: Evidence, message: Message, *, by: Person) -> None:
    """What only added to a report is one, a person says: it must not hide in that one's issue."""
    take_out(evidence, by=by, own_report=True)
    if message.status == Message.Status.FILED:
        message.move_to(Message.Status.ACTIONABLE)


def _was_no_issue(issue: Issue) -> bool:
    if issue.status != Issue.Status.REJECTED:
        return False
    last = issue.changes.filter(kind=Change.Kind.STATUS).last()
    return last is not None and bool(last.details.get("not_an_issue"))
