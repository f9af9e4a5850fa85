"""A message with its conversation, as classifiers see it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from django.db.models import QuerySet

from apps.messages.classifiers.base import Sample, Vector
from apps.messages.classifiers.conversation import (
    RECENT,
    Turn,
    change_neighbours,
    in_conversation,
    reported_in,
)
from apps.messages.models import Embedding, Message, vectors_of
from tasktracker.lib import embeddings, vector_cache

logger = logging.getLogger(__name__)


def embed_missing(messages: Sequence[Message]) -> dict[int, Vector]:
    """Vectors by message id; those that are not stored yet are made in one call and stored."""
    model = embeddings.model_name()
    vectors = vectors_of([message.pk for message in messages], model)
    missing = [message for message in messages if message.pk not in vectors]
    by_text = _vectors_of_texts(missing, model)
    Embedding.objects.bulk_create(
        [
            Embedding(message=message, model=model, vector=by_text[message.text])
            for message in missing
        ],
        ignore_conflicts=True,
    )
    return vectors | {message.pk: by_text[message.text] for message in missing}


def _vectors_of_texts(messages: Sequence[Message], model: str) -> dict[str, Vector]:
    """No text is embedded twice: Valkey knows the last ones, PostgreSQL all, the model the rest."""
    texts = {message.text: message for message in messages}
    remembered = vector_cache.recall(model, texts)
    stored = {}
    for text in texts.keys() - remembered.keys():
        vector = _stored_vector(texts[text], model)
        if vector is not None:
            stored[text] = vector
    rest = [text for text in texts if text not in remembered and text not in stored]
    made = dict(zip(rest, embeddings.embed(rest), strict=True))
    if texts:
        vector_cache.keep(model, stored | made)
        vector_cache.count(valkey=len(remembered), postgresql=len(stored), model=len(made))
    return remembered | stored | made


def _stored_vector(message: Message, model: str) -> Vector | None:
    """The vector of another message of the project with exactly this text."""
    if not message.text_hash:
        return None
    same = Embedding.objects.filter(
        model=model,
        message__project=message.project_id,
        message__text_hash=message.text_hash,
        message__text=message.text,
    )
    vector = same.values_list("vector", flat=True).first()
    return None if vector is None else np.asarray(vector, np.float32)


def vectors_at_hand(messages: Sequence[Message]) -> dict[int, Vector]:
    """As `embed_missing`; without a backend only the stored ones, and nothing waits for it.

    Whoever lacks a vector is read by words alone; `manage.py embed_messages` makes it later.
    """
    try:
        return embed_missing(messages)
    except embeddings.Unavailable as error:
        logger.warning("%d messages stay without a vector: %s", len(messages), error)
        return vectors_of([message.pk for message in messages], embeddings.model_name())


def sample_of(
    message: Message, vectors: Mapping[int, Vector] | None = None, *, is_project_alone: bool = False
) -> Sample:
    """The message with its conversation, and with its own vector when that is among `vectors`.

    A rule may have routed other messages of the chat to another project; `is_project_alone` leaves
    these out.
    """
    before, replied_to = _before(message), message.reply_to
    if is_project_alone:
        before = before.filter(project=message.project_id)
        if replied_to is not None and replied_to.project_id != message.project_id:
            replied_to = None
    sample = Sample(
        text=message.text,
        vector=(vectors or {}).get(message.pk),
        sent_at=message.sent_at,
        is_reply=bool(message.reply_to_external_id),
        is_forward=bool(message.forwarded_from),
        author=message.author,
        is_from_bot=message.is_from_bot,
    )
    return in_conversation(
        sample,
        _turn(message),
        replied_to=None if replied_to is None else _turn(replied_to),
        recent=[_turn(other) for other in before[:RECENT]],
    )


def with_vector(message: Message, sample: Sample) -> Sample:
    """The sample as a full classification needs it: its vector, and those of the reports around it.

    Chatter has no vectors, and none is made for it.
    """
    own = vectors_at_hand([message]).get(message.pk)
    near = [other for other in (sample.replied_to, reported_in(sample)) if other is not None]
    known = vectors_of([other.number for other in near], embeddings.model_name())
    return change_neighbours(
        replace(sample, vector=own),
        lambda other: replace(other, vector=known.get(other.number)),
    )


def _before(message: Message) -> QuerySet[Message]:
    """The chat's last messages, newest first."""
    return (
        Message.shown()
        .filter(
            chat_id=message.chat_id,
            topic=message.topic,
            sent_at__lte=message.sent_at,
            is_superseded=False,
            pk__lt=message.pk,
        )
        .exclude(external_id=message.external_id)
        .exclude(text="")
        .only("text", "author_id", "sent_at", "category")
        .order_by("-sent_at", "-pk")
    )


def _turn(message: Message) -> Turn:
    return Turn(
        text=message.text,
        author_id=message.author_id,
        sent_at=message.sent_at,
        category=message.category or None,
        number=message.pk,
    )
