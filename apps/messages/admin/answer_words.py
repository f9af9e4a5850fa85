"""The answers about a message, in rows for its page: who said it, after what, and which one stands."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils.translation import gettext as _

from apps.messages.answers import PERSON
from apps.messages.memory import source_of, sources_of
from apps.messages.models import Classification, Message
from apps.sources.admin.display import in_words
from apps.sources.admin.scope import page_of
from tasktracker.lib.text import shorten


def answerer(classifier: str) -> str:
    return _("by hand") if classifier == PERSON else in_words(classifier)


def answers_told(
    message: Message, reader: AbstractBaseUser | AnonymousUser
) -> list[dict[str, Any]]:
    """In the order in which they came."""
    answers = list(message.classifications.all())
    people = _people(answers)
    sources = sources_of(answers, reader)
    standing = _standing(message, answers)
    return [
        {
            "row": answer,
            "who": answerer(answer.classifier),
            "version": people.get(answer.version, "")
            if answer.classifier == PERSON
            else answer.version,
            "source": _source(sources.get(source_of(answer))),
            "stands": answer is standing,
        }
        for answer in answers
    ]


def _standing(message: Message, answers: Sequence[Classification]) -> Classification | None:
    """The answer that decides what the message is now."""
    for answer in reversed(answers):
        if (answer.classifier, answer.category) == (message.decided_by, message.category):
            return answer
    return None


def _people(answers: Sequence[Classification]) -> dict[str, str]:
    """Names of those who answered; the version of a person's answer is who it was."""
    ids = {answer.version for answer in answers if answer.classifier == PERSON}
    users = get_user_model().objects.filter(pk__in=[pk for pk in ids if pk.isdecimal()])
    return {str(user.pk): str(user) for user in users}


def _source(message: Message | None) -> dict[str, str] | None:
    """A corrected message that this answer was taken from, for a link to it."""
    if message is None:
        return None
    return {"address": page_of(message), "text": f"#{message.pk} {shorten(message.text, 80)}"}
