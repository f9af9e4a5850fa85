"""The webhook of a bot: where Telegram may post to, and the calls that set, tell and delete it."""

import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _
from telegram.error import BadRequest, TelegramError

from apps.sources.adapters.base import Finding, WrongAddress
from apps.sources.adapters.telegram.library import asked, refusal_of
from apps.sources.adapters.telegram.polling import ALLOWED_UPDATES
from tasktracker.lib.workflow import GiveUp

PORTS = (443, 80, 88, 8443)
#: What a bot gets as long as nobody has said anything about it.
NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})


def check_address(url: str) -> None:
    """Raise WrongAddress with the rule of Telegram's that the address breaks."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        raise WrongAddress(
            _("Telegram posts to HTTPS addresses only: take one that begins with https://.")
        )
    if parts.port not in (None, *PORTS):
        raise WrongAddress(
            _("Telegram posts to the ports 443, 80, 88 and 8443 only, not to %(port)d.")
            % {"port": parts.port}
        )
    if not _is_public(host):
        raise WrongAddress(
            _(
                "Telegram cannot reach %(host)s: it is a name of your own machine or network. Take the one "
                "under which the internet knows it."
            )
            % {"host": host}
        )


def set_webhook(token: str, url: str, secret: str, *, api_url: str) -> None:
    """Have Telegram post here. What waits there comes here; nothing is dropped."""
    check_address(url)
    asked(
        token,
        api_url,
        lambda bot: bot.set_webhook(
            url,
            secret_token=secret,
            allowed_updates=list(ALLOWED_UPDATES),
            drop_pending_updates=False,
        ),
        refused,
    )


def delete_webhook(token: str, *, api_url: str) -> None:
    """Have Telegram post nowhere; what waits there is kept for whoever asks next."""
    asked(token, api_url, lambda bot: bot.delete_webhook(drop_pending_updates=False), refused)


def webhook_told(token: str, *, api_url: str) -> dict[str, Any]:
    """What getWebhookInfo says, with nothing in it that opens somebody's door."""
    told = asked(token, api_url, lambda bot: bot.get_webhook_info(), refused).to_dict()
    return without_secrets(told, token)


def chat_title(token: str, chat_id: str, *, api_url: str) -> str | None:
    """The name of a chat that the bot knows; None for one that it does not."""
    try:
        chat = asked(token, api_url, lambda bot: bot.get_chat(chat_id), refused)
    except GiveUp:
        return None
    return chat.effective_name or ""


def without_secrets(told: Mapping[str, Any], token: str) -> dict[str, Any]:
    """Other people's addresses hold secrets, often the token itself: only their host is kept."""
    url = str(told.get("url", ""))
    reason = str(told.get("last_error_message", ""))
    shown = {**told, "url": url if is_one_of_ours(url) else f"https://{host_of(url)}/…"}
    if token and token in reason:
        shown["last_error_message"] = reason.replace(token, "***")
    return shown


def host_of(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2] or "?"
    except ValueError:
        return "?"


def missing_updates(told: Mapping[str, Any]) -> list[str]:
    """Kinds of updates that we read and that the webhook was not set for."""
    allowed = told.get("allowed_updates")
    if allowed:
        return [kind for kind in ALLOWED_UPDATES if kind not in allowed]
    return [kind for kind in ALLOWED_UPDATES if kind in NOT_BY_DEFAULT]


def deviations(
    told: Mapping[str, Any], *, is_pushed: bool, wanted: str, source_id: int
) -> list[Finding]:
    """Where Telegram's webhook is not what the settings of the source ask for."""
    url = str(told.get("url", ""))
    if not is_pushed:
        return [_in_the_way(url)] if url else []
    if not url:
        return [
            Finding(
                _("The bot has no webhook, so nothing comes in."),
                _("Press Set on the webhook page of this source, or change its mode to polling."),
            )
        ]
    found = []
    if wanted and not is_expected(url, wanted=wanted, source_id=source_id):
        found.append(
            Finding(
                _("Telegram posts to %(there)s, and this source expects it at %(here)s.")
                % {
                    "there": host_of(url) if host_of(url) != host_of(wanted) else url,
                    "here": wanted,
                },
                _(
                    "Press Set on the webhook page of this source: whoever was there gets nothing then."
                ),
            )
        )
    if missing := missing_updates(told):
        found.append(
            Finding(
                _("The webhook was set without these kinds of updates: %(kinds)s.")
                % {"kinds": ", ".join(missing)},
                _("Press Set on the webhook page of this source: it asks for all of them."),
            )
        )
    return found


def is_expected(url: str, *, wanted: str, source_id: int) -> bool:
    """Whether it is the source's address, with or without its number."""
    return bool(wanted) and url.rstrip("/") in (wanted, f"{wanted}/{source_id}")


def refused(error: TelegramError, token: str) -> Exception:
    """What Telegram said no to will not be right the next time, either."""
    if isinstance(error, BadRequest):
        reason = str(error).partition("\n")[0][:200].replace(token or "\0", "***")
        return GiveUp(_("Telegram refuses: %(reason)s.") % {"reason": reason.rstrip(".")})
    return refusal_of(error, token)


def _in_the_way(url: str) -> Finding:
    return Finding(
        _("The bot has a webhook at %(host)s, so Telegram answers polling with error 409.")
        % {"host": host_of(url)},
        _(
            "Delete the webhook on the webhook page of this source, or change its mode to webhook. Whoever "
            "set it gets nothing then."
        ),
    )


def is_one_of_ours(url: str) -> bool:
    """By its way, which is all that ours hold; under any host."""
    path = urlsplit(url).path if url.isprintable() else "?"
    ours = path.rstrip("/").removeprefix("/webhook/telegram").removeprefix("/")
    is_way = path.startswith("/webhook/telegram") and (not ours or ours.isdigit())
    return not url or (is_way and not set("?#@<>") & set(url))


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal", ".lan"))
