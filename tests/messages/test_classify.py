"""The cascade: rules, the local model, an LLM for what stays open; nothing ever stalls."""

import pytest

from apps.messages.classify import classify
from apps.messages.context import sample_of
from apps.messages.decisions import reclassify, retry
from apps.messages.models import Classification, Embedding, Message
from apps.messages.second_opinion import SURE, ask_llm
from apps.sources.models import Project
from tasktracker.lib.workflow import TryLater

OUTAGE = "Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити замовлення"
UNREACHABLE = "http://127.0.0.1:9"


def test_a_report_becomes_actionable(make_message):
    message = make_message(OUTAGE)

    classify([message])

    message.refresh_from_db()
    assert (message.status, message.category) == ("actionable", "bug")
    assert message.priority in {"high", "critical"}


def test_thanks_become_noise(make_message):
    message = make_message("дякую!")

    classify([message])

    message.refresh_from_db()
    assert (message.status, message.category) == ("noise", "info")


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "👍"])
def test_a_message_without_words_is_noise(make_message, text):
    message = make_message(text)

    classify([message])

    message.refresh_from_db()
    assert message.status == "noise"


def test_every_answer_is_kept_with_its_classifier_and_version(make_message):
    message = make_message(OUTAGE)

    classify([message])

    answer = message.classifications.get()
    assert (answer.classifier, answer.category) == ("local", "bug")
    assert answer.version
    assert answer.latency_ms > 0
    assert sum(answer.scores.values()) == pytest.approx(1.0, abs=0.01)


def test_the_vector_is_stored_once(make_message):
    message = make_message(OUTAGE)

    classify([message])
    Message.objects.update(status="received")
    classify([Message.objects.get()])

    assert Embedding.objects.count() == 1


def test_without_an_llm_an_unsure_message_is_decided_and_marked(make_message, monkeypatch):
    monkeypatch.setattr("apps.messages.second_opinion.SURE", 1.01)
    message = make_message(OUTAGE)

    classify([message])

    message.refresh_from_db()
    assert (message.status, message.is_provisional) == ("actionable", True)


def test_with_an_llm_an_unsure_message_waits_for_it(make_message, settings, monkeypatch):
    settings.OLLAMA_URL = UNREACHABLE
    monkeypatch.setattr("apps.messages.second_opinion.SURE", 1.01)
    message = make_message(OUTAGE)

    classify([message])

    message.refresh_from_db()
    assert message.status == "unsure"


def test_a_project_that_stays_local_never_asks(make_message, settings, monkeypatch, project):
    settings.OLLAMA_URL = UNREACHABLE
    monkeypatch.setattr("apps.messages.second_opinion.SURE", 1.01)
    Project.objects.update(policy=Project.Policy.LOCAL)
    message = make_message(OUTAGE)

    classify([message])

    message.refresh_from_db()
    assert message.status == "actionable"


def test_a_project_that_always_asks_leaves_sure_answers_to_the_llm(make_message, settings):
    settings.OLLAMA_URL = UNREACHABLE
    Project.objects.update(policy=Project.Policy.ALWAYS)
    message = make_message(OUTAGE)

    classify([message])

    message.refresh_from_db()
    assert message.status == "unsure"


@pytest.fixture
def unsure(make_message):
    message = make_message(OUTAGE, status="unsure")
    Classification.objects.create(
        message=message,
        classifier="local",
        version="1",
        category="bug",
        priority="high",
        confidence=SURE - 0.1,
    )
    return message


def test_while_no_model_answers_the_message_is_tried_later(unsure, settings):
    settings.OLLAMA_URL = UNREACHABLE

    with pytest.raises(TryLater):
        ask_llm(unsure)


def test_after_the_grace_period_the_local_answer_stands(unsure, settings):
    settings.OLLAMA_URL = UNREACHABLE
    settings.LLM_GRACE = -1

    ask_llm(unsure)

    unsure.refresh_from_db()
    assert (unsure.status, unsure.category, unsure.is_provisional) == ("actionable", "bug", True)


def test_when_the_llm_was_taken_away_the_local_answer_stands_at_once(unsure):
    ask_llm(unsure)

    unsure.refresh_from_db()
    assert (unsure.status, unsure.is_provisional) == ("actionable", True)


def test_a_sample_carries_its_conversation(make_message):
    report = make_message(OUTAGE, category="bug")
    between = make_message("о, бачу")
    answer = make_message("у мене теж", reply_to=report, reply_to_external_id=report.external_id)

    sample = sample_of(answer, {})

    assert sample.replied_to.text == report.text
    assert sample.replied_to.category == "bug"
    assert sample.previous.text == between.text
    assert sample.is_reply


def test_an_older_revision_is_not_the_conversation(make_message):
    make_message("Прод лежть", is_superseded=True)

    assert sample_of(make_message("гляну"), {}).previous is None


def test_a_person_overrules_the_model(make_message, admin_user):
    message = make_message("дякую!")
    classify([message])

    reclassify(message, category="feature", priority="low", by=admin_user)

    message.refresh_from_db()
    assert (message.status, message.category, message.decided_by) == (
        "actionable",
        "feature",
        "person",
    )


def test_a_failed_message_can_be_read_again(make_message, admin_user):
    message = make_message(status="failed")

    retry(message, by=admin_user)

    message.refresh_from_db()
    assert message.status == "received"
