"""getUpdates over python-telegram-bot, with the updates as Telegram wrote them.

Telegram forgets an update once a higher offset is asked for, so the offset only follows JetStream's
acknowledgements. It may also fall: after a week of silence Telegram numbers on from anywhere, and answers an offset
that is far beyond its last number from the beginning. The library's own Updater does it the other way round and loses updates in a crash.
"""

import json
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import telegram
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from apps.sources.adapters.base import Inbox, Payload
from apps.sources.adapters.telegram.library import refusal_of

#: Telegram keeps the previous list when none is given, so it is always given.
ALLOWED_UPDATES = (
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "my_chat_member",
    "message_reaction",  # comes only where the bot is an administrator
)
AT_ONCE = 100  # updates; Telegram gives no more
LONG_POLL = 50  # seconds; Telegram allows no more
SLACK = 10.0  # seconds that an answer may be later than the long poll


async def listen(token: str, inbox: Inbox, *, api_url: str, patience: int) -> None:
    """Publish everything, then raise the offset, then ask again. See `base.Listener`."""
    #: Updates are numbered per bot and server: the offset of another one would confirm them unseen.
    numbered_by = {"bot": token.partition(":")[0], "server": api_url}
    try:
        async with BotConnection(token, api_url) as bot:
            while True:
                position = await inbox.position()
                is_its_own = all(position.get(of, own) == own for of, own in numbered_by.items())
                offset = position.get("offset", 0) if is_its_own else 0
                updates = await bot.updates(offset=offset, long_poll=min(patience, LONG_POLL))
                last = max((update.number for update in updates), default=offset - 1)
                await inbox.take(updates, {**numbered_by, "offset": last + 1})
                if not updates and not patience:
                    return
    except TelegramError as error:
        raise refusal_of(error, token) from error


class BotConnection:
    """One bot's connection; raises telegram.error.TelegramError."""

    def __init__(self, token: str, api_url: str) -> None:
        self._request = _RawUpdates(read_timeout=SLACK)
        self._token = token
        self._api_url = api_url.rstrip("/")

    async def __aenter__(self) -> Self:
        self._bot = telegram.Bot(
            self._token,
            base_url=f"{self._api_url}/bot",
            request=self._request,
            get_updates_request=self._request,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._request.shutdown()

    async def updates(self, *, offset: int, long_poll: int) -> list[Payload]:
        """Updates from `offset` on; waits up to `long_poll` seconds for one."""
        self._request.taken = []
        await self._bot.get_updates(
            offset=offset or None,
            limit=AT_ONCE,
            timeout=long_poll,
            allowed_updates=list(ALLOWED_UPDATES),
            read_timeout=SLACK,
        )
        return _numbered(self._request.taken)


class _RawUpdates(HTTPXRequest):
    """Keeps the updates from the library, which fails a whole batch for one that it cannot parse."""

    taken: list[Any]

    def parse_json_payload(self, payload: bytes) -> dict[str, Any]:  # type: ignore[override]
        try:
            answer = json.loads(payload)
        except (ValueError, RecursionError):
            raise TelegramError("the answer is not JSON") from None
        if not isinstance(answer, dict):
            raise TelegramError("the answer is not an object")
        if isinstance(answer.get("result"), list):
            self.taken = answer["result"]
            answer["result"] = []
        return answer


def _numbered(updates: Sequence[Any]) -> list[Payload]:
    numbered = [
        Payload(update, update["update_id"])
        for update in updates
        if isinstance(update, dict) and isinstance(update.get("update_id"), int)
    ]
    if updates and not numbered:
        raise TelegramError("the answer holds no update that has a number")
    return numbered
