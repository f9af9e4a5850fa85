"""After a change of the normal form: every older message gets its new fingerprint."""

import pytest
from django.core.management import call_command

from apps.messages.fingerprints import outdated, refresh_all
from apps.messages.models import Message
from tasktracker.lib.text import fingerprint

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_older(make_message):
    return lambda text, text_hash="1:abc": make_message(text, text_hash=text_hash)


def test_an_older_fingerprint_is_made_anew(make_older):
    message = make_older("Прод лежить")

    call_command("refresh_fingerprints", quiet=True)

    message.refresh_from_db()
    assert message.text_hash == fingerprint("Прод лежить")
    assert not outdated().exists()


def test_a_present_fingerprint_is_left_alone(make_message, django_assert_num_queries):
    make_message("Прод лежить")

    with django_assert_num_queries(1):
        assert list(refresh_all()) == []


def test_a_text_that_has_no_words_any_more_loses_its_fingerprint(make_older):
    message = make_older(":D")

    list(refresh_all())

    message.refresh_from_db()
    assert message.text_hash == ""
    assert not outdated().exists()


def test_the_newest_come_first_and_a_stopped_run_goes_on(make_older, monkeypatch):
    monkeypatch.setattr("apps.messages.fingerprints.AT_ONCE", 2)
    messages = [make_older(f"Прод лежить {number}") for number in range(5)]

    assert next(refresh_all()) == 2
    assert set(outdated()) == set(messages[:3])

    assert sum(refresh_all()) == 3
    hashes = set(Message.objects.values_list("text_hash", flat=True))
    assert hashes == {fingerprint(message.text) for message in messages}
