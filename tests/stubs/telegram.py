"""A local Bot API server that answers as Telegram's does, over real HTTP; one bot, with the token TOKEN.

    with telegram_server() as telegram:
        settings.TELEGRAM_API_URL = telegram.url
        telegram.add(update, ...)          # waits to be polled, or is posted to the webhook
        telegram.fail(429, "Too Many Requests: retry after 7", retry_after=7)   # the next call
        telegram.hang_up(method="sendMessage")     # the next one is done, and nobody hears of it
        telegram.add_chat(-100, title="Dev"); telegram.add_member(-100, 7, status="administrator")
        telegram.add_photo(7, b"...")      # the avatar of a user, to be downloaded

What it has heard: `calls` (every method with its form), `questions` (getUpdates), `sent`, `edited`,
`answered`, `commands`, `posts` (what the webhook said to each update). What waits: `updates`.

The methods are in telegram_methods.py, the posting to a webhook in telegram_webhook.py. A webhook may be
any HTTPS address, and then nothing is posted; `http://127.0.0.1:...`, as a local Bot API server takes it,
is posted to.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.stubs.telegram_methods import METHODS, Form, HungUp, Refusal, allowed
from tests.stubs.telegram_webhook import Posting

TOKEN = "123456:AAF-a-token-that-nobody-may-see"
LONGEST_POLL = 50  # seconds
TOO_SOON = 0.5  # seconds; whoever repeats an offset sooner gets one update
CONFLICT_PAUSE = 3.0  # seconds until somebody hears of a second conflict

GIFTS = (  # of every chat, as getChat has them
    "unlimited_gifts",
    "limited_gifts",
    "unique_gifts",
    "premium_subscription",
    "gifts_from_channels",
)
WEBHOOK_IS_SET = (
    "Conflict: can't use getUpdates method while webhook is active; "
    "use deleteWebhook to delete the webhook first"
)
ENDED_BY_WEBHOOK = "Conflict: terminated by setWebhook request"
ENDED_BY_POLL = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"


class TelegramServer:
    """The state of the server. `changed` guards it, and is told of every change."""

    def __init__(self, hold: float, scale: float) -> None:
        self.hold = hold  # seconds that an empty answer is kept back at most
        self.scale = scale  # of the seconds between two attempts at a webhook
        self.url = ""
        self.changed = threading.Condition()
        self.ended = False
        self.updates: list[dict[str, Any]] = []
        self.faults: list[tuple[str, Exception]] = []
        self.trouble: Callable[[str], Exception | None] = lambda method: None  # asked at every call
        self.hangs_up = False  # instead of every answer to sendMessage, which it has taken
        self.calls: list[tuple[str, Form]] = []
        self.questions: list[Form] = []
        self.sent: list[Form] = []
        self.edited: list[Form] = []
        self.answered: list[Form] = []
        self.commands: list[Form] = []
        self.messages: dict[tuple[str, str], Form] = {}  # what the bot wrote, by chat and number
        self.chats: dict[str, dict[str, Any]] = {}
        self.members: dict[tuple[str, str], dict[str, Any]] = {}
        self.photos: dict[str, list[str]] = {}  # of a user, as file ids
        self.files: dict[str, bytes] = {}
        self.bot: dict[str, Any] = {
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
        self.webhook_secret = ""
        self.allowed_updates: list[str] | None = None  # nobody has said yet: all of them
        self.posts: list[tuple[int, int]] = []  # update_id, and the webhook's status or 0
        self.conflicts = 0  # calls that were answered 409
        self.posting: Posting | None = None
        self._turn = 0  # the newest getUpdates; only one may wait
        self._last_question = (0, 0.0)
        self._last_conflict = 0.0

    # What happens in the chats

    def add(self, *updates: dict[str, Any]) -> None:
        """Updates for the bot; of kinds that it did not ask for, nothing is kept."""
        with self.changed:
            self.updates += [update for update in updates if allowed(update, self.allowed_updates)]
            self.changed.notify_all()

    def add_chat(self, chat_id: int, *, title: str = "", **more: Any) -> None:
        """A chat that the bot is in; `migrate_to` is the id of the supergroup that it became."""
        self.chats[str(chat_id)] = {
            "id": chat_id,
            "type": "supergroup",
            "title": title,
            "accent_color_id": 0,
            "max_reaction_count": 11,
            "accepted_gift_types": dict.fromkeys(GIFTS, False),
            **more,
        }

    def add_member(
        self, chat_id: int, user_id: int, *, status: str = "member", **more: Any
    ) -> None:
        """Status is creator, administrator, member, restricted, left or kicked."""
        user = {"id": user_id, "is_bot": False, "first_name": f"User {user_id}"}
        if user_id == self.bot["id"]:
            user = self.bot
        self.members[str(chat_id), str(user_id)] = {"user": user, "status": status, **more}

    def add_photo(self, user_id: int, content: bytes) -> str:
        """The newest avatar of a user; its file id."""
        file_id = f"photo-{user_id}-{len(self.files)}"
        self.files[file_id] = content
        self.photos.setdefault(str(user_id), []).insert(0, file_id)
        return file_id

    # How it misbehaves

    def fail(self, code: int, description: str, *, method: str = "", **parameters: Any) -> None:
        """What the next call of the method, or of any, is answered."""
        self.faults.append((method, Refusal(code, description, **parameters)))

    def hang_up(self, *, method: str = "") -> None:
        """Do what the next call of the method asks for, and end the connection without an answer."""
        self.faults.append((method, HungUp()))

    def wait_until_taken(self, seconds: float) -> bool:
        """Whether all updates were confirmed, or taken by the webhook, within so many seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: not self.updates, seconds)

    # What it is asked

    def answer(self, method: str, form: Form) -> Any:
        """The result of one method; raises Refusal or HungUp."""
        self.calls.append((method, form))
        if method == "getUpdates":
            self.questions.append(form)
        fault = self._fault(method)
        if isinstance(fault, Refusal):
            raise fault
        result = self._poll(form) if method == "getUpdates" else METHODS[method](self, form)
        if fault is not None or (method == "sendMessage" and self.hangs_up):
            raise HungUp
        return result

    def end_polls(self) -> None:
        """A new webhook, or the end of the server."""
        with self.changed:
            self._turn += 1
            self.changed.notify_all()

    def _fault(self, method: str) -> Exception | None:
        for number, (wanted, fault) in enumerate(self.faults):
            if wanted in ("", method):
                del self.faults[number]
                return fault
        return self.trouble(method)

    def _poll(self, form: Form) -> list[dict[str, Any]]:
        offset = int(form.get("offset", 0))
        limit = min(max(int(form.get("limit", 100)), 1), 100)
        patience = min(max(float(form.get("timeout", 0)), 0), LONGEST_POLL, self.hold)
        with self.changed:
            if self.webhook["url"]:
                raise self._conflict(WEBHOOK_IS_SET)
            if "allowed_updates" in form:
                self.allowed_updates = json.loads(form["allowed_updates"])
            last_offset, last_moment = self._last_question
            self._last_question = (offset, time.monotonic())
            if offset == last_offset and time.monotonic() < last_moment + TOO_SOON:
                limit = 1
            self._confirm(offset)
            self.end_polls()
            turn = self._turn
            self.changed.wait_for(lambda: self.updates or self._turn != turn, patience)
            if self._turn != turn:
                raise self._conflict(ENDED_BY_WEBHOOK if self.webhook["url"] else ENDED_BY_POLL)
            return self.updates[:limit]

    def _confirm(self, offset: int) -> None:
        """Forget what is below the offset; a negative one counts from the end, one from the future for nothing."""
        if offset > max((item["update_id"] for item in self.updates), default=offset) + 10:
            return  # tdlib's TQueue: "Specified from_id is in the future"
        if offset < 0:
            self.updates = self.updates[offset:]
        elif offset:
            self.updates = [item for item in self.updates if item["update_id"] >= offset]

    def _conflict(self, description: str) -> Refusal:
        if time.monotonic() < self._last_conflict + CONFLICT_PAUSE:
            self.changed.wait_for(lambda: self.ended, min(CONFLICT_PAUSE, self.hold))
        self._last_conflict = time.monotonic()
        self.conflicts += 1
        return Refusal(409, description)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    telegram: TelegramServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer(_form(self.path, body, self.headers.get("Content-Type", "")))

    def do_GET(self) -> None:
        path = unquote(self.path)  # the library writes the colon of the token as %3A
        if path.startswith(f"/file/bot{TOKEN}/"):
            self.download(path.removeprefix(f"/file/bot{TOKEN}/"))
        else:
            self.answer(_form(self.path, b"", ""))

    def answer(self, form: Form) -> None:
        """Telegram knows a method in any case of its letters, too; nobody needs that."""
        bot, _slash, method = urlsplit(self.path).path.removeprefix("/bot").partition("/")
        try:
            if bot != TOKEN:
                raise Refusal(401, "Unauthorized")
            if method != "getUpdates" and method not in METHODS:
                raise Refusal(404, "Not Found: method not found")
            answer = {"ok": True, "result": self.telegram.answer(method, form)}
        except Refusal as refusal:
            self.send(refusal.code, json.dumps(refusal.answer).encode())
        except HungUp:
            self.close_connection = True
        else:
            self.send(200, json.dumps(answer).encode())

    def download(self, path: str) -> None:
        content = self.telegram.files.get(path.partition("/")[2])
        if content is None:
            refusal = Refusal(404, "Not Found")
            self.send(404, json.dumps(refusal.answer).encode())
        else:
            self.send(200, content, "application/octet-stream")

    def send(self, code: int, data: bytes, kind: str = "application/json") -> None:
        try:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            pass  # who asked has ended
        self.close_connection |= self.telegram.ended

    def log_message(self, *args: Any) -> None:
        pass


