"""Messages that nobody is sure of, and a model to ask about them."""

import json

import pytest

from apps.messages.models import Classification, Message
from apps.messages.second_opinion import SURE, ask_llm
from tasktracker.lib import circuits
from tests.lib.llm_server import LLMServer

MODELS = ["first", "second"]
OUTAGE = "Прод лежить уже годину, 502 на всіх сторінках оплати"
FEATURE = {"category": "feature", "priority": "high", "confidence": 0.9}


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


def said(**changes) -> tuple[int, str]:
    return 200, json.dumps({**FEATURE, **changes})


def asked(message: Message) -> Message:
    ask_llm(message)
    message.refresh_from_db()
    return message


def answer_of(message: Message) -> Classification:
    return message.classifications.order_by("-pk")[:1].get()
