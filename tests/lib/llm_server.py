"""An Ollama as it looks on the wire, with ways to misbehave.

`POST /v1/chat/completions` (also streamed) and Ollama's own `/api/*`. A `reply` gets the request and gives a
status with the content of the message, or one of the ways below.
"""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Request = dict[str, Any]
Way = Callable[["Handler", Request], None]
Reply = Callable[[Request], tuple[int, str] | Way]  # request -> status and content, or a way

QUESTIONS = "/v1/chat/completions"


class LLMServer:
    """Listens on a free port; `reply` says what each question gets."""

    def __init__(self, reply: Reply, installed: tuple[str, ...] = ()) -> None:
        self.reply = reply
        self.requests: list[Request] = []  # the questions
        self.calls: list[Request] = []  # everything else
        self.ways: dict[str, Way] = {}  # how everything else misbehaves, by path
        self.installed = list(installed)
        self.closing = threading.Event()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.llm = self
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        # Closing asks the loop to end and waits for its next turn.
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def llm(self) -> LLMServer:
        return self.server.llm

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def do_HEAD(self) -> None:
        self.send(200, b"")

    def _answer(self, request: Request) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            if self.path == QUESTIONS:
                self.llm.requests.append({"path": self.path, **request})
                self._answer_question(request)
            else:
                self.llm.calls.append({"path": self.path, **request})
                self._answer_native(request)

    def _answer_question(self, request: Request) -> None:
        reply = self.llm.reply(request)
        if callable(reply):
            reply(self, request)
            return
        status, content = reply
        if status != 200:
            self.send_json(status, {"error": {"message": "no", "type": "api_error", "code": None}})
        elif request.get("stream"):
            self.send_lines(_sse(request, content), "text/event-stream")
        else:
            self.send_json(200, completion(request, content))

    def _answer_native(self, request: Request) -> None:
        name = request.get("model", "")
        if self.path in self.llm.ways:
            self.llm.ways[self.path](self, request)
        elif self.path == "/api/version":
            self.send_json(200, {"version": "0.33.0"})
        elif self.path == "/api/tags":
            self.send_json(200, {"models": [_tag(name) for name in self.llm.installed]})
        elif self.path == "/api/ps":
            self.send_json(200, {"models": []})
        elif self.path == "/api/pull":
            self.send_lines(self._pull(name), "application/x-ndjson")
        elif name not in self.llm.installed:
            self.send_json(404, {"error": f"model '{name}' not found"})
        elif self.path in NATIVE:
            self.send_json(200, NATIVE[self.path](request))
        else:
            self.send_json(404, {"error": "not found"})

    def _pull(self, name: str) -> Iterator[bytes]:
        if name.startswith("no-such"):
            yield _line({"error": "pull model manifest: file does not exist"})
            return
        digest = "sha256:" + "ab" * 32
        yield _line({"status": "pulling manifest"})
        for completed in (0, 400, 1000):
            step = {"status": "pulling abababab", "digest": digest, "total": 1000}
            yield _line({**step, "completed": completed})
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            yield _line({"status": status})
        self.llm.installed.append(name)

    def send(
        self, status: int, body: bytes, kind: str = "application/json", **headers: str
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def send_json(self, status: int, body: Any) -> None:
        self.send(status, json.dumps(body).encode())

    def send_lines(self, lines: Iterator[bytes], kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.end_headers()
        for line in lines:
            self.wfile.write(line)
            self.wfile.flush()
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Quiet."""


# Ways to misbehave


def hang(handler: Handler, request: Request) -> None:
    """Take the question and say nothing."""
    handler.llm.closing.wait(30)


def too_many(retry_after: int) -> Way:
    def way(handler: Handler, request: Request) -> None:
        handler.send(429, b'{"error": "busy"}', Retry_After=str(retry_after))

    return way


def garbage(handler: Handler, request: Request) -> None:
    """A response that is no JSON at all."""
    handler.send(200, b"<html>502 Bad Gateway \xff")


def cut_off(handler: Handler, request: Request) -> None:
    """Promise a body, send a part, reset the connection."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"id": "chatcmpl-1", ')
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


def drip(content: str) -> Way:
    """A good answer, a byte at a time: no single read is late, the whole is."""

    def way(handler: Handler, request: Request) -> None:
        body = json.dumps(completion(request, content)).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        for byte in body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            if handler.llm.closing.wait(0.05):
                break

    return way


def endless(handler: Handler, request: Request) -> None:
    """An answer that does not end."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    while not handler.llm.closing.is_set():
        handler.wfile.write(b" " * 65_536)


# What it says when it behaves


def completion(request: Request, content: str, finish_reason: str = "stop") -> dict[str, Any]:
    """An answer as Ollama's OpenAI-compatible door gives it."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_772_442_000,
        "model": request["model"],
        "system_fingerprint": "fp_ollama",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content},
                "finish_reason": finish_reason,
            }
        ],
        "usage": {"prompt_tokens": 200, "completion_tokens": 40, "total_tokens": 240},
    }


def _sse(request: Request, content: str) -> Iterator[bytes]:
    for number in range(0, len(content), 8):
        delta = {"role": "assistant", "content": content[number : number + 8]}
        chunk = {"index": 0, "delta": delta, "finish_reason": None}
        yield b"data: " + json.dumps(_chunk(request, chunk)).encode() + b"\n\n"
    last = {"index": 0, "delta": {}, "finish_reason": "stop"}
    yield b"data: " + json.dumps(_chunk(request, last)).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"


def _chunk(request: Request, choice: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_772_442_000,
        "model": request["model"],
        "system_fingerprint": "fp_ollama",
        "choices": [choice],
    }


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _tag(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "model": name,
        "modified_at": "2026-03-02T09:00:00.000000000Z",
        "size": 9_276_198_565,
        "digest": "ab" * 32,
        "details": _details(),
    }


def _details() -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "gguf",
        "family": "qwen3",
        "families": ["qwen3"],
        "parameter_size": "14.8B",
        "quantization_level": "Q4_K_M",
    }


def _show(request: Request) -> dict[str, Any]:
    return {
        "modelfile": "FROM qwen3",
        "template": "{{ .Prompt }}",
        "details": _details(),
        "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40_960},
        "capabilities": ["completion", "tools", "thinking"],
        "modified_at": "2026-03-02T09:00:00.000000000Z",
    }


def _done(request: Request) -> dict[str, Any]:
    reason = "stop" if request.get("prompt") or request.get("messages") else "load"
    return {
        "model": request["model"],
        "created_at": "2026-03-02T09:00:00.000000Z",
        "done": True,
        "done_reason": reason,
        "total_duration": 5_000_000,
        "prompt_eval_count": 200,
        "eval_count": 40,
    }


def _embed(request: Request) -> dict[str, Any]:
    texts = request["input"] if isinstance(request["input"], list) else [request["input"]]
    return {
        "model": request["model"],
        "embeddings": [[float(len(text)), 1.0, *[0.0] * 382] for text in texts],
        "total_duration": 5_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": len(texts),
    }


NATIVE: dict[str, Callable[[Request], dict[str, Any]]] = {
    "/api/show": _show,
    "/api/chat": lambda request: {
        **_done(request),
        "message": {"role": "assistant", "content": "ok"},
    },
    "/api/generate": lambda request: {**_done(request), "response": ""},
    "/api/embed": _embed,
}
