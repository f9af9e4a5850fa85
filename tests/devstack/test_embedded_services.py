"""The services that this very test session runs on."""

import asyncio

import pytest
import redis
from django.conf import settings
from django.db import connection


@pytest.mark.django_db
def test_postgresql_lowers_letters_of_both_languages_and_knows_vectors():
    with connection.cursor() as cursor:
        cursor.execute("SELECT lower('ЇЖАК Bug'), '[1,2]'::vector <-> '[1,2]'::vector")
        assert cursor.fetchone() == ("їжак bug", 0.0)


@pytest.mark.django_db
def test_postgresql_compares_cyrillic_words_by_trigrams():
    with connection.cursor() as cursor:
        cursor.execute("SELECT similarity('не працює кнопка', 'не працюе кнопка')")
        assert cursor.fetchone()[0] > 0.7


def test_nats_acknowledges_what_it_stored_on_disk():
    import nats

    async def publish() -> int:
        client = await nats.connect(settings.NATS_URL)
        try:
            stream = client.jetstream()
            await stream.add_stream(name="PROBE", subjects=["probe.>"], storage="file")
            acknowledgement = await stream.publish("probe.one", b"x")
            await stream.delete_stream("PROBE")
            return acknowledgement.seq
        finally:
            await client.close()

    assert asyncio.run(publish()) == 1


def test_valkey_refuses_work_instead_of_forgetting_queued_tasks():
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_services_refuse_a_client_without_the_password():
    with_no_password = settings.REDIS_URL.replace(settings.REDIS_URL.split("@")[0], "redis://")
    with (
        redis.Redis.from_url(with_no_password.replace("redis://@", "redis://")) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()
