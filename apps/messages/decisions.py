"""What people decide about messages."""

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction

from apps.messages.models import ACTIONABLE_CATEGORIES, Classification, Message
from tasktracker.lib.workflow import WrongTransition

PERSON = "person"


def reclassify(
    message: Message, *, category: str, priority: str, by: AbstractBaseUser | AnonymousUser
) -> None:
    """A person's answer: kept as one more classification, and it wins.

    Raises WrongTransition for a message that is at work or already evidence of an issue.
    """
    target = (
        Message.Status.ACTIONABLE if category in ACTIONABLE_CATEGORIES else Message.Status.NOISE
    )
    with transaction.atomic():
        answer = Classification.objects.create(
            message=message,
            classifier=PERSON,
            version=str(by.pk),
            category=category,
            priority=priority,
            confidence=1.0,
        )
        if message.status == target:
            _correct_in_place(message, answer)
        elif message.status == Message.Status.FILED:
            raise WrongTransition("the message is evidence of an issue")
        else:
            message.decide(target, answer, is_provisional=False)


def retry(message: Message, *, by: AbstractBaseUser | AnonymousUser) -> None:
    """Let the pipeline read the message again; raises WrongTransition or LostRace."""
    message.move_to(Message.Status.RECEIVED)


def _correct_in_place(message: Message, answer: Classification) -> None:
    Message.objects.filter(pk=message.pk).update(
        category=answer.category,
        priority=answer.priority,
        confidence=answer.confidence,
        decided_by=answer.classifier,
        is_provisional=False,
    )
    Message.announce([message.pk], message.status)
