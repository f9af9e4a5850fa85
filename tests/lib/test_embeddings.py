"""The door to embeddings: backends chosen by settings, and what a lying server comes to."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import numpy as np
import pytest

from tasktracker.lib import embeddings

Reply = Callable[[list[str]], tuple[int, bytes]]


class EmbedServer:
    """`/api/embed` of an Ollama server; `reply` decides what it answers."""

    def __init__(self) -> None:
        self.inputs: list[list[str]] = []
        self.reply: Reply = good

    def run(self) -> Iterator["EmbedServer"]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.inputs.append(body["input"])
                status, content = outer.reply(body["input"])
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield self
        server.shutdown()
        server.server_close()
        thread.join()


def vectors(rows: Any) -> bytes:
    return json.dumps({"model": "m", "embeddings": rows}).encode()


def good(texts: list[str]) -> tuple[int, bytes]:
    return 200, vectors([[float(len(text)), 1.0, 2.0] for text in texts])


@pytest.fixture
def server(settings: Any) -> Iterator[EmbedServer]:
    started = EmbedServer().run()
    server = next(started)
    settings.EMBEDDINGS_BACKEND = "ollama"
    settings.EMBEDDINGS_MODEL = "multilingual-e5-small"
    settings.OLLAMA_URL = server.url
    embeddings.backend.cache_clear()
    embeddings._means.cache_clear()
    yield server
    next(started, None)
    embeddings.backend.cache_clear()
    embeddings._means.cache_clear()


def test_ollama_gives_vectors_of_length_one_in_the_order_of_the_texts(server):
    found = embeddings.embed(["ok", "довший текст"])

    assert found.shape == (2, 3)
    assert np.allclose(np.linalg.norm(found, axis=1), 1.0)
    assert found[1][0] > found[0][0]


def test_an_e5_model_gets_the_word_it_was_trained_with(server):
    embeddings.embed(["прод лежить"])

    assert server.inputs == [["query: прод не працює"]]


def test_the_model_reads_the_spelling_that_it_knows(server):
    embeddings.embed(["ne pracyuye bek na prodi"])

    assert server.inputs == [["query: не працює бекенд на проді"]]


def test_another_model_gets_the_bare_text(server, settings):
    settings.EMBEDDINGS_MODEL = "nomic-embed-text"
    embeddings.backend.cache_clear()

    embeddings.embed(["прод лежить"])

    assert server.inputs == [["прод не працює"]]


def test_vectors_of_another_backend_have_another_name(server):
    assert embeddings.model_name() == "multilingual-e5-small/ollama+raw2"


@pytest.mark.parametrize(
    "reply",
    [
        lambda texts: (500, b'{"error": "no"}'),
        lambda texts: (404, b'{"error": "model not found"}'),
        lambda texts: (200, b"not json"),
        lambda texts: (200, vectors([])),
        lambda texts: (200, vectors([[1.0], [1.0]])),
        lambda texts: (200, vectors([[float("nan"), 1.0]])),
        lambda texts: (200, vectors([[1.0, 2.0], [1.0]])),
    ],
    ids=["error", "unknown model", "no JSON", "none", "too many", "not a number", "ragged"],
)
def test_a_server_that_lies_is_unavailable(server, reply):
    server.reply = reply

    with pytest.raises(embeddings.Unavailable):
        embeddings.embed(["прод лежить"])


def test_a_server_that_is_away_is_unavailable(server, settings):
    settings.OLLAMA_URL = "http://127.0.0.1:9"
    embeddings.backend.cache_clear()

    with pytest.raises(embeddings.Unavailable):
        embeddings.embed(["прод лежить"])
