"""After a change of the embedding model: every message gets its new vector, reports first."""

import pytest
from django.core.management import CommandError, call_command

from apps.messages.models import Embedding, Message
from apps.messages.reembed import embed_all, missing
from tasktracker.lib import embeddings

pytestmark = pytest.mark.django_db


def vectors_of(message: Message) -> list[str]:
    return sorted(message.embeddings.values_list("model", flat=True))


def test_what_has_only_an_older_vector_is_embedded_again(make_message):
    message = make_message("Прод лежить")
    Embedding.objects.create(message=message, model="older", vector=[0.0, 1.0])

    call_command("embed_messages", quiet=True)

    assert vectors_of(message) == sorted(["older", embeddings.model_name()])


def test_older_vectors_go_only_when_it_is_asked_for(make_message):
    message = make_message("Прод лежить")
    Embedding.objects.create(message=message, model="older", vector=[0.0, 1.0])

    call_command("embed_messages", quiet=True, prune=True)

    assert vectors_of(message) == [embeddings.model_name()]


def test_reports_are_embedded_before_chatter(make_message, monkeypatch):
    report = make_message("Прод лежить", category="bug")
    for number in range(3):
        make_message(f"обід о {number}", category="info")

    steps = embed_all()

    assert next(steps) == 1
    assert vectors_of(report)
    assert missing().count() == 3


def test_a_message_without_words_needs_no_vector(make_message):
    make_message("")

    assert not missing().exists()


def test_a_backend_that_fails_says_how_far_it_came(make_message, monkeypatch):
    make_message("Прод лежить")

    def fail(texts):
        raise embeddings.Unavailable("no vectors today")

    monkeypatch.setattr(embeddings, "embed_raw", fail)

    with pytest.raises(CommandError, match="0 messages: no vectors today"):
        call_command("embed_messages", quiet=True)