class QuietServer(ThreadingHTTPServer):
    """Who asks may be killed meanwhile."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def telegram_server(
    *, hold: float = 0, scale: float = 1, port: int = 0
) -> Iterator[TelegramServer]:
    """A running server.

    With `hold` it keeps an empty answer back for that many seconds, and its second conflict for up to
    three; `scale` shortens the seconds between two attempts at a webhook. Without a `port` it takes any.
    """
    telegram = TelegramServer(hold, scale)

    handler = type("OneHandler", (Handler,), {"telegram": telegram})
    server = QuietServer(("127.0.0.1", port), handler)
    telegram.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield telegram
    finally:
        with telegram.changed:
            telegram.ended = True
            telegram.end_polls()
        if telegram.posting:
            telegram.posting.join()
        server.shutdown()
        thread.join()
        server.server_close()


def _form(path: str, body: bytes, kind: str) -> Form:
    """The arguments of a call, from the address and a form or JSON."""
    pairs = dict(parse_qsl(urlsplit(path).query, keep_blank_values=True))
    if kind.startswith("application/json"):
        said = json.loads(body or b"{}").items()
        return pairs | {
            name: value if isinstance(value, str) else json.dumps(value) for name, value in said
        }
    return pairs | dict(parse_qsl(body.decode(), keep_blank_values=True))
