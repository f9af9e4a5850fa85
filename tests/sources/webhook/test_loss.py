"""A thousand bodies with an id, posted again and again by a sender that hears no answer: each once."""

import pytest
from django.core.management import call_command

from apps.messages.models import Message
from apps.sources.intake import telling
from apps.sources.models import DeadLetter
from tests.lib.jetstream import jetstream_away


@pytest.mark.django_db(transaction=True)
def test_a_thousand_messages_come_once_whatever_breaks(post, set_up, stream):
    set_up(message="id", messages="items[*]")
    bodies = [
        {
            "items": [
                {"id": number, "text": f"Прод лежить {number}"}
                for number in range(first, first + 10)
            ]
        }
        for first in range(0, 1000, 10)
    ]
    for number, body in enumerate(bodies):
        assert post(body).status_code == 200
        if number == 40:  # taken, and nobody is there to say so
            with jetstream_away():
                assert post(bodies[41]).status_code == 503
        if number % 5 == 0:  # the answer got lost: the same once more, and an older one
            assert post(body).status_code == 200
            assert post(bodies[number // 2]).status_code == 200
        if number == 60:
            call_command("ingest_messages", once=True)
    telling.settle(timeout=60)
    call_command("ingest_messages", once=True)

    stored = Message.objects.values_list("external_id", flat=True)
    assert sorted(stored) == sorted(f"webhook:{number}" for number in range(1000))
    assert not DeadLetter.objects.exists()
