"""A message with its conversation, as classifiers see it."""

from collections.abc import Sequence
from datetime import timedelta

from apps.messages.classifiers.base import Neighbour, Sample, Vector
from apps.messages.models import Embedding, Message, vectors_of
from tasktracker.lib import embeddings

CONTEXT_WINDOW = timedelta(minutes=30)


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
        author=message.author,
        is_from_bot=message.is_from_bot,
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
        author=other.author,
    )
