"""The LLM's earlier answer about the same or a near-identical message: not worth asking again."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now
from pgvector.django import CosineDistance
from rapidfuzz import fuzz

from apps.messages.answers import PERSON, SAID_PRIORITY, Answer
from apps.messages.classifiers.base import Verdict
from apps.messages.models import Classification, Embedding, Message
from tasktracker.lib import embeddings
from tasktracker.lib.text import normal_form

LLM = "llm:"  # how the names of its answers begin
MAX_AGE = timedelta(days=30)
#: Fewer words mean what the conversation makes of them: "у мене теж", "done, pls check".
MIN_WORDS = 5
#: Of 244,650 pairs of the training corpus' single messages none but "sorry wrong chat" twice is nearer than
#: 0.55; of messages with one typo 95 in 100 are nearer than 0.86. So is a message that lost its "не", and one
#: that lost a word: the vectors only find candidates, `is_same_wording` has the last word.
NEAR = 0.86
CANDIDATES = 5
COMPARED = 5000  # newest answers whose vectors are compared; bounds the work on a busy project
TYPO = 75  # rapidfuzz ratio from which two words are one with a typo


def key_of(version: str, models: Sequence[str], words: Sequence[object]) -> str:
    """What else the answer depends on: the prompt, the chain of models, the project's glossary."""
    asked = json.dumps([version, list(models), list(words)], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


def earlier_answer(message: Message, key: str) -> Answer | None:
    """The answer that holds for this message as well; what a person made of it counts more."""
    if len(normal_form(message.text).split()) < MIN_WORDS:
        return None
    answers = _answers_like(message, key)
    found = answers.filter(message__text_hash=message.text_hash).order_by("-pk").first()
    found = found or _nearest(message, answers)
    return None if found is None else _for_this(message, found)


def is_same_wording(one: str, other: str) -> bool:
    """The same words but for their order and typos; numbers, names and negations must not differ."""
    words, others = Counter(normal_form(one).split()), Counter(normal_form(other).split())
    left, right = sorted((words - others).elements()), sorted((others - words).elements())
    return len(left) == len(right) and all(
        any(_is_typo(word, candidate) for candidate in right) for word in left
    )


def _is_typo(word: str, other: str) -> bool:
    is_long = min(len(word), len(other)) >= 4 and (word + other).isalpha()
    return is_long and fuzz.ratio(word, other) >= TYPO


def _answers_like(message: Message, key: str) -> "QuerySet[Classification]":
    answers = Classification.objects.filter(
        classifier__startswith=LLM,
        is_cached=False,
        raw__asked=key,
        created_at__gt=Now() - MAX_AGE,
        message__project=message.project_id,
    ).exclude(message=message.pk)  # who reads a message again wants to ask again
    if message.reply_to is None:
        answers = answers.filter(message__reply_to=None, message__reply_to_external_id="")
        return answers if not message.reply_to_external_id else answers.none()
    return answers.filter(message__reply_to__text_hash=message.reply_to.text_hash)


def _nearest(message: Message, answers: "QuerySet[Classification]") -> Classification | None:
    model = embeddings.model_name()
    own = Embedding.objects.filter(message=message.pk, model=model).first()
    if own is None:
        return None
    newest = answers.order_by("-created_at").values("pk")[:COMPARED]
    near = (
        Classification.objects.filter(pk__in=newest, message__embeddings__model=model)
        .annotate(distance=CosineDistance("message__embeddings__vector", own.vector))
        .filter(distance__lte=1 - NEAR)
        .order_by("distance", "-pk")
        .select_related("message")
    )
    same = (one for one in near[:CANDIDATES] if is_same_wording(message.text, one.message.text))
    return next(same, None)


def _for_this(message: Message, found: Classification) -> Answer:
    correction = (
        Classification.objects.filter(message=found.message_id, classifier=PERSON)
        .order_by("-pk")
        .first()
    )
    decided = correction or found
    verdict = Verdict(
        category=decided.category,
        priority=decided.raw.get(SAID_PRIORITY, decided.priority),
        confidence=decided.confidence,
        entities={
            kind: [one for one in strings if one in message.text]
            for kind, strings in found.entities.items()
        },
        raw={
            "model": found.raw.get("model", ""),
            "asked": found.raw["asked"],
            "cached_from": found.pk,
            "corrected": correction is not None,
        },
    )
    return Answer(found.classifier, found.version, verdict)
