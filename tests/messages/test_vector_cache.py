"""No text is embedded twice; without Valkey only the time changes."""

import logging

import numpy as np
import pytest

from apps.messages.context import embed_missing
from apps.messages.models import Embedding
from tasktracker.lib import embeddings, vector_cache

pytestmark = pytest.mark.django_db

REPORT = "Не відкривається кошик на айфоні, біла сторінка"


@pytest.fixture(autouse=True)
def client(monkeypatch):
    vector_cache._valkey.cache_clear()
    monkeypatch.setattr(vector_cache, "_rests_until", 0.0)
    yield vector_cache._valkey()
    vector_cache._valkey.cache_clear()


def places(client):
    keys = client.keys(f"{vector_cache.NAME}:*")
    return [key for key in keys if not key.endswith(b":counts")]


@pytest.fixture
def asked(monkeypatch):
    """Every text that reached the model."""
    texts = []
    embed = embeddings.embed

    def note(given):
        texts.extend(given)
        return embed(given)

    monkeypatch.setattr(embeddings, "embed", note)
    return texts


@pytest.fixture
def no_valkey(settings):
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    vector_cache._valkey.cache_clear()


def vector_of(message):
    return embed_missing([message])[message.pk]


def test_a_text_that_valkey_knows_is_not_embedded_again(make_message, asked):
    first = vector_of(make_message(REPORT))
    Embedding.objects.all().delete()

    second = vector_of(make_message(REPORT))

    assert asked == [REPORT]
    assert np.array_equal(first, second)


def test_after_valkey_lost_everything_postgresql_still_knows(make_message, asked, client):
    first = vector_of(make_message(REPORT))
    client.delete(*places(client))

    second = vector_of(make_message(REPORT))

    assert asked == [REPORT]
    assert np.array_equal(first, second)
    assert vector_cache.recall(embeddings.model_name(), [REPORT])


def test_equal_texts_of_one_batch_are_embedded_once(make_message, asked):
    messages = [make_message(REPORT), make_message(REPORT)]

    vectors = embed_missing(messages)

    assert asked == [REPORT]
    assert set(vectors) == {message.pk for message in messages}
    assert Embedding.objects.count() == 2


def test_the_same_fingerprint_is_not_yet_the_same_text(make_message, asked):
    vector_of(make_message(REPORT))

    vector_of(make_message(REPORT.upper()))

    assert asked == [REPORT, REPORT.upper()]


def test_another_model_has_vectors_of_its_own(make_message, asked, monkeypatch):
    vector_of(make_message(REPORT))
    monkeypatch.setattr(embeddings, "model_name", lambda: "another")

    vector_of(make_message(REPORT))

    assert asked == [REPORT, REPORT]


def test_without_valkey_the_answers_are_the_same_and_one_line_says_so(
    make_message, asked, no_valkey, caplog
):
    with caplog.at_level(logging.WARNING):
        vectors = [vector_of(make_message(f"{REPORT} {number}")) for number in range(3)]

    assert len(asked) == 3
    assert np.array_equal(vectors[0], embeddings.embed([f"{REPORT} 0"])[0])
    assert [record.name for record in caplog.records] == ["tasktracker.lib.vector_cache"]
    assert REPORT not in caplog.text


def test_valkey_that_was_away_is_asked_again_after_a_rest(make_message, asked, monkeypatch):
    monkeypatch.setattr(vector_cache, "_rests_until", 1.0)  # long ago

    vector_of(make_message(REPORT))

    assert vector_cache.recall(embeddings.model_name(), [REPORT])


def test_nothing_of_the_text_is_in_valkey_and_everything_in_it_ends(make_message, client):
    vector_of(make_message(REPORT))

    (place,) = places(client)
    kept = client.get(place)
    assert REPORT.encode() not in kept
    assert len(kept) == 32 + 4 * 384
    assert 0 < client.ttl(place) <= vector_cache.KEEP


@pytest.mark.parametrize("garbage", [b"", b"x" * 31, b"y" * 1568, b"z" * 33])
def test_garbage_in_valkey_is_no_vector(make_message, asked, client, garbage):
    first = vector_of(make_message(REPORT))
    Embedding.objects.all().delete()
    for place in places(client):
        client.set(place, garbage)

    assert np.array_equal(vector_of(make_message(REPORT)), first)
    assert asked == [REPORT, REPORT]


def test_a_place_that_another_text_took_over_is_a_miss(make_message, monkeypatch):
    monkeypatch.setattr(vector_cache, "PLACES", 1)
    model = embeddings.model_name()
    vector_of(make_message(REPORT))

    vector_of(make_message("Додайте темну тему"))

    assert set(vector_cache.recall(model, [REPORT, "Додайте темну тему"])) == {"Додайте темну тему"}


def test_the_sources_are_counted(make_message, client):
    vector_of(make_message(REPORT))
    vector_of(make_message(REPORT))
    client.delete(*places(client))
    vector_of(make_message(REPORT))

    assert vector_cache.counts() == {"valkey": 1, "postgresql": 1, "model": 1}
