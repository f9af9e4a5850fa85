"""A Linear over real HTTP: it executes the schema next to it, and fails in the ways that Linear does."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from graphql import build_schema, graphql_sync, parse, validate

from tests.stubs.linear.store import Store

KEY = "lin_api_a-key-that-nobody-may-see"
SCHEMA = build_schema(Path(__file__).with_name("schema.graphql").read_text())

#: What a fault does with one question: (status, body), or None to hang up.
Answered = tuple[int, Any] | None
Fault = Callable[["LinearServer", Callable[[], Answered]], Answered]


class LinearServer:
    """Questions are answered from the store, after the faults that wait, each for one question."""

    def __init__(self) -> None:
        self.store = Store()
        self.faults: list[Fault] = []
        self.headers: dict[str, str] = {}
        self.questions: list[str] = []
        self.url = ""
        self._lock = threading.Lock()

    def reset(self) -> None:
        self.store, self.faults, self.headers, self.questions = Store(), [], {}, []

    def answer(self, key: str, question: dict[str, Any]) -> Answered:
        self.questions.append(question.get("operationName") or "")
        if key != KEY:
            return 401, errors(
                "Authentication required", "authentication error", "AUTHENTICATION_ERROR"
            )
        execute = lambda: self._execute(question)  # noqa: E731
        fault = self.faults.pop(0) if self.faults else None
        return fault(self, execute) if fault else execute()

    def _execute(self, question: dict[str, Any]) -> Answered:
        if validate(SCHEMA, parse(question["query"])):
            return 400, errors("Cannot query", "graphql error", "GRAPHQL_VALIDATION_FAILED")
        with self._lock:  # several workers ask at once
            result = graphql_sync(
                SCHEMA,
                question["query"],
                root_value=Root(self.store),
                variable_values=question.get("variables"),
                operation_name=question.get("operationName"),
            )
        return 200, result.formatted


class Root:
    """The store under the names of the schema: `issues` is a question there and a dict here."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if name == "issues":
            return lambda info, filter=None, **_: self._store.issues_(filter)  # noqa: A006
        return getattr(self._store, name)


def errors(message: str, kind: str, code: str, words: str = "") -> dict[str, Any]:
    extensions = {"type": kind, "code": code, "userPresentableMessage": words}
    return {"errors": [{"message": message, "extensions": extensions}], "data": None}


def says(status: int, body: Any) -> Fault:
    """Answer so, and do nothing."""
    return lambda server, execute: (status, body)


def commits_and_says(status: int, body: Any) -> Fault:
    """Do it, and answer as if not."""

    def fault(server: LinearServer, execute: Callable[[], Answered]) -> Answered:
        execute()
        return status, body

    return fault


def commits_and_hangs_up(server: LinearServer, execute: Callable[[], Answered]) -> Answered:
    execute()
    return None


def hangs_up(server: LinearServer, execute: Callable[[], Answered]) -> Answered:
    return None


def commits_slowly(seconds: float) -> Fault:
    """Do it, and answer when nobody waits any more."""

    def fault(server: LinearServer, execute: Callable[[], Answered]) -> Answered:
        answered = execute()
        time.sleep(seconds)
        return answered

    return fault


def commits_and_then(act: Callable[[], object]) -> Fault:
    """Do it, let something happen, and hang up."""

    def fault(server: LinearServer, execute: Callable[[], Answered]) -> Answered:
        execute()
        act()
        return None

    return fault


def works(server: LinearServer, execute: Callable[[], Answered]) -> Answered:
    """No fault: for a question before the one that fails."""
    return execute()


RATE_LIMITED = errors("Rate limit exceeded", "ratelimited", "RATELIMITED", "Too many requests.")
INTERNAL = errors("Internal server error", "internal error", "INTERNAL_SERVER_ERROR")


@contextmanager
def linear_server() -> Iterator[LinearServer]:
    linear = LinearServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answered = linear.answer(self.headers.get("Authorization", ""), json.loads(body))
            if answered is None:
                self.close_connection = True
                return
            status, value = answered
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            with suppress(OSError):  # who asked may have ended
                self.send_response(status)
                for name, words in linear.headers.items():
                    self.send_header(name, words)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        def log_message(self, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    linear.url = f"http://127.0.0.1:{http.server_port}/graphql"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield linear
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
