"""A message is read with its conversation, and vectors are made only where they are needed."""

from datetime import timedelta

import pytest

from apps.messages.classify import classify
from apps.messages.context import embed_missing, sample_of, with_vector
from apps.messages.models import Embedding, Message
from tasktracker.lib import embeddings

OUTAGE = "Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити замовлення"


def test_the_last_messages_of_the_chat_are_known_newest_first(make_message):
    for number in range(25):
        make_message(f"слово {number}", category="info")

    recent = sample_of(make_message("а зараз?")).recent

    assert [neighbour.text for neighbour in recent[:2]] == ["слово 24", "слово 23"]
    assert len(recent) == 20


def test_another_topic_is_another_conversation(make_message):
    make_message("про інше", topic="7")

    assert sample_of(make_message("гляну")).recent == ()


def test_an_old_message_is_recent_but_not_the_previous_one(make_message):
    old = make_message("вчорашнє")
    Message.objects.filter(pk=old.pk).update(sent_at=old.sent_at - timedelta(days=1))

    sample = sample_of(make_message("ранок"))

    assert sample.previous is None
    assert [neighbour.text for neighbour in sample.recent] == ["вчорашнє"]


def test_the_conversation_costs_one_query(make_message, django_assert_num_queries):
    for number in range(5):
        make_message(f"слово {number}")
    message = make_message("останнє")

    with django_assert_num_queries(1):
        sample_of(message)


def test_a_full_reading_knows_the_vector_of_the_report_around_it(make_message):
    report = make_message(OUTAGE, category="bug")
    chatter = make_message("ого", category="info")
    embed_missing([report])
    message = make_message("у мене теж лежить")

    sample = with_vector(message, sample_of(message))

    assert sample.vector is not None
    assert [neighbour.vector is not None for neighbour in sample.recent] == [False, True]
    assert not Embedding.objects.filter(message=chatter).exists()


def test_chatter_pays_for_no_vector(make_message):
    for text in ("вмержив, чекаю білд", "ок", "гляну після обіду"):
        make_message(text, category="info")
    message = make_message("ага, дякую, подивлюсь")

    classify([message])

    assert not Embedding.objects.exists()
    assert message.classifications.get().raw["is_skimmed"]


def test_an_answer_sees_what_was_decided_about_its_question_in_the_same_chunk(
    make_message, monkeypatch
):
    report = make_message(OUTAGE)
    answer = make_message("гляну", reply_to=report, reply_to_external_id=report.external_id)
    seen = []

    def seen_sample_of(message):
        seen.append(sample_of(message))
        return seen[-1]

    monkeypatch.setattr("apps.messages.classify.sample_of", seen_sample_of)

    classify([report, answer])

    assert [sample.replied_to and sample.replied_to.category for sample in seen] == [None, "bug"]


@pytest.mark.parametrize(("alarming", "is_provisional"), [(1e-9, True), (1.1, False)])
def test_alarming_chatter_waits_for_a_look(make_message, monkeypatch, alarming, is_provisional):
    monkeypatch.setattr("apps.messages.classifiers.local.ALARMING", alarming)
    message = make_message("задеплоїв версію 4.18.2 на стейдж, все перевірив, готово до демо")

    classify([message])

    message.refresh_from_db()
    assert (message.status, message.is_provisional) == ("noise", is_provisional)


def test_a_report_is_read_by_its_words_while_the_embedding_server_is_away(
    make_message, monkeypatch
):
    def fail(texts):
        raise embeddings.Unavailable("Ollama gave no vectors: ConnectError")

    monkeypatch.setattr(embeddings, "embed", fail)
    message = make_message(OUTAGE)

    classify([message])

    assert message.category == "bug"
    assert message.status == Message.Status.ACTIONABLE
    assert not Embedding.objects.exists()
