"""The chain of models: the first valid answer in time wins, everything else goes on to the next."""

import json
import time
from collections.abc import Iterator
from typing import Literal

import pytest
from pydantic import BaseModel

from tasktracker.lib import circuits, llm
from tests.lib import llm_server
from tests.lib.llm_server import LLMServer


class Colour(BaseModel):
    name: Literal["red", "green"]


GOOD = json.dumps({"name": "green"})
MODELS = ["first", "second"]


@pytest.fixture
def server(settings) -> Iterator[LLMServer]:
    server = LLMServer(lambda request: (200, GOOD))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = MODELS
    settings.OLLAMA_KEEP_ALIVE = ""
    settings.LLM_TIMEOUT = 5.0
    circuits.reset([*MODELS, settings.OPENAI_MODEL])
    yield server
    server.close()
    circuits.reset([*MODELS, settings.OPENAI_MODEL])


def ask(*, cloud: bool = False) -> llm.Answer:
    return llm.ask(Colour, instructions="Name a colour.", prompt="grass", cloud=cloud)


def by_model(**replies):
    return lambda request: replies[request["model"]]


def asked(server: LLMServer) -> list[str]:
    return [request["model"] for request in server.requests]


def state_of(model: str) -> circuits.State:
    (state,) = circuits.states([model])
    return state


def test_the_first_model_answers(server):
    answer = ask()

    assert (answer.output, answer.model) == (Colour(name="green"), "first")
    assert asked(server) == ["first"]


def test_an_answer_says_what_it_cost(server):
    answer = ask()

    assert (answer.input_tokens, answer.output_tokens, answer.tokens) == (200, 40, 240)
    assert answer.cost_usd == 0.0
    assert answer.latency_ms > 0
    assert answer.raw == GOOD


def test_a_cloud_answer_has_a_price(server, settings):
    settings.OLLAMA_URL = ""
    settings.OPENAI_API_KEY = "key"
    settings.OPENAI_BASE_URL = f"{server.url}/v1"

    assert 0 < ask(cloud=True).cost_usd < 0.001


def test_the_question_goes_out_with_its_schema_and_a_limit(server):
    ask()

    (request,) = server.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["response_format"]["type"] == "json_schema"
    assert request["max_tokens"] == llm.MAX_TOKENS  # the only name that Ollama knows
    assert request["temperature"] == 0.0
    assert "Name a colour." in json.dumps(request["messages"])


def test_a_model_that_can_think_is_told_not_to(server):
    ask()

    assert server.requests[0]["reasoning_effort"] == "none"


def test_ollama_is_told_how_long_to_keep_the_model(server, settings, monkeypatch):
    monkeypatch.setattr(llm, "_reminded_at", {})
    settings.OLLAMA_KEEP_ALIVE = "45m"

    ask()
    ask()

    assert server.calls == [{"path": "/api/generate", "model": "first", "keep_alive": "45m"}]


def test_an_answer_is_not_lost_while_ollama_is_told(server, settings, monkeypatch):
    monkeypatch.setattr(llm, "_reminded_at", {})
    settings.OLLAMA_KEEP_ALIVE, settings.LLM_TIMEOUTS = "45m", {"first": 0.8}
    server.ways["/api/generate"] = llm_server.hang

    assert ask().model == "first"


