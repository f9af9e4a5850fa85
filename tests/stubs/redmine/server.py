"""A Redmine over real HTTP that fails in ways in which a real one cannot be made to."""

import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.stubs.linear.server import Answered, Fault
from tests.stubs.redmine.store import Store


class RedmineServer:
    """Questions are answered from the store, after the faults that wait, each for one question."""

    def __init__(self, make_store: Callable[[], Any] = Store) -> None:
        self._make_store = make_store
        self.store = make_store()
        self.faults: list[Fault] = []
        self.headers: dict[str, str] = {}
        self.questions: list[str] = []
        self.url = ""
        self._lock = threading.Lock()

    def reset(self) -> None:
        self.store, self.faults = self._make_store(), []
        self.headers, self.questions = {}, []

    def answer(self, method: str, target: str, body: bytes, headers: Any) -> Answered:
        self.questions.append(f"{method} {target.partition('?')[0]}")

        def execute() -> Answered:
            with self._lock:  # several workers ask at once
                return self.store.answer(method, target, body, headers)

        fault = self.faults.pop(0) if self.faults else None
        return fault(self, execute) if fault else execute()  # type: ignore[arg-type]


def call_of(
    kind: str, issue: dict[str, Any], secret: str, *, moment: str = "2026-03-02T10:00:00Z"
) -> tuple[bytes, dict[str, str]]:
    """What Redmine 7 posts when an issue changes (app/models/webhook.rb, issues/show.api.rsb)."""
    person = {"id": 3, "name": "Redmine Admin"}
    shown = {"tracker": {"id": 1, "name": "Bug"}, "author": person, "done_ratio": 0, **issue}
    data: dict[str, Any] = {"issue": shown if issue else {}}
    if kind == "updated":
        data["journal"] = {
            "id": 5,
            "created_on": moment,
            "notes": "",
            "user": person,
            "details": [
                {"property": "attr", "prop_key": "status_id", "old_value": "1", "value": "2"}
            ],
        }
    call = {"type": f"issue.{kind}", "timestamp": moment, "data": data}
    words = json.dumps(call, ensure_ascii=False, separators=(",", ":"))
    for sign in "<>&":  # Rails writes none of them into JSON
        words = words.replace(sign, f"\\u{ord(sign):04x}")
    body = words.encode()
    signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
    headers = {"Accept": "*/*", "User-Agent": "Redmine"}
    return body, {**headers, "X-Redmine-Signature-256": f"sha256={signature}"}


@contextmanager
def redmine_server(make_store: Callable[[], Any] = Store) -> Iterator[RedmineServer]:
    redmine = RedmineServer(make_store)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answered = redmine.answer(self.command, self.path, body, self.headers)
            if answered is None:
                self.close_connection = True
                return
            status, value = answered
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            with suppress(OSError):  # who asked may have ended
                self.send_response(status)
                for name, words in redmine.headers.items():
                    self.send_header(name, words)
                self.send_header("Content-Type", "application/json; charset=utf-8")
                if status != 204:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_DELETE = answer

        def log_message(self, *args: Any) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    redmine.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield redmine
    finally:
        http.shutdown()
        thread.join()
        http.server_close()
