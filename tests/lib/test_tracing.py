"""Traces of LLM questions: off without settings, without texts unless wanted, never in the way."""

import json
import threading
import time
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import pytest
from pydantic import BaseModel

from tasktracker.lib import llm, tracing
from tests.lib.llm_server import LLMServer

trace_service = pytest.importorskip(
    "opentelemetry.proto.collector.trace.v1.trace_service_pb2",
    reason="requirements/langfuse.txt is not installed",
)


class Colour(BaseModel):
    name: Literal["red", "green"]


class Collector:
    """Takes OTLP over HTTP like Langfuse; `answer` says what each batch gets."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []
        self.spans: list[Any] = []
        self.answer = lambda: 200
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.requests.append((self.path, self.headers["Authorization"]))
                batch = trace_service.ExportTraceServiceRequest.FromString(body)
                for resource in batch.resource_spans:
                    for scope in resource.scope_spans:
                        collector.spans += scope.spans
                self.send_response(collector.answer())
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        threading.Thread(target=self._http.serve_forever, daemon=True).start()

    @property
    def text(self) -> str:
        return "\n".join(str(span) for span in self.spans)

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def collector(settings):
    collector = Collector()
    settings.LANGFUSE_URL = collector.url
    settings.LANGFUSE_PUBLIC_KEY, settings.LANGFUSE_SECRET_KEY = "pk-1", "sk-2"
    tracing.forget()
    yield collector
    tracing.forget()
    collector.close()


@pytest.fixture
def server(settings):
    server = LLMServer(lambda request: (200, json.dumps({"name": "green"})))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = ["first"]
    settings.LLM_TIMEOUT = 5.0
    yield server
    server.close()


def ask() -> llm.Answer:
    return llm.ask(Colour, instructions="Name a colour.", prompt="secret grass", cloud=False)


def test_nothing_is_traced_without_settings(server):
    ask()

    assert tracing.provider() is None


def test_a_question_arrives_with_model_and_tokens_and_without_texts(server, collector):
    ask()
    tracing.flush()

    keys = b64encode(b"pk-1:sk-2").decode()
    assert collector.requests[0] == ("/api/public/otel/v1/traces", f"Basic {keys}")
    assert "gen_ai.usage.input_tokens" in collector.text
    assert '"first"' in collector.text
    for text in ("secret grass", "Name a colour.", "green"):
        assert text not in collector.text


def test_a_failure_does_not_carry_what_the_model_wrote(server, collector):
    server.reply = lambda request: (200, "secret grass, I think")
    with pytest.raises(llm.Unavailable):
        ask()
    tracing.flush()

    assert collector.spans
    assert "secret grass" not in collector.text


def test_texts_are_sent_when_they_are_wanted(server, collector, settings):
    settings.LANGFUSE_CONTENT = True

    ask()
    tracing.flush()

    assert "secret grass" in collector.text


def test_a_dead_langfuse_slows_nothing(server, collector):
    collector.close()
    started = time.monotonic()

    assert ask().output == Colour(name="green")
    tracing.flush()

    assert time.monotonic() - started < 5


def test_a_langfuse_that_hangs_does_not_hold_up_the_end_of_a_worker(server, collector):
    released = threading.Event()
    collector.answer = lambda: 200 if released.wait(30) else 500
    ask()
    started = time.monotonic()

    tracing.flush()

    assert time.monotonic() - started < tracing.FLUSH_WITHIN + 1
    released.set()


def test_missing_packages_are_named_and_nothing_breaks(server, collector, monkeypatch, caplog):
    monkeypatch.setattr(tracing, "NEEDED", ("no_such_package.sdk",))

    assert ask().output == Colour(name="green")
    assert "no_such_package.sdk cannot be imported" in caplog.text
    (warning,) = tracing.check()
    assert warning.id == "tasktracker.W001"
    assert "requirements/langfuse.txt" in str(warning.hint)


def test_settings_without_keys_are_named(collector, settings):
    settings.LANGFUSE_SECRET_KEY = ""

    (warning,) = tracing.check()

    assert warning.id == "tasktracker.W002"


def test_complete_settings_and_none_are_fine(collector, settings):
    assert tracing.check() == []
    settings.LANGFUSE_URL = ""
    assert tracing.check() == []
