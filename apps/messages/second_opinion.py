"""The LLM's answer about what the local model left open. Without one, the local answer stands."""

import time
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from apps.messages.answers import Answer, keep, status_for
from apps.messages.classifiers.llm import LLMClassifier
from apps.messages.classifiers.rules import RulesClassifier
from apps.messages.context import sample_of
from apps.messages.models import Message
from apps.sources.models import Project
from tasktracker.lib import llm
from tasktracker.lib.workflow import GiveUp, TryLater, backoff

SURE = 0.75  # below this calibrated confidence the LLM is asked, or a person sees "provisional"
LONGEST_PAUSE = timedelta(minutes=1)  # between two questions to an LLM that does not answer


def sure_from(project: Project) -> float:
    """The confidence from which an answer needs nobody else."""
    return SURE if project.sure_threshold is None else project.sure_threshold


def is_wanted(project: Project, answer: Answer, *, is_sure: bool) -> bool:
    """Whether the project wants an LLM to look after this local answer, and has one."""
    if project.policy == Project.Policy.LOCAL or answer.classifier == RulesClassifier.name:
        return False
    if is_sure and project.policy != Project.Policy.ALWAYS:
        return False
    return llm.is_available(cloud=project.is_cloud_allowed)


def ask_llm(message: Message) -> None:
    """The second opinion; when no model answers in the grace period, the local answer stands."""
    local = message.classifications.order_by("-id").first()
    if local is None:
        raise GiveUp("there is no local answer to fall back to")
    cloud = message.project.is_cloud_allowed
    if not llm.is_available(cloud=cloud) or not _is_within_grace(message):
        message.decide(status_for(local.category), local, is_provisional=True)
        return
    classifier = LLMClassifier(partial(llm.ask, cloud=cloud))
    started = time.perf_counter()
    try:
        (verdict,) = classifier.classify([sample_of(message, {})])
    except llm.Unavailable as error:
        pause = min(backoff(message.attempts), LONGEST_PAUSE)
        raise TryLater(str(error), delay=pause) from error
    milliseconds = (time.perf_counter() - started) * 1000
    answer = Answer(
        f"{classifier.name}:{verdict.raw.get('model', '')}", classifier.version, verdict
    )
    with transaction.atomic():
        kept = keep(message, answer, milliseconds)
        message.decide(status_for(kept.category), kept, is_provisional=False)


def _is_within_grace(message: Message) -> bool:
    grace = timedelta(seconds=settings.LLM_GRACE)
    return Message.objects.filter(pk=message.pk, status_changed_at__gt=Now() - grace).exists()
