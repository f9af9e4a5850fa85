"""The chain of models: the first valid answer in time wins, everything else goes on to the next."""

import json
import threading
from collections.abc import Iterator
from typing import Literal

import pytest
from pydantic import BaseModel

from tasktracker.lib import llm
from tests.lib.llm_server import LLMServer


class Colour(BaseModel):
    name: Literal["red", "green"]


GOOD = json.dumps({"name": "green"})


@pytest.fixture
def server(settings) -> Iterator[LLMServer]:
    server = LLMServer(lambda request: (200, GOOD))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = ["first", "second"]
    settings.LLM_TIMEOUT = 5.0
    yield server
    server.close()


def ask() -> llm.Answer:
    return llm.ask(Colour, instructions="Name a colour.", prompt="grass", cloud=False)


def by_model(**replies: tuple[int, str]):
    return lambda request: replies[request["model"]]


def test_the_first_model_answers(server):
    answer = ask()

    assert (answer.output, answer.model, answer.tokens) == (Colour(name="green"), "first", 240)
    assert [request["model"] for request in server.requests] == ["first"]


def test_the_question_goes_out_with_its_schema_and_a_limit(server):
    ask()

    (request,) = server.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["response_format"]["type"] == "json_schema"
    assert request["max_tokens"] == llm.MAX_TOKENS  # the only name that Ollama knows
    assert "Name a colour." in json.dumps(request["messages"])


@pytest.mark.parametrize(
    "bad",
    [(500, ""), (404, ""), (200, ""), (200, "green, I think"), (200, '{"name": "mauve"}')],
    ids=["error", "no such model", "empty", "not JSON", "not in the enumeration"],
)
def test_a_model_that_fails_leaves_the_word_to_the_next(server, bad):
    server.reply = by_model(first=bad, second=(200, GOOD))

    assert ask().model == "second"


def test_an_invalid_answer_is_asked_for_again_once_at_most(server):
    server.reply = by_model(first=(200, "no"), second=(200, GOOD))

    ask()

    assert [request["model"] for request in server.requests].count("first") == 2


def test_a_server_error_is_not_tried_again_at_the_same_model(server):
    server.reply = by_model(first=(500, ""), second=(200, GOOD))

    ask()

    assert [request["model"] for request in server.requests] == ["first", "second"]


def test_without_any_valid_answer_it_is_unavailable_and_says_who_failed(server):
    server.reply = lambda request: (500, "")

    with pytest.raises(llm.Unavailable, match=r"first.*second"):
        ask()


def test_a_late_answer_is_no_answer(server, settings):
    settings.LLM_TIMEOUT = 0.3
    release = threading.Event()

    def late(request):
        release.wait(10)
        return 200, GOOD

    server.reply = late
    with pytest.raises(llm.Unavailable):
        ask()
    release.set()


def test_nothing_is_available_without_a_server():
    assert not llm.is_available(cloud=True)


def test_the_cloud_is_asked_only_where_it_is_allowed(server, settings):
    settings.OLLAMA_URL = ""
    settings.OPENAI_API_KEY = "key"
    settings.OPENAI_BASE_URL = f"{server.url}/v1"

    assert not llm.is_available(cloud=False)
    answer = llm.ask(Colour, instructions="Name a colour.", prompt="grass", cloud=True)
    assert answer.model == settings.OPENAI_MODEL
