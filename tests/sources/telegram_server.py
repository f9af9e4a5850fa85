"""A local server that answers the methods that we call as Telegram does, over real HTTP."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

TOKEN = "123456:AAF-a-token-that-nobody-may-see"


class TelegramServer:
    """Updates wait until a higher offset is asked for; `errors` are answered first."""

    def __init__(self, hold: float) -> None:
        self.hold = hold
        self.ending = threading.Event()
        self.updates: list[dict[str, Any]] = []
        self.errors: list[tuple[int, dict[str, Any]]] = []
        self.questions: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        self.hangs_up = False  # instead of an answer to sendMessage, which it has taken
        self.url = ""
        self.bot = {
            "id": 123456,
            "is_bot": True,
            "first_name": "Task Tracker",
            "username": "tracker_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": True,
        }
        self.webhook: dict[str, Any] = {
            "url": "",
            "has_custom_certificate": False,
            "pending_update_count": 0,
        }

    def add(self, *updates: dict[str, Any]) -> None:
        self.updates += updates

    def fail(self, code: int, description: str, **parameters: Any) -> None:
        answer: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
        self.errors.append((code, {**answer, **({"parameters": parameters} if parameters else {})}))

    def answer(self, path: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        if path == f"/bot{TOKEN}/sendMessage":
            return self.take(question)
        facts = {f"/bot{TOKEN}/getMe": self.bot, f"/bot{TOKEN}/getWebhookInfo": self.webhook}
        if path in facts:
            return self.errors.pop(0) if self.errors else (200, {"ok": True, "result": facts[path]})
        if path != f"/bot{TOKEN}/getUpdates":
            return 401, {"ok": False, "error_code": 401, "description": "Unauthorized"}
        self.questions.append(question)
        if self.errors:
            return self.errors.pop(0)
        offset = int(question.get("offset", 0))
        self.updates = [update for update in self.updates if update["update_id"] >= offset]
        if not self.updates:
            self.ending.wait(self.hold)
        return 200, {"ok": True, "result": self.updates[: int(question["limit"])]}

    def take(self, question: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        """A message for a chat; None for no answer."""
        if self.errors:
            return self.errors.pop(0)
        self.sent.append(question)
        if self.hangs_up:
            return None
        chat = {"id": int(question["chat_id"]), "type": "supergroup", "title": "Dev chat"}
        message = {"message_id": 700 + len(self.sent), "date": 1_772_442_000, "chat": chat}
        return 200, {"ok": True, "result": {**message, "text": question["text"]}}


@contextmanager
def telegram_server(*, hold: float = 0) -> Iterator[TelegramServer]:
    """A running server; with `hold` it keeps an empty answer back for that many seconds."""
    telegram = TelegramServer(hold)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            question = {name: values[0] for name, values in parse_qs(body).items()}
            answered = telegram.answer(self.path, question)
            if answered is None:
                self.close_connection = True
                return
            code, answer = answered
            data = json.dumps(answer).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            try:
                self.wfile.write(data)
            except OSError:
                pass  # who asked has ended

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    telegram.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield telegram
    finally:
        telegram.ending.set()
        server.shutdown()
        thread.join()
        server.server_close()
