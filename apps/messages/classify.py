"""Decide what messages are: rules, then the local model, then an LLM for what stays open."""

import time
from collections.abc import Sequence

from django.db import transaction
from django.db.models import prefetch_related_objects

from apps.messages import ruling, second_opinion, versions
from apps.messages.answers import Answer, keep
from apps.messages.classifiers.base import Sample
from apps.messages.context import sample_of, with_vector
from apps.messages.follow_ups import status_alone, status_of, status_without_words
from apps.messages.memory import Memory
from apps.messages.models import ACTIONABLE_CATEGORIES, Message
from tasktracker.lib import embeddings

WITHOUT_WORDS = "no words"  # who decided, when there was nothing to decide about


def classify(messages: Sequence[Message]) -> None:
    """Give each received message its category, and leave to the LLM what stays open."""
    messages = Message.in_order(messages)
    prefetch_related_objects(messages, "project", "chat", "reply_to")
    _join(messages)
    versions.pick_up()
    memory = Memory.of(messages)
    rulings = ruling.Rulings()
    for message in messages:
        if not message.text.strip():
            _leave(message)
            continue
        started = time.perf_counter()
        ruled = rulings.of(message)
        answer = _ruled_answer(ruled, message, memory) or _understand(message, memory)
        _settle(message, ruled.enforce(answer), (time.perf_counter() - started) * 1000)


def warm_up() -> None:
    """Load what the first message would wait for: the embedding model and the classifier."""
    (vector,) = embeddings.embed(["розігрів / warm-up"])
    local_answer(Sample(text="розігрів / warm-up", vector=vector))


def local_answer(sample: Sample) -> Answer:
    """What is certain without a model, else the local model's answer."""
    return ruling.certain_answer(sample) or versions.local_answer(sample)


def quick_answer(sample: Sample) -> Answer | None:
    """What needs no vector: pleasantries, and what is chatter for certain."""
    return ruling.certain_answer(sample) or versions.quick_answer(sample)


def _join(messages: Sequence[Message]) -> None:
    """An answer sees what was decided about its question a moment ago, in the same chunk."""
    by_id = {message.pk: message for message in messages}
    for message in messages:
        if message.reply_to_id in by_id:
            message.reply_to = by_id[message.reply_to_id]


def _ruled_answer(ruled: ruling.Ruling, message: Message, memory: Memory) -> Answer | None:
    """The rules' answer; a person's correction of an alert holds for its repeats."""
    answer = ruled.answer
    if answer is not None and answer.classifier == ruling.ALERTS and ruled.alert is not None:
        return memory.answer_about_alert(message, ruled.alert) or answer
    return answer


def _understand(message: Message, memory: Memory) -> Answer:
    """Chatter is told by cheap signs; only what may be more pays for a vector."""
    sample = sample_of(message)
    if not memory.is_taught(message.project_id):
        quick = quick_answer(sample)
        if quick is not None:
            return quick
    if message.text.strip():
        sample = with_vector(message, sample)
    return memory.answer(message, sample) or local_answer(sample)


def _leave(message: Message) -> None:
    """A picture or a voice without words is kept and judged by nobody; it may add to a report."""
    if "category" in message.locked_fields:
        message.move_to(status_alone(message))
    else:
        message.move_to(status_without_words(message), decided_by=WITHOUT_WORDS)


def _settle(message: Message, answer: Answer, milliseconds: float) -> None:
    verdict = answer.verdict
    is_sure = verdict.confidence >= second_opinion.sure_from(message.project)
    # A critical report that is taken for chatter must not pass unseen.
    is_sure = is_sure and not (
        verdict.is_alarming and verdict.category not in ACTIONABLE_CATEGORIES
    )
    with transaction.atomic():
        kept = keep(message, answer, milliseconds)
        if second_opinion.is_wanted(message.project, answer, is_sure=is_sure):
            message.decide(Message.Status.UNSURE, kept, is_provisional=True)
        else:
            message.decide(status_of(message, kept), kept, is_provisional=not is_sure)
