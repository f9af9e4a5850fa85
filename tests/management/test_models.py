"""`manage.py models`: what is there, what is missing, and clear words when there is no server."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tasktracker.lib import circuits
from tests.lib.llm_server import LLMServer

MODELS = ["qwen3:14b", "mistral-nemo"]
RIGHT = json.dumps({"category": "bug", "priority": "critical", "confidence": 0.9})


@pytest.fixture
def server(settings):
    server = LLMServer(lambda request: (200, RIGHT), installed=("qwen3:14b", "gemma3:latest"))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = MODELS
    settings.OLLAMA_KEEP_ALIVE = "30m"
    circuits.reset(MODELS)
    yield server
    server.close()
    circuits.reset(MODELS)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("models", *arguments, stdout=out)
    return out.getvalue()


def test_list_tells_installed_missing_and_unused(server):
    lines = run("list").splitlines()

    assert lines[0] == "Ollama 0.33.0"
    assert lines[1].split() == ["qwen3:14b", "installed", "answers"]
    assert lines[2].split() == ["mistral-nemo", "missing", "answers"]
    assert lines[3].split()[:3] == ["gemma3:latest", "not", "used"]


def test_list_tells_which_model_rests_and_why(server):
    circuits.failed("qwen3:14b", "qwen3:14b: HTTP 500", rest=30.0)

    assert "rests for 30 s: qwen3:14b: HTTP 500" in run("list")


def test_pull_downloads_what_is_named(server):
    assert run("pull", "mistral-nemo") == "mistral-nemo is installed.\n"
    assert "mistral-nemo" in server.installed


def test_pull_all_downloads_what_is_configured(server):
    run("pull", "--all")

    assert [call["model"] for call in server.calls] == MODELS


def test_pull_says_when_there_is_no_such_model(server):
    with pytest.raises(CommandError, match="pull model manifest"):
        run("pull", "no-such-model")


def test_pull_wants_a_name(server):
    with pytest.raises(CommandError, match="Name a model"):
        run("pull")


def test_warm_loads_and_keeps(server):
    server.installed.append("mistral-nemo")

    assert "qwen3:14b is loaded" in run("warm")
    assert [(call["path"], call["keep_alive"]) for call in server.calls] == [
        ("/api/generate", "30m")
    ] * 2


def test_warm_says_which_model_is_missing(server):
    with pytest.raises(CommandError, match="mistral-nemo"):
        run("warm")


def test_check_asks_every_model_and_closes_its_circuit(server):
    circuits.failed("qwen3:14b", "down", rest=60.0)

    figures = json.loads(run("check", "--json").splitlines()[-1])["models"]

    assert [(one["name"], one["valid"], one["right"]) for one in figures] == [
        (name, True, True) for name in MODELS
    ]
    assert circuits.states(["qwen3:14b"])[0].state == "closed"


def test_check_fails_when_a_model_gives_no_valid_answer(server):
    server.reply = lambda request: (200, RIGHT) if request["model"] == MODELS[0] else (200, "hm")

    with pytest.raises(CommandError, match="Not every model"):
        run("check")


def test_check_tells_a_wrong_answer_from_an_invalid_one(server):
    wrong = json.dumps({"category": "info", "priority": "low", "confidence": 0.9})
    server.reply = lambda request: (200, wrong)

    assert "wrong" in run("check")


@pytest.mark.parametrize("action", ["list", "warm"])
def test_without_a_server_it_says_so(settings, action):
    settings.OLLAMA_URL = "http://127.0.0.1:9"

    with pytest.raises(CommandError, match="no answer from Ollama"):
        run(action)


def test_without_any_model_list_says_who_decides():
    assert "local classifier decides alone" in run("list")
