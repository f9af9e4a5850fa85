"""A dead letter that can be read today goes to JetStream as any message does."""

import json

import pytest

from apps.sources.intake import accept
from apps.sources.models import DeadLetter
from apps.sources.replay import StillUnreadable, replay
from tests.sources.conftest import recorded


def test_an_envelope_is_sent_again(make_envelope, stream):
    envelope = make_envelope()
    letter = DeadLetter.objects.create(
        subject=envelope.subject, payload=envelope.to_bytes(), reason="x"
    )

    assert replay(letter) == 1

    letter.refresh_from_db()
    assert letter.replayed_at is not None
    assert [subject for subject, _ in stream()] == [envelope.subject]


def test_an_envelope_that_jetstream_had_before_gets_through_again(make_envelope, stream):
    envelope = make_envelope()
    accept(envelope)
    letter = DeadLetter.objects.create(
        subject=envelope.subject, payload=envelope.to_bytes(), reason="PostgreSQL refused it"
    )

    replay(letter)

    assert len(stream()) == 2


def test_an_update_is_read_by_the_adapter_of_its_source(telegram_source, stream):
    DeadLetter.bury_update(
        ("telegram", telegram_source.pk),
        number=5,
        payload=recorded("text"),
        reason="an older version",
    )

    assert replay(DeadLetter.objects.get()) == 1

    assert [envelope["text"] for _, envelope in stream()] == [recorded("text")["message"]["text"]]


@pytest.mark.parametrize("payload", [b"\x00garbage", b"{}", b"[" * 100_000])
def test_what_still_cannot_be_read_stays_and_says_why(source, stream, payload):
    letter = DeadLetter.objects.create(
        source=source, subject=f"chat.{source.pk}", payload=payload, reason="x"
    )

    with pytest.raises(StillUnreadable):
        replay(letter)

    letter.refresh_from_db()
    assert (letter.replayed_at, stream()) == (None, [])


def test_a_letter_whose_source_is_gone_is_not_sent(make_envelope, stream):
    envelope = make_envelope(source_id=999_999_999)
    letter = DeadLetter.objects.create(
        subject="chat.999999999",
        payload=json.dumps(json.loads(envelope.to_bytes())).encode(),
        reason="x",
    )

    with pytest.raises(StillUnreadable, match="source"):
        replay(letter)

    assert stream() == []
