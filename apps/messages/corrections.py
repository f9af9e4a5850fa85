"""What people set right: a row for the history, and a lock that no model or rule opens."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet
from django.dispatch import Signal

from apps.messages.answers import PERSON
from apps.messages.models import Classification, Correction, Message, Priority

#: In `raw` of a person's answer: who had decided before it, for taking it back.
BEFORE = "before"
DECIDED = ("confidence", "decided_by", "is_provisional")

Person = AbstractBaseUser | AnonymousUser

#: Sent inside the transaction with `message`, `changes`, `by` and `is_locked`: whoever made something
#: of this message follows.
corrected = Signal()


def note(
    message: Message, changes: Mapping[str, tuple[Any, Any]], *, by: Person, is_locked: bool = True
) -> None:
    """Write down before and after of each field, and lock or unlock them on the message."""
    Correction.objects.bulk_create(
        Correction(message=message, field=field, before=before, after=after, user_id=by.pk)
        for field, (before, after) in changes.items()
        if not is_locked or before != after or field not in message.locked_fields
    )
    fields = set(changes) - {Correction.Field.IS_ISSUE}
    locked = set(message.locked_fields)
    keep_locks(message, locked | fields if is_locked else locked - fields)


def set_answer(message: Message, answer: Mapping[str, str], *, by: Person) -> None:
    """A person's answer on the row itself; the status stays."""
    fields = persons_answer(message, answer, by=by)
    Message.objects.filter(pk=message.pk).update(**fields)
    for name, value in fields.items():
        setattr(message, name, value)
    Message.announce([message.pk], message.status)


def persons_answer(message: Message, answer: Mapping[str, str], *, by: Person) -> dict[str, Any]:
    """Kept like a classifier's; what the message's row takes from it.

    A priority alone leaves it to the models what the message is, and to say how sure they are.
    """
    is_category_set = "category" in answer
    kept = Classification.objects.create(
        message=message,
        classifier=PERSON,
        version=str(by.pk),
        category=answer.get("category") or message.category,
        priority=answer.get("priority") or message.priority or Priority.LOW,
        confidence=1.0,
        raw={BEFORE: {name: getattr(message, name) for name in DECIDED}} if is_category_set else {},
    )
    if not is_category_set:
        return {"priority": kept.priority}
    return {
        "category": kept.category,
        "priority": kept.priority,
        "confidence": kept.confidence,
        "decided_by": kept.classifier,
        "is_provisional": False,
    }


def keep_locks(message: Message, fields: Iterable[str]) -> None:
    locked = sorted(fields)
    if locked != message.locked_fields:
        Message.objects.filter(pk=message.pk).update(locked_fields=locked)
        message.locked_fields = locked


def newest_of(message: Message) -> "QuerySet[Correction]":
    """The last correction of each field: the ones that can be taken back."""
    last = message.corrections.order_by("field", "-pk").distinct("field").values("pk")
    return message.corrections.filter(pk__in=last)
