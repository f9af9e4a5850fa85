"""The LLM's word on what stayed open: policies, the cache, and what happens when it is down or lies."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.messages import llm_cache, second_opinion
from apps.messages.classifiers.base import Verdict
from apps.messages.classifiers.llm import LLMClassifier
from apps.messages.models import Classification, Embedding, Message
from apps.messages.second_opinion import SURE, ask_llm, is_wanted, lease
from apps.messages.tasks import ask_llm as task
from apps.sources.models import GlossaryTerm, Project
from tasktracker.lib import circuits, embeddings, llm
from tasktracker.lib.workflow import TryLater
from tests.lib import llm_server
from tests.lib.llm_server import LLMServer

MODELS = ["first", "second"]
OUTAGE = "Прод лежить уже годину, 502 на всіх сторінках оплати"
FEATURE = {"category": "feature", "priority": "high", "confidence": 0.9}


def said(**changes) -> tuple[int, str]:
    return 200, json.dumps({**FEATURE, **changes})


@pytest.fixture
def server(settings):
    server = LLMServer(lambda request: said())
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = MODELS
    settings.OLLAMA_KEEP_ALIVE = ""
    settings.LLM_TIMEOUT = 10.0
    circuits.reset(MODELS)
    yield server
    server.close()
    circuits.reset(MODELS)


@pytest.fixture
def make_unsure(make_message):
    def make(text: str = OUTAGE, *, priority: str = "high", **changes) -> Message:
        message = make_message(text, status="unsure", **changes)
        local = {"classifier": "local", "version": "1", "category": "bug", "priority": priority}
        Classification.objects.create(message=message, confidence=SURE - 0.1, **local)
        return message

    return make


def asked(message: Message) -> Message:
    ask_llm(message)
    message.refresh_from_db()
    return message


def answer_of(message: Message) -> Classification:
    return message.classifications.order_by("-pk")[:1].get()


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


# Down, slow, lying

DOWN = {
    "error": (500, ""),
    "busy": llm_server.too_many(5),
    "hang": llm_server.hang,
    "slow drip": llm_server.drip(json.dumps(FEATURE)),
    "cut": llm_server.cut_off,
    "endless": llm_server.endless,
}


@pytest.mark.parametrize("policy", ["cascade", "always"])
@pytest.mark.parametrize("way", DOWN.values(), ids=DOWN)
def test_while_it_is_down_the_message_waits_and_then_the_local_answer_stands(
    server, make_unsure, settings, way, policy
):
    Project.objects.update(policy=policy)
    settings.LLM_TIMEOUT = 0.6
    server.reply = lambda request: way
    message = make_unsure()

    task([message.pk])

    message.refresh_from_db()
    assert message.status == "unsure"
    assert timezone.now() < message.due_at < timezone.now() + timedelta(seconds=65)
    assert message.last_error

    settings.LLM_GRACE = -1
    Message.objects.update(leased_until=None)
    task([message.pk])
    message.refresh_from_db()
    assert (message.status, message.category, message.is_provisional) == ("actionable", "bug", True)


LIES = {
    "empty": (200, ""),
    "not JSON": (200, "it is a bug"),
    "wrong enumeration": said(category="urgent"),
    "confidence without sense": said(confidence=-3),
    "nothing": (200, "{}"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_when_every_model_lies_the_local_answer_stands_at_once(server, make_unsure, lie):
    server.reply = lambda request: lie
    message = make_unsure()

    task([message.pk])

    message.refresh_from_db()
    assert (message.status, message.category, message.is_provisional) == ("actionable", "bug", True)


def test_while_every_model_rests_nothing_is_sent(server, make_unsure):
    for model in MODELS:
        circuits.failed(model, "down", rest=40.0)

    with pytest.raises(TryLater) as caught:
        ask_llm(make_unsure())

    assert server.requests == []
    assert caught.value.delay is not None
    assert timedelta(seconds=30) < caught.value.delay <= timedelta(minutes=1)


def test_a_lease_outlives_the_slowest_question(settings):
    settings.LLM_TIMEOUT = 90.0

    assert lease() >= timedelta(seconds=90 + 20)


def test_a_provisional_message_is_found_in_the_admin(server, make_unsure, admin_client):
    server.reply = lambda request: (200, "no")
    asked(make_unsure("Щось дивне з оплатою на проді коїться"))

    page = admin_client.get("/admin/chat_messages/message/?is_provisional__exact=1")

    assert "Щось дивне з оплатою" in page.content.decode()


# The cache

AGAIN = "прод лежить уже годину!!! 502 на всіх сторінках оплати"
TYPO = "Прод лежить уже годину, 502 на всіх сторинках оплати"


def test_the_same_words_are_not_asked_about_again(server, make_unsure):
    first, again = asked(make_unsure(OUTAGE)), asked(make_unsure(AGAIN))

    assert len(server.requests) == 1
    assert (again.category, again.priority, again.decided_by) == ("feature", "high", "llm:first")
    cached = answer_of(again)
    assert (cached.is_cached, cached.tokens, cached.input_tokens) == (True, 0, 0)
    assert cached.raw["cached_from"] == answer_of(first).pk


def embed(*messages: Message) -> None:
    vectors = embeddings.embed([message.text for message in messages])
    for message, vector in zip(messages, vectors, strict=True):
        Embedding.objects.create(message=message, model=embeddings.model_name(), vector=vector)


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


def test_without_any_model_the_local_answer_stands(make_unsure):
    assert not llm.is_available(cloud=True)
    assert asked(make_unsure()).is_provisional
