"""python-telegram-bot, made quiet: one question, and its errors as what to do."""

import logging
import os
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import telegram
from django.utils.translation import gettext as _
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)
from telegram.request import HTTPXRequest

from apps.sources.adapters.base import Moved, Occupied
from tasktracker.lib import loop
from tasktracker.lib.workflow import GiveUp, TryLater

#: Troubles before anything was sent; after them Telegram surely has nothing.
NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})
ASK_TIMEOUT = 10.0  # seconds; a person waits for it

Answer = TypeVar("Answer")

# The library announces that pauses will be timedeltas; take them now.
os.environ.setdefault("PTB_TIMEDELTA", "true")
# Below WARNING these write addresses, and Telegram's URLs hold the bot token.
for _name in ("httpx", "httpcore", "telegram"):
    logging.getLogger(_name).setLevel(logging.WARNING)


def refusal_of(error: TelegramError, token: str) -> GiveUp | TryLater:
    """The error of a question, which may be asked again; `trouble_of` is for what is done once."""
    reason = {"reason": _first_line(error).replace(token or "\0", "***")}
    match error:
        case RetryAfter():
            return TryLater(_("Telegram asks for a pause."), delay=_pause(error))
        case Conflict():
            # The long poll of a collector that died lives on at Telegram's for half a minute.
            return Occupied(_conflict_sentence(error))
        case InvalidToken() | Forbidden():
            return GiveUp(_("Telegram does not accept the bot token. Check it."))
        case NetworkError():
            return TryLater(_("Telegram cannot be reached: %(reason)s.") % reason)
        case _:
            return TryLater(_("Telegram refuses: %(reason)s.") % reason)


def asked(
    token: str,
    api_url: str,
    question: Callable[[telegram.Bot], Awaitable[Answer]],
    refusal: Callable[[TelegramError, str], Exception] = refusal_of,
) -> Answer:
    """What Telegram answers to `question`; raises what `refusal` makes of its errors."""
    if not token:
        raise GiveUp(_("There is no bot token."))
    try:
        return loop.run(_ask(token, api_url, question), timeout=ASK_TIMEOUT * 3)
    except TelegramError as error:
        raise refusal(error, token) from error
    except TimeoutError as error:
        raise TryLater(_("Telegram cannot be reached.")) from error


async def _ask(
    token: str, api_url: str, question: Callable[[telegram.Bot], Awaitable[Answer]]
) -> Answer:
    request = HTTPXRequest(connect_timeout=ASK_TIMEOUT, read_timeout=ASK_TIMEOUT)
    bot = telegram.Bot(token, base_url=f"{api_url.rstrip('/')}/bot", request=request)
    try:
        return await question(bot)
    finally:
        await request.shutdown()


def trouble_of(error: TelegramError) -> GiveUp | TryLater:
    """The library's error as what to do; never with the token, which stands in its addresses."""
    match error:
        case RetryAfter():
            return TryLater(_("Telegram asks for a pause."), delay=_pause(error))
        case InvalidToken():
            return GiveUp(_("Telegram does not accept the bot token. Check it."))
        case ChatMigrated():
            sentence = _("The group has become a supergroup with the id %(id)s.")
            new_id = str(error.new_chat_id)
            return Moved(sentence % {"id": new_id}, to=new_id)
        case Forbidden() | BadRequest():
            return GiveUp(_("Telegram refuses: %(reason)s.") % {"reason": _first_line(error)})
        case _ if error.__cause__ is None:
            return TryLater(_("Telegram is busy."))  # it answered, with an error
        case _ if type(error.__cause__).__name__ in NEVER_SENT:
            return TryLater(_("Telegram cannot be reached."))
        case _:
            return unknown()


def unknown() -> GiveUp:
    return GiveUp(_("Telegram did not say whether it took the text. Look into the chat first."))


def _conflict_sentence(error: Conflict) -> str:
    """Telegram has three texts: two for a webhook, which is there or came meanwhile, one for a poller."""
    said = str(error).lower()
    if "terminated by setwebhook" in said:
        return _(
            "A webhook was set for this bot, which ended polling. Open this source, press Webhook, then "
            "Delete, or change its mode to webhook."
        )
    if "webhook" in said:
        return _(
            "The bot has a webhook, so it cannot be polled. Open this source, press Webhook, then Delete."
        )
    return _("Somebody else polls this bot.")


def _pause(error: RetryAfter) -> timedelta:
    pause = error.retry_after
    return pause if isinstance(pause, timedelta) else timedelta(seconds=pause)


def _first_line(error: TelegramError) -> str:
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
