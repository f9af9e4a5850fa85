"""The same words about the same thing are asked about once."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.messages import llm_cache
from apps.messages.classifiers.llm import LLMClassifier
from apps.messages.models import Classification, Embedding, Message
from apps.sources.models import GlossaryTerm, Project
from tasktracker.lib import circuits, embeddings
from tests.messages.conftest import MODELS, OUTAGE, answer_of, asked

AGAIN = "прод лежить уже годину!!! 502 на всіх сторінках оплати"
TYPO = "Прод лежить уже годину, 502 на всіх сторинках оплати"


def embed(*messages: Message) -> None:
    vectors = embeddings.embed([message.text for message in messages])
    for message, vector in zip(messages, vectors, strict=True):
        Embedding.objects.create(message=message, model=embeddings.model_name(), vector=vector)


def test_the_same_words_are_not_asked_about_again(server, make_unsure):
    first, again = asked(make_unsure(OUTAGE)), asked(make_unsure(AGAIN))

    assert len(server.requests) == 1
    assert (again.category, again.priority, again.decided_by) == ("feature", "high", "llm:first")
    cached = answer_of(again)
    assert (cached.is_cached, cached.tokens, cached.input_tokens) == (True, 0, 0)
    assert cached.raw["cached_from"] == answer_of(first).pk


def test_a_typo_is_not_asked_about_again(server, make_unsure):
    first, again = make_unsure(OUTAGE), make_unsure(TYPO)
    embed(first, again)

    asked(first)
    assert answer_of(asked(again)).is_cached


def test_typos_are_looked_for_in_the_newest_answers_only(server, make_unsure, monkeypatch):
    monkeypatch.setattr(llm_cache, "COMPARED", 1)
    first, newer, again = (
        make_unsure(OUTAGE),
        make_unsure("Додайте темну тему в налаштування профілю"),
        make_unsure(TYPO),
    )
    embed(first, newer, again)

    asked(first)
    asked(newer)
    assert not answer_of(asked(again)).is_cached


def test_it_answers_even_while_every_model_rests(server, make_unsure):
    asked(make_unsure(OUTAGE))
    for model in MODELS:
        circuits.failed(model, "down", rest=60.0)

    assert asked(make_unsure(AGAIN)).status == "actionable"


@pytest.mark.parametrize(
    "text",
    [
        "Прод лежить уже годину, 503 на всіх сторінках оплати",
        "Прод не лежить уже годину, 502 на всіх сторінках оплати",
        "Стейдж лежить уже годину, 502 на всіх сторінках оплати",
        "Прод лежить уже годину, 502 на всіх сторінках",
    ],
    ids=["another number", "negated", "another place", "less said"],
)
def test_other_words_are_asked_about(server, make_unsure, text):
    first, other = make_unsure(OUTAGE), make_unsure(text)
    embed(first, other)
    asked(first)

    assert not answer_of(asked(other)).is_cached


def test_few_words_mean_what_the_conversation_makes_of_them(server, make_unsure):
    asked(make_unsure("у мене теж саме"))

    assert not answer_of(asked(make_unsure("у мене теж саме"))).is_cached


def test_the_same_words_about_something_else_are_asked_about(server, make_unsure, make_message):
    reports = make_message("Каса не друкує чеки"), make_message("Пошук нічого не знаходить")
    words = "оце знову сталося після вчорашнього релізу"
    answers = [
        answer_of(asked(make_unsure(words, reply_to=one, reply_to_external_id=one.external_id)))
        for one in (*reports, reports[0])
    ]

    assert [answer.is_cached for answer in answers] == [False, False, True]


def test_another_projects_answer_is_not_taken(server, make_unsure, other_project):
    asked(make_unsure(OUTAGE))

    assert not answer_of(asked(make_unsure(AGAIN, project=other_project))).is_cached


@pytest.mark.parametrize("change", ["prompt", "chain", "glossary"])
def test_another_question_is_another_answer(server, make_unsure, settings, monkeypatch, change):
    asked(make_unsure(OUTAGE))
    if change == "prompt":
        monkeypatch.setattr(LLMClassifier, "version", "prompt_v99")
    elif change == "chain":
        settings.OLLAMA_MODELS = ["second"]
    else:
        GlossaryTerm.objects.create(project=Project.objects.get(), name="Прод")

    assert not answer_of(asked(make_unsure(AGAIN))).is_cached


def test_what_a_person_made_of_the_earlier_answer_counts_more(server, make_unsure, admin_user):
    first = asked(make_unsure(OUTAGE))
    Classification.objects.create(
        message=first,
        classifier="person",
        version=str(admin_user.pk),
        category="bug",
        priority="critical",
        confidence=1.0,
    )

    again = asked(make_unsure(AGAIN))
    assert (again.category, again.priority) == ("bug", "critical")
    assert answer_of(again).is_cached


def test_a_message_read_again_is_asked_about_again(server, make_unsure):
    message = asked(make_unsure(OUTAGE))
    Message.objects.filter(pk=message.pk).update(status="unsure")
    message.refresh_from_db()

    assert not answer_of(asked(message)).is_cached


def test_an_old_answer_is_not_taken(server, make_unsure):
    asked(make_unsure(OUTAGE))
    Classification.objects.update(created_at=timezone.now() - timedelta(days=31))

    assert not answer_of(asked(make_unsure(AGAIN))).is_cached


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("оплата не працює", "оплата, не працює!", True),
        ("оплата не працює", "опалта не працює", True),
        ("оплата не працює", "не працює оплата", True),
        ("оплата не працює", "оплата працює", False),
        ("впало після 2.14", "впало після 2.15", False),
        ("впав Redis", "впала Kafka", False),
        ("впало вчора", "впало вчора вчора", False),
    ],
)
def test_same_wording(one, other, expected):
    assert llm_cache.is_same_wording(one, other) is expected