FAILURES = {
    "error of the server": (500, ""),
    "no such model": (404, ""),
    "too many requests": llm_server.too_many(7),
    "garbage": llm_server.garbage,
    "connection cut": llm_server.cut_off,
    "endless answer": llm_server.endless,
    "hang": llm_server.hang,
    "slow drip": llm_server.drip(GOOD),
    "empty": (200, ""),
    "not JSON": (200, "green, I think"),
    "not in the enumeration": (200, '{"name": "mauve"}'),
    "another shape": (200, '["green"]'),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_model_that_fails_leaves_the_word_to_the_next(server, settings, failure):
    settings.LLM_TIMEOUTS = {"first": 0.4}
    server.reply = by_model(first=failure, second=(200, GOOD))

    assert ask().model == "second"
    assert state_of("first").points > 0


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_when_all_fail_the_answer_is_unavailable_and_in_time(server, settings, failure):
    settings.LLM_TIMEOUT = 0.8
    server.reply = lambda request: failure

    started = time.monotonic()
    with pytest.raises(llm.Unavailable, match=r"first.*second"):
        ask()
    assert time.monotonic() - started < 3


def test_what_failed_is_told_without_what_was_said(server):
    server.reply = lambda request: (200, "secret of the chat")

    with pytest.raises(llm.Unavailable) as caught:
        ask()

    assert "secret" not in str(caught.value)


def test_an_invalid_answer_is_asked_for_again_once_at_most(server):
    server.reply = by_model(first=(200, "no"), second=(200, GOOD))

    ask()

    assert asked(server).count("first") == 2


def test_a_server_error_is_not_tried_again_at_the_same_model(server):
    server.reply = by_model(first=(500, ""), second=(200, GOOD))

    ask()

    assert asked(server) == ["first", "second"]


def test_when_every_model_talks_nonsense_asking_again_is_no_use(server):
    server.reply = lambda request: (200, "no")

    with pytest.raises(llm.Nonsense):
        ask()


def test_a_model_that_hangs_leaves_time_for_the_next(server, settings):
    settings.LLM_TIMEOUT = 1.0
    server.reply = by_model(first=llm_server.hang, second=(200, GOOD))

    assert ask().model == "second"


def test_a_model_may_have_its_own_time(server, settings):
    settings.LLM_TIMEOUTS = {"first": 0.2}
    server.reply = by_model(first=llm_server.hang, second=(200, GOOD))

    started = time.monotonic()
    ask()
    assert time.monotonic() - started < 2


def test_nothing_is_available_without_a_server():
    assert not llm.is_available(cloud=True)


def test_the_cloud_is_asked_only_where_it_is_allowed(server, settings):
    settings.OLLAMA_URL = ""
    settings.OPENAI_API_KEY = "key"
    settings.OPENAI_BASE_URL = f"{server.url}/v1"

    assert not llm.is_available(cloud=False)
    assert ask(cloud=True).model == settings.OPENAI_MODEL


def test_the_cloud_gets_no_field_that_only_ollama_reads(server, settings):
    settings.OLLAMA_URL = ""
    settings.OPENAI_API_KEY = "key"
    settings.OPENAI_BASE_URL = f"{server.url}/v1"

    ask(cloud=True)

    assert "reasoning_effort" not in server.requests[0]


# Circuits


def test_a_model_that_failed_three_times_in_a_row_rests(server):
    server.reply = by_model(first=(500, ""), second=(200, GOOD))

    for _ in range(4):
        assert ask().model == "second"

    assert asked(server).count("first") == 3
    assert state_of("first").state == "open"
    assert state_of("first").last_error == "first: HTTP 500"


def test_a_good_answer_forgives_what_was_before(server):
    server.reply = by_model(first=(500, ""), second=(200, GOOD))
    ask()
    ask()
    server.reply = lambda request: (200, GOOD)
    ask()

    assert state_of("first") == circuits.State("first", "closed", 0, 0.0, "", 0.0)


def test_nonsense_weighs_less_than_an_outage(server):
    server.reply = by_model(first=(200, "no"), second=(200, GOOD))

    for _ in range(8):
        ask()
    assert state_of("first").state == "closed"
    ask()
    assert state_of("first").state == "open"


def test_when_every_model_rests_the_answer_is_at_once_and_says_when(server):
    server.reply = lambda request: llm_server.too_many(7)
    with pytest.raises(llm.Unavailable):
        ask()
    before = len(server.requests)

    with pytest.raises(llm.Unavailable) as caught:
        ask()

    assert len(server.requests) == before
    assert 5 < caught.value.retry_after <= 7


def rest_is_over(model: str, monkeypatch) -> None:
    (state,) = circuits.states([model])
    now = time.time()
    monkeypatch.setattr(circuits.time, "time", lambda: now + state.rests_for + 1)


def test_after_the_rest_one_question_probes(server, monkeypatch):
    circuits.failed("first", "down", rest=30.0)
    rest_is_over("first", monkeypatch)

    assert state_of("first").state == "half-open"
    assert [circuits.may_ask("first") for _ in range(3)] == [True, False, False]


def test_a_probe_that_succeeds_closes_the_circuit(server, monkeypatch):
    circuits.failed("first", "down", rest=30.0)
    rest_is_over("first", monkeypatch)

    assert ask().model == "first"
    assert state_of("first").state == "closed"


def test_a_probe_that_fails_doubles_the_rest(server, monkeypatch):
    for _ in range(3):
        circuits.failed("first", "down")
    assert 29 < state_of("first").rests_for <= 30
    rest_is_over("first", monkeypatch)
    server.reply = by_model(first=(500, ""), second=(200, GOOD))

    ask()

    assert 59 < state_of("first").rests_for <= 60


@pytest.fixture
def no_valkey(server, settings) -> Iterator[None]:
    before, settings.REDIS_URL = settings.REDIS_URL, "redis://127.0.0.1:9/0"
    circuits._valkey.cache_clear()
    yield
    settings.REDIS_URL = before  # `server` forgets its circuits after this
    circuits._valkey.cache_clear()


def test_without_valkey_every_circuit_is_closed(no_valkey):
    circuits.failed("first", "down", rest=30.0)

    assert ask().model == "first"
