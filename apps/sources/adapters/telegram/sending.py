"""What the bot writes and asks in chats, over python-telegram-bot: texts, who it is, who commands it."""

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import TypeVar

import telegram
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError
from telegram.request import HTTPXRequest

from apps.sources.adapters.base import Button, Finding
from apps.sources.adapters.telegram.library import refusal_of, trouble_of, unknown
from tasktracker.lib import loop
from tasktracker.lib.workflow import GiveUp, TryLater

TIMEOUT = 20.0  # seconds
AVATAR_TIMEOUT = 3.0  # seconds; a page shows initials meanwhile
ADMINISTRATORS = frozenset({"creator", "administrator"})
#: What a client offers after a slash.
COMMANDS = {
    "help": gettext_lazy("What the bot can do"),
    "status": gettext_lazy("What is open"),
    "report": gettext_lazy("Report a problem"),
    "mute": gettext_lazy("Let the bot be quiet"),
    "optout": gettext_lazy("Do not store my messages"),
    "optin": gettext_lazy("Store my messages again"),
    "forget": gettext_lazy("Forget me"),
}
LANGUAGES = ("uk", "en")

Result = TypeVar("Result")


def send_text(
    token: str,
    chat_id: str,
    text: str,
    *,
    api_url: str,
    topic: str = "",
    reply_to: str = "",
    button: Button | None = None,
) -> str:
    """Post plain text without a sound; the message's id. Errors as in `base.Sender`."""
    answered, _colon, number = reply_to.rpartition(":")
    reply = (
        telegram.ReplyParameters(int(number), allow_sending_without_reply=True)
        if answered == chat_id
        else None
    )

    async def send(bot: telegram.Bot) -> str:
        sent = await bot.send_message(
            chat_id,
            text,
            disable_notification=True,
            link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
            message_thread_id=int(topic) if topic else None,
            reply_parameters=reply,
            reply_markup=_keyboard(button),
        )
        return str(sent.message_id)

    try:
        return _run(token, api_url, send)
    except TelegramError as error:
        raise trouble_of(error) from error
    except TimeoutError as error:
        raise unknown() from error


def edit_text(token: str, chat_id: str, message_id: str, text: str, *, api_url: str) -> None:
    """To do it twice is harmless, so an answer that is lost is no end. Errors as in `base.Answerer`."""

    async def edit(bot: telegram.Bot) -> None:
        await bot.edit_message_text(
            text,
            chat_id,
            int(message_id),
            link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
        )

    try:
        _run(token, api_url, edit)
    except BadRequest as error:
        if "not modified" not in str(error):
            raise trouble_of(error) from error
    except (Forbidden, ChatMigrated) as error:
        raise trouble_of(error) from error
    except TelegramError as error:
        raise refusal_of(error, token) from error
    except TimeoutError as error:
        raise TryLater(_("Telegram cannot be reached: %(reason)s.") % {"reason": "?"}) from error


def is_administrator(token: str, chat_id: str, author_id: str, *, api_url: str) -> bool:
    """Raises TryLater and GiveUp; whom Telegram does not know there is none."""

    async def ask(bot: telegram.Bot) -> bool:
        member = await bot.get_chat_member(chat_id, int(author_id))
        return member.status in ADMINISTRATORS

    if not author_id.removeprefix("-").isdecimal():
        return False
    try:
        return _run(token, api_url, ask)
    except BadRequest:
        return False
    except TelegramError as error:
        raise refusal_of(error, token) from error
    except TimeoutError as error:
        raise TryLater(_("Telegram cannot be reached: %(reason)s.") % {"reason": "?"}) from error


def picture_of(token: str, author_id: str, *, api_url: str) -> bytes:
    """The smallest of a person's newest photo; nothing for who has none or is a chat."""

    async def fetch(bot: telegram.Bot) -> bytes:
        photos = (await bot.get_user_profile_photos(int(author_id), limit=1)).photos
        if not photos or not photos[0]:
            return b""
        file = await photos[0][0].get_file()
        return bytes(await file.download_as_bytearray())

    if not author_id.isdecimal():
        return b""
    try:
        return _run(token, api_url, fetch, patience=AVATAR_TIMEOUT)
    except BadRequest:
        return b""
    except (TelegramError, TimeoutError) as error:
        raise TryLater(type(error).__name__) from None  # its text may hold the address


@lru_cache(maxsize=100)
def username_of(token: str, api_url: str) -> str:
    """What the bot is called; asked once per process. Raises TryLater and GiveUp."""

    async def ask(bot: telegram.Bot) -> str:
        return (await bot.get_me()).username or ""

    try:
        return _run(token, api_url, ask)
    except TelegramError as error:
        raise refusal_of(error, token) from error
    except TimeoutError as error:
        raise TryLater(_("Telegram cannot be reached: %(reason)s.") % {"reason": "?"}) from error


def list_commands(token: str, *, api_url: str) -> Finding:
    """Tell Telegram which commands there are, in both languages."""

    async def tell(bot: telegram.Bot) -> None:
        for language in (*LANGUAGES, None):  # None is for everybody else
            with override(language or "en"):
                known = [telegram.BotCommand(name, str(told)) for name, told in COMMANDS.items()]
            await bot.set_my_commands(known, language_code=language)

    try:
        _run(token, api_url, tell)
    except (TelegramError, TimeoutError):
        return Finding(
            _("Telegram did not take the list of commands."),
            _("They work without it. Check the connection again later."),
        )
    return Finding(_("The bot's commands are listed in its chats, in both languages."))


def _keyboard(button: Button | None) -> telegram.InlineKeyboardMarkup | None:
    if button is None:
        return None
    make = partial(telegram.InlineKeyboardButton, button.label)
    if button.is_app:
        key = make(web_app=telegram.WebAppInfo(button.url))
    else:
        key = make(url=button.url)
    return telegram.InlineKeyboardMarkup.from_button(key)


def _run(
    token: str,
    api_url: str,
    ask: Callable[[telegram.Bot], Awaitable[Result]],
    *,
    patience: float = TIMEOUT,
) -> Result:
    """Raises TelegramError, and TimeoutError when there is no answer at all."""
    if not token:
        raise GiveUp(_("There is no bot token."))

    async def run() -> Result:
        request = HTTPXRequest(
            connect_timeout=patience, read_timeout=patience, write_timeout=patience
        )
        base = api_url.rstrip("/")
        bot = telegram.Bot(
            token, base_url=f"{base}/bot", base_file_url=f"{base}/file/bot", request=request
        )
        try:
            return await ask(bot)
        finally:
            await request.shutdown()

    return loop.run(run(), timeout=patience * 3)
