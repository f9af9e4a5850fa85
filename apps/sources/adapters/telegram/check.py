"""Asks Telegram for everything that the doctor looks at: a little of it for a check, all for an examination."""

from dataclasses import replace

import telegram
from django.utils.translation import gettext as _
from telegram.error import Conflict, TelegramError

from apps.sources.adapters.base import Finding, Surroundings
from apps.sources.adapters.telegram.doctor import Facts, Member, findings
from apps.sources.adapters.telegram.library import asked, refusal_of
from apps.sources.adapters.telegram.polling import BotConnection
from apps.sources.adapters.telegram.webhook import without_secrets
from tasktracker.lib.workflow import GiveUp, TryLater

MOST_CHATS = 20  # a person waits for it, and Telegram counts the questions
PROBE = 4  # seconds; whoever else polls takes our place within them


def check(token: str, *, is_pushed: bool, api_url: str) -> list[Finding]:
    """See `base.Checker`."""

    async def ask(bot: telegram.Bot) -> Facts:
        return await _facts(bot, is_pushed)

    try:
        return findings(asked(token, api_url, ask))
    except GiveUp as error:
        raise GiveUp(f"{error} {_where_the_token_is()}") from error


def examine(
    token: str, around: Surroundings, *, is_pushed: bool, source_id: int, api_url: str
) -> list[Finding]:
    """See `base.Examiner`."""

    async def ask(bot: telegram.Bot) -> tuple[Facts, Conflict | None]:
        known = await _facts(bot, is_pushed)
        may_probe = not (is_pushed or known.webhook.get("url") or around.is_listened_to)
        facts = replace(
            known,
            source_id=source_id,
            wanted_url=around.wanted_url,
            members=[
                Member(title, await _status(bot, chat_id))
                for chat_id, title in around.chats[:MOST_CHATS]
            ],
            trouble=around.last_error,
        )
        return facts, await _conflict(token, api_url) if may_probe else None

    try:
        facts, conflict = asked(token, api_url, ask)
        # In words only here: the questions run in a thread that knows nothing of the reader's language.
        sentence = str(refusal_of(conflict, token)) if conflict else ""
        return findings(replace(facts, conflict=sentence))
    except GiveUp as error:
        return [Finding(str(error), _where_the_token_is())]
    except TryLater as error:
        remedy = _(
            "See whether this machine reaches %(address)s: a firewall, a proxy, or the setting "
            "TELEGRAM_API_URL."
        )
        return [Finding(str(error), remedy % {"address": api_url})]


def _where_the_token_is() -> str:
    return _(
        "@BotFather shows the token (/mybots, API Token): save it in the settings of this source."
    )


async def _facts(bot: telegram.Bot, is_pushed: bool) -> Facts:
    me = await bot.get_me()
    webhook = (await bot.get_webhook_info()).to_dict()
    return Facts(bot=me, webhook=without_secrets(webhook, bot.token), is_pushed=is_pushed)


async def _status(bot: telegram.Bot, chat_id: str) -> str:
    """What the bot is in the chat; empty when Telegram does not say."""
    try:
        return str((await bot.get_chat_member(chat_id, bot.id)).status)
    except TelegramError:
        return ""


async def _conflict(token: str, api_url: str) -> Conflict | None:
    """Why polling is refused; without an offset a question confirms nothing."""
    try:
        async with BotConnection(token, api_url) as connection:
            await connection.updates(offset=0, long_poll=PROBE)
    except Conflict as error:
        return error
    return None
