"""Decide what messages are: rules, then the local model, then an LLM for what stays open."""

import time
from collections.abc import Sequence
from datetime import timedelta
from functools import lru_cache, partial

from django.conf import settings
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.db.models.functions import Now

from apps.messages.classifiers.base import Neighbour, Sample, Vector, Verdict
from apps.messages.classifiers.llm import LLMClassifier
from apps.messages.classifiers.local import LocalClassifier
from apps.messages.classifiers.rules import RulesClassifier
from apps.messages.models import (
    ACTIONABLE_CATEGORIES,
    Classification,
    Embedding,
    Message,
    vectors_of,
)
from apps.sources.models import Project
from tasktracker.lib import embeddings, llm
from tasktracker.lib.workflow import GiveUp, TryLater, backoff

SURE = 0.75  # below this calibrated confidence the LLM is asked, or a person sees "provisional"
LONGEST_PAUSE = timedelta(minutes=1)  # between two questions to an LLM that does not answer
CONTEXT_WINDOW = timedelta(minutes=30)


def classify(messages: Sequence[Message]) -> None:
    """Give each received message its category, and leave to the LLM what stays open."""
    messages = Message.in_order(messages)
    prefetch_related_objects(messages, "project", "reply_to")
    vectors = embed_missing([message for message in messages if message.text.strip()])
    for message in messages:
        sample = sample_of(message, vectors)
        started = time.perf_counter()
        name, version, verdict = local_answer(sample)
        milliseconds = (time.perf_counter() - started) * 1000
        _settle(message, name, version, verdict, milliseconds)


def ask_llm(message: Message) -> None:
    """The second opinion; when no model answers in the grace period, the local answer stands."""
    local = message.classifications.order_by("-id").first()
    if local is None:
        raise GiveUp("there is no local answer to fall back to")
    cloud = message.project.is_cloud_allowed
    if not llm.is_available(cloud=cloud) or not _is_within_grace(message):
        message.decide(_status_for(local.category), local, is_provisional=True)
        return
    classifier = LLMClassifier(partial(llm.ask, cloud=cloud))
    started = time.perf_counter()
    try:
        (verdict,) = classifier.classify([sample_of(message, {})])
    except llm.Unavailable as error:
        pause = min(backoff(message.attempts), LONGEST_PAUSE)
        raise TryLater(str(error), delay=pause) from error
    milliseconds = (time.perf_counter() - started) * 1000
    with transaction.atomic():
        name = f"{classifier.name}:{verdict.raw.get('model', '')}"[:60]
        answer = _keep(message, name, classifier.version, verdict, milliseconds)
        message.decide(_status_for(answer.category), answer, is_provisional=False)


def warm_up() -> None:
    """Load what the first message would wait for: the embedding model and the classifier."""
    (vector,) = embeddings.embed(["розігрів / warm-up"])
    local_answer(Sample(text="розігрів / warm-up", vector=vector))


def embed_missing(messages: Sequence[Message]) -> dict[int, Vector]:
    """Vectors by message id; those that are not stored yet are made in one call and stored."""
    model = embeddings.model_name()
    vectors = vectors_of([message.pk for message in messages], model)
    missing = [message for message in messages if message.pk not in vectors]
    made = embeddings.embed([message.text for message in missing])
    Embedding.objects.bulk_create(
        [
            Embedding(message=message, model=model, vector=vector)
            for message, vector in zip(missing, made, strict=True)
        ],
        ignore_conflicts=True,
    )
    return vectors | {message.pk: vector for message, vector in zip(missing, made, strict=True)}


def sample_of(message: Message, vectors: dict[int, Vector]) -> Sample:
    """The message with its conversation, as classifiers see it."""
    previous = (
        Message.objects.filter(
            chat_id=message.chat_id,
            topic=message.topic,
            sent_at__lte=message.sent_at,
            sent_at__gte=message.sent_at - CONTEXT_WINDOW,
            is_superseded=False,
        )
        .exclude(external_id=message.external_id)
        .filter(pk__lt=message.pk)
        .order_by("-sent_at", "-pk")
        .first()
    )
    return Sample(
        text=message.text,
        vector=vectors.get(message.pk),
        sent_at=message.sent_at,
        replied_to=_neighbour(message, message.reply_to, vectors),
        previous=_neighbour(message, previous, vectors),
        is_reply=bool(message.reply_to_external_id),
        is_forward=bool(message.forwarded_from),
    )


def _neighbour(
    message: Message, other: Message | None, vectors: dict[int, Vector]
) -> Neighbour | None:
    if other is None:
        return None
    if other.pk not in vectors:
        vectors.update(vectors_of([other.pk], embeddings.model_name()))
    return Neighbour(
        text=other.text,
        vector=vectors.get(other.pk),
        category=other.category or None,
        is_same_author=bool(other.author_id) and other.author_id == message.author_id,
        seconds_before=max(0.0, (message.sent_at - other.sent_at).total_seconds()),
    )


@lru_cache(maxsize=1)
def local_classifier() -> LocalClassifier:
    """Loaded once per process, on first use."""
    return LocalClassifier(embedding_model=embeddings.model_name())


def local_answer(sample: Sample) -> tuple[str, str, Verdict]:
    """Name, version and answer of the first local classifier that is certain enough to speak."""
    rules = RulesClassifier()
    (verdict,) = rules.classify([sample])
    if verdict is not None:
        return rules.name, rules.version, verdict
    local = local_classifier()
    (verdict,) = local.classify([sample])
    assert verdict is not None  # the local model always answers
    return local.name, local.version, verdict


def _settle(
    message: Message, name: str, version: str, verdict: Verdict, milliseconds: float
) -> None:
    project = message.project
    is_sure = verdict.confidence >= SURE
    with transaction.atomic():
        answer = _keep(message, name, version, verdict, milliseconds)
        if _wants_llm(project, name, is_sure):
            message.decide(Message.Status.UNSURE, answer, is_provisional=True)
        else:
            message.decide(_status_for(answer.category), answer, is_provisional=not is_sure)


def _wants_llm(project: Project, classifier: str, is_sure: bool) -> bool:
    if project.policy == Project.Policy.LOCAL or classifier == RulesClassifier.name:
        return False
    if is_sure and project.policy != Project.Policy.ALWAYS:
        return False
    return llm.is_available(cloud=project.is_cloud_allowed)


def _keep(
    message: Message, name: str, version: str, verdict: Verdict, milliseconds: float
) -> Classification:
    return Classification.objects.create(
        message=message,
        classifier=name,
        version=version,
        category=verdict.category,
        priority=verdict.priority,
        confidence=min(1.0, max(0.0, verdict.confidence)),
        scores=verdict.scores,
        entities=verdict.entities,
        raw=verdict.raw,
        latency_ms=milliseconds,
        tokens=int(verdict.raw.get("tokens", 0)),
    )


def _status_for(category: str) -> str:
    if category in ACTIONABLE_CATEGORIES:
        return Message.Status.ACTIONABLE
    return Message.Status.NOISE


def _is_within_grace(message: Message) -> bool:
    grace = timedelta(seconds=settings.LLM_GRACE)
    return Message.objects.filter(pk=message.pk, status_changed_at__gt=Now() - grace).exists()
