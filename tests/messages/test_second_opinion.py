"""The LLM's word on what stayed open: what is kept of it, and who may be asked."""

import json

import pytest

from apps.messages import second_opinion
from apps.messages.classifiers.base import Verdict
from apps.messages.models import Classification, Message
from apps.messages.second_opinion import is_wanted
from apps.sources.models import GlossaryTerm, Project
from tests.messages.conftest import FEATURE, MODELS, answer_of, asked, said

# What is kept


def test_the_answer_decides(server, make_unsure):
    message = asked(make_unsure())

    assert (message.status, message.category, message.priority) == ("actionable", "feature", "high")
    assert (message.decided_by, message.is_provisional) == ("llm:first", False)


def test_everything_about_the_answer_is_kept(server, make_unsure):
    answer = answer_of(asked(make_unsure()))

    assert (answer.classifier, answer.version) == ("llm:first", "prompt_v2")
    assert (answer.input_tokens, answer.tokens, answer.cost_usd) == (200, 240, 0.0)
    assert answer.latency_ms > 0
    assert json.loads(answer.raw["answer"]) == FEATURE
    assert not answer.is_cached


def test_only_entities_that_stand_in_the_message_are_kept(server, make_unsure):
    server.reply = lambda request: said(technologies=["Redis", "Kafka"], people=["@olena"])
    answer = answer_of(asked(make_unsure("Redis на проді знову впав, @olena глянь будь ласка")))

    assert answer.entities["technologies"] == ["Redis"]
    assert answer.entities["people"] == ["@olena"]


def test_private_data_stays_here_and_comes_back_into_entities(server, make_unsure):
    server.reply = lambda request: said(people=["[EMAIL_1]"])
    answer = answer_of(asked(make_unsure("не можу зайти як olena@smachno.ua, пише 403 на вході")))

    assert "smachno.ua" not in json.dumps(server.requests, ensure_ascii=False)
    assert answer.entities["people"] == ["olena@smachno.ua"]


def test_the_question_carries_the_conversation_and_the_glossary(server, make_unsure, make_message):
    GlossaryTerm.objects.create(
        project=Project.objects.get(),
        name="Каса",
        aliases="касов*, POS",
        meaning="каси в кав'ярнях",
    )
    report = make_message("Каса не друкує чеки", author="Ігор", author_id="9")
    asked(make_unsure(reply_to=report, reply_to_external_id=report.external_id))

    question = server.requests[0]["messages"][-1]["content"]
    assert "Каса (касов*, POS): каси в кав'ярнях" in question
    assert "Каса не друкує чеки" in question
    assert "Ігор" not in question


def test_a_guess_of_the_llm_is_left_to_a_person(server, make_unsure):
    server.reply = lambda request: said(confidence=0.3)

    assert asked(make_unsure()).is_provisional


def test_what_the_local_model_held_critical_is_not_dismissed_silently(server, make_unsure):
    server.reply = lambda request: said(category="info", priority="low")
    message = asked(make_unsure(priority="critical"))

    assert (message.status, message.is_provisional) == ("noise", True)


@pytest.mark.parametrize("local", [{"priority": "high"}, {"priority": "low", "confidence": 0.6}])
def test_what_the_local_model_held_likely_or_urgent_is_not_dismissed_silently(
    server, make_unsure, local
):
    server.reply = lambda request: said(category="info", priority="low")
    message = make_unsure()
    Classification.objects.update(**local)

    assert asked(message).is_provisional


def test_an_unlikely_calm_report_is_dismissed_by_the_llm(server, make_unsure):
    server.reply = lambda request: said(category="info", priority="low")
    message = make_unsure(priority="low")
    Classification.objects.update(confidence=0.3)

    assert not asked(message).is_provisional


def test_a_critical_report_is_not_called_cosmetic_silently(server, make_unsure):
    server.reply = lambda request: said(category="bug", priority="low")

    assert asked(make_unsure(priority="critical")).is_provisional


def test_a_report_that_the_llm_alone_sees_is_left_to_a_person(server, make_unsure):
    message = make_unsure()
    Classification.objects.update(category="question")

    message = asked(message)
    assert (message.status, message.is_provisional) == ("actionable", True)


# Policies


@pytest.mark.parametrize(
    ("policy", "is_sure", "expected"),
    [
        ("cascade", False, True),
        ("cascade", True, False),
        ("always", False, True),
        ("always", True, True),
        ("local", False, False),
        ("local", True, False),
    ],
)
def test_the_project_says_when_an_llm_is_asked(server, project, policy, is_sure, expected):
    project.policy = policy
    local = second_opinion.Answer("local", "1", Verdict("bug", "high", 0.5))

    assert is_wanted(project, local, is_sure=is_sure) is expected


@pytest.mark.parametrize("certain", ["rules", "memory"])
def test_what_is_certain_is_never_asked(server, project, certain):
    project.policy = Project.Policy.ALWAYS
    answer = second_opinion.Answer(certain, "1", Verdict("bug", "high", 1.0))

    assert not is_wanted(project, answer, is_sure=True)


def test_a_project_that_turned_local_meanwhile_is_not_asked_about(server, make_unsure):
    Project.objects.update(policy=Project.Policy.LOCAL)
    message = asked(make_unsure())

    assert (message.status, message.category, message.is_provisional) == ("actionable", "bug", True)
    assert server.requests == []


def test_the_cloud_reads_nothing_without_leave(server, make_unsure, settings):
    settings.OLLAMA_URL = ""
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "key", f"{server.url}/v1"

    assert asked(make_unsure()).category == "bug"
    assert server.requests == []


def test_with_leave_the_cloud_is_asked_last(server, make_unsure, settings):
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "key", f"{server.url}/v1"
    Project.objects.update(is_cloud_allowed=True)
    server.reply = lambda request: (500, "") if request["model"] in MODELS else said()

    assert asked(make_unsure()).decided_by == f"llm:{settings.OPENAI_MODEL}"
    assert [request["model"] for request in server.requests] == [*MODELS, settings.OPENAI_MODEL]


def test_the_cloud_does_not_read_what_was_routed_to_another_project(
    server, make_unsure, make_message, settings, other_project
):
    settings.OLLAMA_URL = ""
    settings.OPENAI_API_KEY, settings.OPENAI_BASE_URL = "key", f"{server.url}/v1"
    Project.objects.exclude(pk=other_project.pk).update(is_cloud_allowed=True)
    secret = make_message("Зарплати Ігоря в таблиці видно всім")
    Message.objects.filter(pk=secret.pk).update(project=other_project)
    secret.refresh_from_db()

    asked(make_unsure(reply_to=secret, reply_to_external_id=secret.external_id))

    assert len(server.requests) == 1
    assert "Зарплати" not in json.dumps(server.requests, ensure_ascii=False)
