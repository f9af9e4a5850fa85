"""What Telegram says of a bot and its webhook, and what a person can do about it."""

from typing import Literal
from urllib.parse import urlsplit

import telegram
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from telegram.error import TelegramError
from telegram.request import HTTPXRequest

from apps.sources.adapters.base import Finding
from apps.sources.adapters.telegram_library import refusal_of
from tasktracker.lib import loop
from tasktracker.lib.workflow import GiveUp, TryLater

TIMEOUT = 10.0  # seconds; a person waits for it


def check(token: str, mode: Literal["polling", "webhook"], *, api_url: str) -> list[Finding]:
    """See `base.Checker`."""
    if not token:
        raise GiveUp(_("There is no bot token."))
    try:
        bot, webhook = loop.run(_ask(token, api_url), timeout=TIMEOUT * 3)
    except TelegramError as error:
        raise refusal_of(error, token) from error
    except TimeoutError as error:
        raise TryLater(_("Telegram cannot be reached.")) from error
    delivery = _polling(webhook) if mode == "polling" else _delivery(webhook)
    return [_identity(bot), _privacy(bot), *delivery, _pending(webhook)]


async def _ask(token: str, api_url: str) -> tuple[telegram.User, telegram.WebhookInfo]:
    request = HTTPXRequest(connect_timeout=TIMEOUT, read_timeout=TIMEOUT)
    bot = telegram.Bot(token, base_url=f"{api_url.rstrip('/')}/bot", request=request)
    try:
        return await bot.get_me(), await bot.get_webhook_info()
    finally:
        await request.shutdown()


def _identity(bot: telegram.User) -> Finding:
    return Finding(_("The token is right. The bot is %(name)s.") % {"name": bot.name})


def _privacy(bot: telegram.User) -> Finding:
    if bot.can_read_all_group_messages:
        return Finding(_("Privacy mode is off: the bot gets every message of its groups."))
    return Finding(
        _(
            "Privacy mode is on: in groups the bot gets commands and answers to it, and nothing else."
        ),
        _(
            "Switch it off at @BotFather (/setprivacy, Disable), then remove the bot from each group and "
            "add it again. Where the bot is an administrator it gets everything anyway."
        ),
    )


def _polling(webhook: telegram.WebhookInfo) -> list[Finding]:
    if not webhook.url:
        return [Finding(_("The bot has no webhook, so it can be polled."))]
    return [
        Finding(
            _("The bot has a webhook at %(host)s, so Telegram answers polling with error 409.")
            % {"host": _host(webhook)},
            _("Delete the webhook at Telegram, or change the mode of this source to webhook."),
        )
    ]


def _delivery(webhook: telegram.WebhookInfo) -> list[Finding]:
    if not webhook.url:
        return [
            Finding(
                _("The bot has no webhook, so nothing comes in."),
                _(
                    "Set the webhook at Telegram with the address and the secret of this source, or change "
                    "its mode to polling."
                ),
            )
        ]
    found = [Finding(_("Telegram posts to %(host)s.") % {"host": _host(webhook)})]
    if webhook.last_error_date:
        moment = f"{webhook.last_error_date:%Y-%m-%d %H:%M} UTC"
        found.append(
            Finding(
                _("Telegram could not deliver at %(moment)s: %(reason)s.")
                % {"moment": moment, "reason": webhook.last_error_message or "?"},
                _(
                    "See whether the address answers from outside: HTTPS with a valid certificate, on port "
                    "443, 80, 88 or 8443. Telegram tries again by itself."
                ),
            )
        )
    return found


def _pending(webhook: telegram.WebhookInfo) -> Finding:
    count = webhook.pending_update_count
    text = ngettext(
        "%(count)d update waits at Telegram.", "%(count)d updates wait at Telegram.", count
    )
    return Finding(text % {"count": count})


def _host(webhook: telegram.WebhookInfo) -> str:
    """Not the whole address: other people's hold secrets, often the token itself."""
    return urlsplit(webhook.url).hostname or "?"
