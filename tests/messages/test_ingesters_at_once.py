"""Two ingesters with one message in their hands, and a database that lets one of them down."""

import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, connections, transaction

from apps.messages.ingest import Arrival, IngestResult, ingest
from apps.messages.models import Message
from apps.sources.envelope import ChatReference
from apps.sources.models import Chat, DeadLetter, Source

pytestmark = pytest.mark.django_db(transaction=True)

WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def arrive(*envelopes):
    return ingest([Arrival(envelope.to_bytes(), envelope.subject) for envelope in envelopes])


@pytest.fixture
def ingester():
    """Another one, with a session of its own; call it with what it has fetched."""

    def run(*envelopes):
        try:
            return arrive(*envelopes)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        yield lambda *envelopes: pool.submit(run, *envelopes)


def waiting_session(other: "Future[IngestResult]") -> int | None:
    """The session that waits for our transaction; None when the other ingester did not have to."""
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while not other.done() and time.monotonic() < deadline:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(WAITING)
            if row := cursor.fetchone():
                return int(row[0])
    return None


@pytest.mark.parametrize("is_edit_first", [False, True])
def test_of_an_original_and_its_edit_stored_at_the_same_moment_the_edit_stands(
    chat, make_envelope, ingester, is_edit_first
):
    original = make_envelope("Прод лежть")
    edited = original.model_copy(update={"edit": 1_772_442_000, "text": "Прод лежить"})
    first, second = (edited, original) if is_edit_first else (original, edited)

    with transaction.atomic():
        arrive(first)
        other = ingester(second)
        waiting_session(other)
    other.result(10)

    assert Message.objects.count() == 2
    assert Message.objects.get(is_superseded=False).text == "Прод лежить"


def test_an_envelope_is_new_only_for_the_ingester_that_stored_it(chat, make_envelope, ingester):
    envelope = make_envelope()

    with transaction.atomic():
        first = arrive(envelope)
        other = ingester(envelope)
        waiting_session(other)
    second = other.result(10)

    assert (first.stored, second.stored, second.duplicates) == (1, 0, 1)


def test_batches_that_meet_two_sources_the_other_way_round_wait_in_one_line(
    source, chat, make_envelope, ingester
):
    """Each would else hold what the other waits for, until PostgreSQL ends one of them."""
    second = Source.objects.create(project=source.project, kind="api", name="Second")
    theirs = {"source_id": second.pk, "external_id": "-1:1"}

    with transaction.atomic():
        arrive(make_envelope())
        other = ingester(make_envelope(**{**theirs, "external_id": "-1:2"}), make_envelope())
        assert waiting_session(other)
        arrive(make_envelope(**theirs))
    assert other.result(10).stored == 2


def test_a_yes_to_chats_and_a_batch_of_theirs_lock_them_in_one_order(
    source, chat, make_envelope, ingester
):
    later = Chat.objects.create(source=source, external_id="-9", state="waiting")
    of_later = {"chat": ChatReference(external_id="-9"), "external_id": "-9:1"}

    with transaction.atomic():
        Chat.settle(Chat.objects.filter(pk=chat.pk), "off")
        other = ingester(make_envelope(**of_later), make_envelope())
        assert waiting_session(other)
        Chat.settle(Chat.objects.filter(pk=later.pk), "on")
    assert (other.result(10).stored, other.result().ignored) == (1, 1)


def test_an_envelope_is_no_dead_letter_because_its_session_was_ended(chat, make_envelope, ingester):
    """PostgreSQL restarts, fails over or ends a session, and is well again before anybody looks."""
    envelope = make_envelope()

    with transaction.atomic():
        arrive(envelope)
        other = ingester(envelope)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [waiting_session(other)])
        with pytest.raises(OperationalError):
            other.result(10)
        transaction.set_rollback(True)

    assert DeadLetter.objects.count() == 0
    assert arrive(envelope).stored == 1
