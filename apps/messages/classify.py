"""Decide what messages are: rules, then the local model, then an LLM for what stays open."""

import time
from collections.abc import Sequence

from django.db import transaction
from django.db.models import prefetch_related_objects

from apps.messages import ruling, second_opinion, versions
from apps.messages.answers import Answer, keep, status_for
from apps.messages.classifiers.base import Sample
from apps.messages.context import embed_missing, sample_of
from apps.messages.memory import Memory
from apps.messages.models import Message
from tasktracker.lib import embeddings


def classify(messages: Sequence[Message]) -> None:
    """Give each received message its category, and leave to the LLM what stays open."""
    messages = Message.in_order(messages)
    prefetch_related_objects(messages, "project", "chat", "reply_to")
    vectors = embed_missing([message for message in messages if message.text.strip()])
    memory = Memory.of(messages)
    rulings = ruling.Rulings()
    for message in messages:
        sample = sample_of(message, vectors)
        started = time.perf_counter()
        ruled = rulings.of(message)
        answer = ruled.answer or memory.answer(message, sample) or local_answer(sample)
        _settle(message, ruled.enforce(answer), (time.perf_counter() - started) * 1000)


def warm_up() -> None:
    """Load what the first message would wait for: the embedding model and the classifier."""
    (vector,) = embeddings.embed(["розігрів / warm-up"])
    local_answer(Sample(text="розігрів / warm-up", vector=vector))


def local_answer(sample: Sample) -> Answer:
    """What is certain without a model, else the local model's answer."""
    return ruling.certain_answer(sample) or versions.local_answer(sample)


def _settle(message: Message, answer: Answer, milliseconds: float) -> None:
    is_sure = answer.verdict.confidence >= second_opinion.sure_from(message.project)
    with transaction.atomic():
        kept = keep(message, answer, milliseconds)
        if second_opinion.is_wanted(message.project, answer, is_sure=is_sure):
            message.decide(Message.Status.UNSURE, kept, is_provisional=True)
        else:
            message.decide(status_for(kept.category), kept, is_provisional=not is_sure)
