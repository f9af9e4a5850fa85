"""A Linear over real HTTP: it executes the schema next to it, and fails in the ways that Linear does."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from graphql import build_schema, graphql_sync, parse, validate

from tests.stubs.linear.oauth import Oauth
from tests.stubs.linear.store import Issue, Store

KEY = "lin_api_a-key-that-nobody-may-see"
SCHEMA = build_schema(Path(__file__).with_name("schema.graphql").read_text())

#: What a fault does with one question: (status, body), or None to hang up.
Answered = tuple[int, Any] | None
Fault = Callable[["LinearServer", Callable[[], Answered]], Answered]


class LinearServer:
    """Questions are answered from the store, after the faults that wait, each for one question."""

    def __init__(self) -> None:
        self.store = Store()
        self.oauth = Oauth()
        self.faults: list[Fault] = []
        self.headers: dict[str, str] = {}
        self.questions: list[str] = []
        self.url = ""
        self.lock = threading.Lock()

    def reset(self) -> None:
        self.store, self.faults, self.headers, self.questions = Store(), [], {}, []
        self.oauth = Oauth()
        self.store.url = self.url.removesuffix("/graphql")

    def answer(self, key: str, question: dict[str, Any]) -> Answered:
        self.questions.append(question.get("operationName") or "")
        kind, _, token = key.partition(" ")
        if key != KEY and not (kind == "Bearer" and token in self.oauth.access):
            return 401, errors(
                "Authentication required", "authentication error", "AUTHENTICATION_ERROR"
            )
        execute = lambda: self._execute(question)  # noqa: E731
        fault = self.faults.pop(0) if self.faults else None
        return fault(self, execute) if fault else execute()

    def _execute(self, question: dict[str, Any]) -> Answered:
        if validate(SCHEMA, parse(question["query"])):
            return 400, errors("Cannot query", "graphql error", "GRAPHQL_VALIDATION_FAILED")
        with self.lock:  # several workers ask at once
            result = graphql_sync(
                SCHEMA,
                question["query"],
                root_value=Root(self.store),
                variable_values=question.get("variables"),
                operation_name=question.get("operationName"),
            )
        return 200, result.formatted


class Root:
    """The store under the names of the schema: `issues` and `comments` are questions there and dicts here."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        if name == "issues":
            return lambda info, includeArchived=False, **how: self._store.issues_(**how)
        if name == "comments":
            return lambda info, **how: self._store.comments_(**how)
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


def signature(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def call(
    issue: Issue, secret: str, *, action: str = "update", sent: float | None = None, **changes: Any
) -> tuple[bytes, dict[str, str]]:
    """What Linear posts about one of its issues, and its headers."""
    moment = int((time.time() if sent is None else sent) * 1000)
    data = {
        "id": issue.id,
        "identifier": issue.identifier,
        "title": issue.title,
        "updatedAt": issue.updatedAt,
        "archivedAt": issue.archivedAt,
        "trashed": issue.trashed,
        "priority": issue.priority,
        "state": {"id": issue.state.id, "name": issue.state.name, "type": issue.state.type},
        "assignee": issue.assignee and {"id": issue.assignee.id, "name": issue.assignee.name},
        "url": issue.url,
    }
    body = {
        "action": action,
        "type": "Issue",
        "data": data,
        "url": issue.url,
        "organizationId": "o-1",
        "webhookId": "w-1",
        "webhookTimestamp": moment,
        **changes,
    }
    raw = json.dumps(body).encode()
    return raw, {
        "Linear-Signature": signature(raw, secret),
        "Linear-Timestamp": str(moment),
        "Linear-Event": str(body["type"]),
        "Content-Type": "application/json; charset=utf-8",
    }


RATE_LIMITED = errors("Rate limit exceeded", "ratelimited", "RATELIMITED", "Too many requests.")
INTERNAL = errors("Internal server error", "internal error", "INTERNAL_SERVER_ERROR")


class Handler(BaseHTTPRequestHandler):
    linear: LinearServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The page on which a person says yes."""
        there = self.linear.oauth.authorize(dict(parse_qsl(urlsplit(self.path).query)))
        self.send_response(302 if there else 400)
        self.send_header("Location", there or "")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/oauth/"):
            self._let_in(dict(parse_qsl(body.decode())))
            return
        answered = self.linear.answer(self.headers.get("Authorization", ""), json.loads(body))
        if answered is None:
            self.close_connection = True
            return
        status, value = answered
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        with suppress(OSError):  # who asked may have ended
            self.send_response(status)
            for name, words in self.linear.headers.items():
                self.send_header(name, words)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def _let_in(self, form: dict[str, str]) -> None:
        oauth = self.linear.oauth
        answer = oauth.revoke if self.path == "/oauth/revoke" else oauth.token
        with self.linear.lock:
            fault = self.linear.faults.pop(0) if self.linear.faults else None
            answered = fault(self.linear, lambda: answer(form)) if fault else answer(form)
        if answered is None:
            self.close_connection = True
            return
        data = json.dumps(answered[1]).encode()
        self.send_response(answered[0])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_PUT(self) -> None:
        """What is uploaded: only to a signed address, with the headers that were asked for."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        file = self.linear.store.files.get(self.path.partition("?")[0])
        headers = {name.lower(): value for name, value in self.headers.items()}
        is_signed = file is not None and len(headers) == len(self.headers)  # each once
        if is_signed:
            file.update(content=content, headers=headers)
        self.send_response(200 if is_signed else 403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        pass


@contextmanager
def linear_server() -> Iterator[LinearServer]:
    linear = LinearServer()

    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"linear": linear}))
    http.daemon_threads = True
    linear.url = f"http://127.0.0.1:{http.server_port}/graphql"
    linear.reset()
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield linear
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
