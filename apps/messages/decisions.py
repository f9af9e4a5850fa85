"""What people decide about messages."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.messages.answers import status_for
from apps.messages.corrections import (
    Person,
    corrected,
    newest_of,
    note,
    persons_answer,
    set_answer,
)
from apps.messages.models import Correction, Message
from apps.sources.models import Project


class CannotTakeBack(ValueError):
    """This correction is history; the sentence says why."""


def reclassify(message: Message, *, category: str = "", priority: str = "", by: Person) -> None:
    """A person's answer: kept as one more classification and as a correction, and it wins.

    What is given is locked. Raises WrongTransition for a message that must first be read again.
    """
    answer = {"category": category, "priority": priority}
    with transaction.atomic():
        _hold(message)
        changes = {name: (getattr(message, name), value) for name, value in answer.items() if value}
        note(message, changes, by=by)
        _apply(message, {name: after for name, (_before, after) in changes.items()}, by=by)
        _tell(message, changes, by=by, is_locked=True)


def take_back(correction: Correction, *, by: Person) -> None:
    """What stood before comes back as a correction of the correction, and the field is free again."""
    message = correction.message
    with transaction.atomic():
        _hold(message)
        if correction not in newest_of(message):
            raise CannotTakeBack(_("A later decision stands on this one."))
        if not is_undoable(correction):
            raise CannotTakeBack(_("Nothing stood there before."))
        changes = {correction.field: (correction.after, correction.before)}
        note(message, changes, by=by, is_locked=False)
        if correction.field in ("category", "priority"):
            _apply(message, {correction.field: str(correction.before)}, by=by)
        _tell(message, changes, by=by, is_locked=False)


def is_undoable(correction: Correction) -> bool:
    """Something else stood there. Whether it is an issue follows from the category."""
    if correction.field == Correction.Field.IS_ISSUE or correction.after is None:
        return False
    return correction.before not in (None, "", correction.after)


def unlock(message: Message, field: str, *, by: Person) -> None:
    """Leave the field to the models again; the value stays until one of them answers anew."""
    with transaction.atomic():
        _hold(message)
        if field in message.locked_fields:
            note(message, {field: (getattr(message, field, None), None)}, by=by, is_locked=False)
            Message.announce([message.pk], message.status)


def retry(message: Message, *, by: Person) -> None:
    """Let the pipeline read the message again; raises WrongTransition or LostRace."""
    message.move_to(Message.Status.RECEIVED)


def _hold(message: Message) -> None:
    """Nobody files the message in the meantime: filing takes the same lock of the project."""
    Project.objects.select_for_update(no_key=True).get(pk=message.project_id)
    message.refresh_from_db(from_queryset=Message.objects.select_for_update(no_key=True))


def _apply(message: Message, answer: Mapping[str, str], *, by: Person) -> None:
    target = status_for(answer.get("category") or message.category)
    is_filed_report = (message.status, target) == (Message.Status.FILED, Message.Status.ACTIONABLE)
    if message.status == target or is_filed_report:
        set_answer(message, answer, by=by)
        return
    Message.check_transition(message.status, target)
    message.move_to(target, **persons_answer(message, answer, by=by))


def _tell(
    message: Message, changes: Mapping[str, tuple[Any, Any]], *, by: Person, is_locked: bool
) -> None:
    after = {name: value for name, (_before, value) in changes.items()}
    corrected.send(sender=Message, message=message, changes=after, by=by, is_locked=is_locked)
