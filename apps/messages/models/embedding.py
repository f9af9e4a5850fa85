"""Messages' vectors."""

from collections.abc import Iterable

import numpy as np
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from pgvector.django import VectorField

from apps.messages.classifiers.base import Vector
from apps.messages.models.message import Message


class Embedding(models.Model):
    """A message's vector by one model; vectors of different models are never compared."""

    message = models.ForeignKey(
        Message, models.CASCADE, verbose_name=_("message"), related_name="embeddings"
    )
    model = models.CharField(_("model"), max_length=100)
    vector = VectorField(_("vector"))  # as long as its model makes them
    created_at = models.DateTimeField(_("created at"), db_default=Now())

    class Meta:
        verbose_name = _("embedding")
        verbose_name_plural = _("embeddings")
        constraints = [
            models.UniqueConstraint(fields=["message", "model"], name="one_embedding_per_model")
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.message_id}"


_VECTOR_HEAD = 4  # bytes before the numbers: how many there are, and nothing


def vectors_of(message_ids: Iterable[int], model: str) -> dict[int, Vector]:
    """Stored vectors by message id, float32 arrays of shape (384,)."""
    rows = Embedding.objects.filter(message_id__in=list(message_ids), model=model)
    # As bytes: reading 200 vectors that are written out in digits takes longer than judging them.
    sent = models.Func("vector", function="vector_send", output_field=models.BinaryField())
    return {
        message_id: vector
        for message_id, content in rows.values_list("message_id", sent)
        if (vector := read_vector(content)) is not None
    }


def read_vector(content: bytes | None) -> Vector | None:
    """What PostgreSQL's `vector_send` gives."""
    if content is None:
        return None
    return np.frombuffer(content, ">f4", offset=_VECTOR_HEAD).astype(np.float32)
