"""What people decide about messages."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from apps.messages.answers import PERSON, status_for
from apps.messages.corrections import (
    BEFORE,
    DECIDED,
    Person,
    corrected,
    newest_of,
    note,
    persons_answer,
    set_answer,
)
from apps.messages.models import Correction, Message
from apps.messages.second_opinion import sure_from
from apps.sources.models import Project
from tasktracker.lib.workflow import WrongTransition


class CannotTakeBack(ValueError):
    """This correction is history; the sentence says why."""


def reclassify(message: Message, *, category: str = "", priority: str = "", by: Person) -> bool:
    """A person's answer: kept as one more classification and as a correction, and it wins.

    What it changes is locked, and a category that no model was sure of; False when that is nothing.
    Raises WrongTransition for a message that must first be read again.
    """
    answer = {"category": category, "priority": priority}
    with transaction.atomic():
        _hold(message)
        changes = {
            name: (getattr(message, name), value)
            for name, value in answer.items()
            if value and (value != getattr(message, name) or _is_open(message, name))
        }
        if not changes:
            return False
        note(message, changes, by=by)
        _apply(message, {name: after for name, (_before, after) in changes.items()}, by=by)
        _tell(message, changes, by=by, is_locked=True)
    return True


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
            decided = _decided_before(message, correction)
            _apply(message, {correction.field: str(correction.before)}, by=by)
            _hand_back(message, decided)
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
    if message.status == Message.Status.HELD:
        raise WrongTransition("nobody has said yes to its chat")
    message.move_to(Message.Status.RECEIVED)


def _hold(message: Message) -> None:
    """Nobody files the message in the meantime: filing takes the same lock of the project."""
    Project.objects.select_for_update(no_key=True).get(pk=message.project_id)
    message.refresh_from_db(from_queryset=Message.objects.select_for_update(no_key=True))


def _is_open(message: Message, field: str) -> bool:
    """Whether saying the same decides something: nobody was sure of the category yet."""
    is_unsure = message.is_provisional or message.status == Message.Status.UNSURE
    return field == Correction.Field.CATEGORY and is_unsure


def _decided_before(message: Message, correction: Correction) -> dict[str, Any]:
    """Whose category stands again when this correction is taken back; empty for a person's own."""
    if correction.field == Correction.Field.PRIORITY:
        return {}
    answers = message.classifications.order_by("-pk")
    taken_back = answers.filter(classifier=PERSON, category=correction.after)
    own = taken_back.filter(raw__has_key=BEFORE).first()
    if own is not None:
        return {name: own.raw[BEFORE][name] for name in DECIDED}
    # Corrected by an earlier release, which did not keep it.
    machine = answers.exclude(classifier=PERSON).filter(category=correction.before).first()
    if machine is None:
        return {}
    return {
        "confidence": machine.confidence,
        "decided_by": machine.classifier,
        "is_provisional": machine.confidence < sure_from(message.project),
    }


def _hand_back(message: Message, decided: Mapping[str, Any]) -> None:
    """Show who decides now, and not the person who no longer does."""
    if decided:
        Message.objects.filter(pk=message.pk).update(**decided)
        for name, value in decided.items():
            setattr(message, name, value)
        Message.announce([message.pk], message.status)


def _apply(message: Message, answer: Mapping[str, str], *, by: Person) -> None:
    if "category" not in answer:
        set_answer(message, answer, by=by)
        return
    target = status_for(answer["category"])
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
