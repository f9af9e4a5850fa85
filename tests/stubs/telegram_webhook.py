"""Posts updates to the bot's webhook as Telegram does: in the order of each chat, until they are taken.

A chat whose update fails waits with all its later updates; other chats go on.
"""

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from tests.stubs.telegram import TelegramServer

LONGEST_DELAY = 60.0  # seconds between two attempts
LONGEST_RETRY_AFTER = 3600.0
ANSWER_WITHIN = 30.0


class Posting(threading.Thread):
    """Runs until the server ends; posts only to this machine."""

    def __init__(self, telegram: "TelegramServer") -> None:
        super().__init__(name="posting to the webhook")
        self.telegram = telegram
        self.on_the_way: set[int] = set()  # chats
        self.not_before: dict[int, float] = {}  # by chat
        self.attempts: dict[int, int] = {}  # that failed, by update

    def run(self) -> None:
        telegram = self.telegram
        with ThreadPoolExecutor(100) as pool:
            while True:
                with telegram.changed:
                    if telegram.ended:
                        return
                    url = telegram.webhook["url"]
                    for update in self._due() if url.startswith("http://127.0.0.1:") else []:
                        self.on_the_way.add(chat_of(update))
                        pool.submit(self._post, url, update)
                    telegram.changed.wait(self._next())

    def _due(self) -> list[dict[str, Any]]:
        """The first update of every chat that neither waits nor is on its way."""
        now = time.monotonic()
        room = self.telegram.webhook.get("max_connections", 40) - len(self.on_the_way)
        due: dict[int, dict[str, Any]] = {}
        for update in self.telegram.updates:
            if len(due) >= room:
                break
            chat = chat_of(update)
            if chat not in self.on_the_way and self.not_before.get(chat, 0) <= now:
                due.setdefault(chat, update)
        return list(due.values())

    def _next(self) -> float | None:
        """Seconds until a chat may be tried again."""
        now = time.monotonic()
        return min(
            (moment - now for moment in self.not_before.values() if moment > now), default=None
        )

    def _post(self, url: str, update: dict[str, Any]) -> None:
        telegram, chat, number = self.telegram, chat_of(update), update["update_id"]
        status, reason, retry_after = self._answer(url, update)
        with telegram.changed:
            telegram.posts.append((number, status))
            self.on_the_way.discard(chat)
            if 200 <= status < 300:
                self.not_before.pop(chat, None)
                self.attempts.pop(number, None)
                telegram.updates = [item for item in telegram.updates if item is not update]
            else:
                failed = self.attempts[number] = self.attempts.get(number, 0) + 1
                delay = min(LONGEST_RETRY_AFTER, retry_after) or min(
                    LONGEST_DELAY, 2.0 ** (failed - 1)
                )
                self.not_before[chat] = time.monotonic() + delay * telegram.scale
                telegram.webhook["last_error_date"] = int(time.time())
                telegram.webhook["last_error_message"] = reason
            telegram.changed.notify_all()

    def _answer(self, url: str, update: dict[str, Any]) -> tuple[int, str, float]:
        """The status, or 0, what is wrong in Telegram's words, and the seconds to wait."""
        address = urlsplit(url)
        connection = http.client.HTTPConnection(
            str(address.hostname), address.port, timeout=ANSWER_WITHIN
        )
        headers = {"Content-Type": "application/json"}
        if self.telegram.webhook_secret:
            headers["X-Telegram-Bot-Api-Secret-Token"] = self.telegram.webhook_secret
        try:
            connection.request("POST", address.path, json.dumps(update).encode(), headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            is_refused = isinstance(error, ConnectionRefusedError)
            return 0, "Connection refused" if is_refused else "Connection reset by peer", 0
        finally:
            connection.close()
        reason = f"Wrong response from the webhook: {answer.status} {answer.reason}"
        after = answer.headers.get("Retry-After", "")
        return answer.status, reason, float(after) if after.isdecimal() else 0


def chat_of(update: dict[str, Any]) -> int:
    """Whose order counts; an update without a chat is alone."""
    for content in update.values():
        if isinstance(content, dict):
            about = content.get("message", content)
            if "chat" in about:
                return int(about["chat"]["id"])
    return int(update["update_id"])
