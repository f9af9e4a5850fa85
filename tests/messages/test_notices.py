"""What a platform tells besides messages: it may come twice, too early, or about nothing we have."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from apps.messages.ingest import Arrival, ingest
from apps.messages.models import Message
from apps.sources.envelope import ChatReference, Notice

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def deletion(source):
    def make(message: str, **fields: object) -> Notice:
        about = {"key": "del-1", "chat": ChatReference(external_id="c"), "happened_at": NOON}
        return Notice(notice="deleted", source_id=source.pk, message=message, **{**about, **fields})

    return make


def arrival(item):
    return Arrival(item.to_bytes(), item.subject)


def test_a_message_that_was_deleted_there_keeps_its_words_here(make_envelope, deletion):
    envelope = make_envelope("падає")
    ingest([arrival(envelope)])

    result = ingest([arrival(deletion(envelope.external_id))])

    message = Message.objects.get()
    assert (message.text, message.deleted_at, result.noticed) == ("падає", NOON, 1)


def test_a_deletion_in_the_same_batch_comes_after_the_message(make_envelope, deletion):
    envelope = make_envelope("падає")

    ingest([arrival(deletion(envelope.external_id)), arrival(envelope)])

    assert Message.objects.get().deleted_at == NOON


def test_a_second_deletion_does_not_move_the_first(make_envelope, deletion):
    envelope = make_envelope("падає")
    ingest([arrival(envelope), arrival(deletion(envelope.external_id))])

    ingest([arrival(deletion(envelope.external_id, happened_at=timezone.now()))])

    assert Message.objects.get().deleted_at == NOON


def test_a_deletion_of_what_we_never_had_is_no_trouble(deletion):
    assert ingest([arrival(deletion("c:404"))]).noticed == 1


def test_names_of_files_and_the_quote_are_kept(make_envelope):
    envelope = make_envelope(
        "див. лог", files=("error.log",), quote="падає", album="7", url="https://t.me/c/1/2"
    )

    ingest([arrival(envelope)])

    message = Message.objects.get()
    assert (message.files, message.quote, message.album, message.url) == (
        ["error.log"],
        "падає",
        "7",
        "https://t.me/c/1/2",
    )
