"""The LLM's answer about what the local model left open. Without one, the local answer stands."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from apps.messages import llm_cache, memory, ruling
from apps.messages.answers import PERSON, Answer, keep, status_for
from apps.messages.classifiers.llm import LLMClassifier, Word
from apps.messages.context import sample_of
from apps.messages.follow_ups import status_of
from apps.messages.models import Classification, Message, Priority
from apps.sources.models import GlossaryTerm, Project
from tasktracker.lib import llm
from tasktracker.lib.workflow import GiveUp, TryLater, backoff

SURE = 0.75  # below this calibrated confidence the LLM is asked, or a person sees "provisional"
HARDLY = 0.5  # an LLM that says less is guessing
URGENT = (Priority.CRITICAL, Priority.HIGH)
LONGEST_PAUSE = timedelta(minutes=1)  # between two questions to an LLM that does not answer
CERTAIN = ruling.CERTAIN | {memory.NAME}  # whoever said this knows better than an LLM
#: A lease must outlive the slowest question: all models, and the first import of the SDK.
LEASE_BEYOND_TIMEOUT = timedelta(seconds=30)


def sure_from(project: Project) -> float:
    """The confidence from which an answer needs nobody else."""
    return SURE if project.sure_threshold is None else project.sure_threshold


def is_wanted(project: Project, answer: Answer, *, is_sure: bool) -> bool:
    """Whether the project wants an LLM to look after this local answer, and has one."""
    if project.policy == Project.Policy.LOCAL or answer.classifier in CERTAIN:
        return False
    if is_sure and project.policy != Project.Policy.ALWAYS:
        return False
    return llm.is_available(cloud=project.is_cloud_allowed)


def lease() -> timedelta:
    return timedelta(seconds=settings.LLM_TIMEOUT) + LEASE_BEYOND_TIMEOUT


def ask_llm(message: Message) -> None:
    """The second opinion; when no model answers in the grace period, the local answer stands."""
    # A person may have set the priority in the meantime, which is no answer to fall back to.
    local = message.classifications.exclude(classifier=PERSON).order_by("-id").first()
    if local is None:
        raise GiveUp("there is no local answer to fall back to")
    cloud = message.project.is_cloud_allowed
    models = [model.name for model in llm.chain(cloud=cloud)]
    if not models or message.project.policy == Project.Policy.LOCAL:
        _let_local_stand(message, local)
        return
    glossary = glossary_of(message.project)
    key = llm_cache.key_of(LLMClassifier.version, models, glossary)
    started = time.perf_counter()
    answer = llm_cache.earlier_answer(message, key)
    is_cached = answer is not None
    if answer is None:
        if not _is_within_grace(message):
            _let_local_stand(message, local)
            return
        try:
            answer = _ask(message, cloud=cloud, glossary=glossary, key=key)
        except llm.Nonsense:
            _let_local_stand(message, local)
            return
        except llm.Unavailable as error:
            raise TryLater(str(error), delay=_pause(message, error)) from error
    milliseconds = (time.perf_counter() - started) * 1000
    with transaction.atomic():
        answer = ruling.enforce_again(answer, local.raw)
        kept = keep(message, answer, milliseconds, is_cached=is_cached)
        message.decide(status_of(message, kept), kept, is_provisional=_is_for_a_person(local, kept))


def glossary_of(project: Project) -> list[Word]:
    """The project's own words with their meanings, for a prompt."""
    terms = GlossaryTerm.objects.filter(project=project).order_by("kind", "name")
    return [Word(term.name, term.spellings, term.meaning) for term in terms]


def _ask(message: Message, *, cloud: bool, glossary: Sequence[Word], key: str) -> Answer:
    classifier = LLMClassifier(
        partial(llm.ask, cloud=cloud), glossary=glossary, shots=memory.shots(message)
    )
    # A cloud that may read this project may not read the one beside it.
    sample = sample_of(message, is_project_alone=cloud)
    (verdict,) = classifier.classify([sample])
    verdict = replace(verdict, raw={**verdict.raw, "asked": key})
    return Answer(f"{llm_cache.LLM}{verdict.raw['model']}", classifier.version, verdict)


def _let_local_stand(message: Message, local: Classification) -> None:
    message.decide(status_of(message, local), local, is_provisional=True)


def _is_for_a_person(local: Classification, said: Classification) -> bool:
    """The LLM guesses, or stands alone: what a chat may talk it into is neither dropped nor approved by itself.

    Its neighbours' words stand in the prompt too, so a message may be talked down by another one.
    """
    was_report = status_for(local.category) == Message.Status.ACTIONABLE
    is_report = status_for(said.category) == Message.Status.ACTIONABLE
    was_likely = local.priority in URGENT or local.confidence >= HARDLY
    is_dismissed = was_report and was_likely and not is_report
    is_calmed = local.priority == Priority.CRITICAL and said.priority not in URGENT
    is_raised = is_report and not was_report
    return is_dismissed or is_calmed or is_raised or said.confidence < HARDLY


def _pause(message: Message, error: llm.Unavailable) -> timedelta:
    """As long as the circuits rest, never so long that the end of the grace is missed by much."""
    rest = timedelta(seconds=error.retry_after)
    return min(max(backoff(message.attempts), rest), LONGEST_PAUSE)


def _is_within_grace(message: Message) -> bool:
    grace = timedelta(seconds=settings.LLM_GRACE)
    return Message.objects.filter(pk=message.pk, status_changed_at__gt=Now() - grace).exists()
