"""What is wrong between a bot and us, from what Telegram says: plain facts in, sentences with remedies out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import telegram
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.sources.adapters.base import Finding, WrongAddress
from apps.sources.adapters.telegram.webhook import check_address, deviations, host_of

MANY = 100  # updates that wait; fewer come and go by themselves
PASSED = timedelta(minutes=10)  # since the last failed delivery, with nothing waiting any more

#: Words in Telegram's reason for a failed delivery, and what helps; the first that fits.
REMEDIES = (
    (
        ("ssl", "certificate"),
        gettext_lazy(
            "Telegram does not trust the certificate: renew it, let the server send the whole chain, and "
            "take one that is not self-signed."
        ),
    ),
    (
        ("401", "403"),
        gettext_lazy(
            "The secret that Telegram sends is not the one of this source, or the source is switched off: "
            "press Set on its webhook page."
        ),
    ),
    (
        ("404", "405", "301", "302", "307", "308"),
        gettext_lazy(
            "Something else answers there: see whether the proxy passes /webhook/ on to Task Tracker, "
            "without a redirect."
        ),
    ),
    (
        ("500", "502", "503", "504"),
        gettext_lazy(
            "Task Tracker or the proxy before it cannot take messages: look at /api/health. Telegram tries "
            "again by itself."
        ),
    ),
    (
        ("resolve", "dns"),
        gettext_lazy(
            "The host name is not known in the internet: check the base URL and its DNS entry."
        ),
    ),
    (
        ("refused", "timed out", "timeout", "unreachable", "reset"),
        gettext_lazy(
            "Nothing answers from outside: open the port in the firewall, and see that the proxy runs."
        ),
    ),
)
ANY_REMEDY = gettext_lazy(
    "See whether the address answers from outside: HTTPS with a valid certificate, on port 443, 80, 88 or "
    "8443. Telegram tries again by itself."
)


@dataclass(frozen=True)
class Member:
    """What the bot is in one monitored chat; `status` as getChatMember says it, empty when it refuses."""

    chat: str
    status: str


@dataclass(frozen=True)
class Facts:
    """What Telegram said, and what we want of it."""

    bot: telegram.User
    webhook: Mapping[str, Any]  # getWebhookInfo
    is_pushed: bool
    source_id: int = 0
    wanted_url: str = ""
    members: Sequence[Member] = ()
    conflict: str = ""  # why polling is refused
    trouble: str = ""  # the last error of whoever listens
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


def findings(facts: Facts) -> list[Finding]:
    """Everything, in the order in which one would look."""
    return [
        Finding(_("The token is right. The bot is %(name)s.") % {"name": facts.bot.name}),
        _privacy(facts.bot),
        *_address(facts),
        *_delivery(facts),
        _pending(facts),
        *_polling(facts),
        *_members(facts),
    ]


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


def _address(facts: Facts) -> Iterator[Finding]:
    """Whether the address that we want is one that Telegram would post to."""
    if not (facts.is_pushed and facts.wanted_url):
        return
    try:
        check_address(facts.wanted_url)
    except WrongAddress as rule:
        remedy = _("Change the base URL on the webhook page of this source, then press Set.")
        yield Finding(str(rule), remedy)


def _delivery(facts: Facts) -> Iterator[Finding]:
    url = str(facts.webhook.get("url", ""))
    found = deviations(
        facts.webhook,
        is_pushed=facts.is_pushed,
        wanted=facts.wanted_url,
        source_id=facts.source_id,
    )
    yield from found
    if not found and facts.is_pushed:
        yield Finding(_("Telegram posts to %(host)s.") % {"host": host_of(url)})
    elif not found:
        yield Finding(_("The bot has no webhook, so it can be polled."))
    if facts.is_pushed and url:
        yield from _last_error(facts)


def _last_error(facts: Facts) -> Iterator[Finding]:
    moment = facts.webhook.get("last_error_date")
    if not isinstance(moment, int):
        return
    failed_at = datetime.fromtimestamp(moment, UTC)
    reason = str(facts.webhook.get("last_error_message") or "?")
    told = {
        "moment": f"{failed_at:%Y-%m-%d %H:%M} UTC",
        "ago": timesince(failed_at, facts.now, depth=1),
        "reason": reason,
    }
    if not _waiting(facts) and facts.now - failed_at > PASSED:
        text = _(
            "The last failed delivery was at %(moment)s (%(ago)s ago); all came in since: %(reason)s."
        )
        yield Finding(text % told)
    else:
        text = _("Telegram could not deliver at %(moment)s (%(ago)s ago): %(reason)s.")
        yield Finding(text % told, str(_remedy(reason)))


def _remedy(reason: str) -> Any:
    said = reason.casefold()
    for words, remedy in REMEDIES:
        if any(word in said for word in words):
            return remedy
    return ANY_REMEDY


def _pending(facts: Facts) -> Finding:
    count = _waiting(facts)
    text = ngettext(
        "%(count)d update waits at Telegram.", "%(count)d updates wait at Telegram.", count
    )
    remedy = ""
    if count >= MANY and facts.is_pushed:
        remedy = _(
            "They come by themselves as soon as a delivery works. Telegram drops what is older than a day; "
            "only an import of the chat's export brings it back."
        )
    elif count >= MANY:
        remedy = _(
            "Nobody fetches them: see that the collector runs and that this source is active. Telegram "
            "drops what is older than a day."
        )
    return Finding(text % {"count": count}, remedy)


def _polling(facts: Facts) -> Iterator[Finding]:
    if facts.conflict:
        yield Finding(
            facts.conflict,
            _(
                "Stop the other program: another installation, a script, a bot on a colleague's laptop. When "
                "nobody knows it, take a new token at @BotFather (/revoke) and save it here."
            ),
        )
    elif facts.trouble and not (facts.is_pushed or facts.webhook.get("url")):
        yield Finding(
            _("The last trouble of this source: %(trouble)s") % {"trouble": facts.trouble},
            _("It goes away by itself once messages come in again; else see what is said above."),
        )


def _members(facts: Facts) -> Iterator[Finding]:
    seeing = [one for one in facts.members if one.status in ("administrator", "creator")]
    if seeing:
        text = ngettext(
            "In %(count)d monitored group the bot is an administrator, so it sees reactions.",
            "In %(count)d monitored groups the bot is an administrator, so it sees reactions.",
            len(seeing),
        )
        yield Finding(text % {"count": len(seeing)})
    for one in facts.members:
        if one.status in ("", "left", "kicked"):
            yield Finding(
                _("The bot is not in “%(chat)s”, so nothing comes from there.")
                % {"chat": one.chat},
                _("Add it to the group again, or stop monitoring the group under Chats."),
            )
        elif one not in seeing:
            yield Finding(
                _("In “%(chat)s” the bot is no administrator, so it sees no reactions.")
                % {"chat": one.chat},
                _("Make it an administrator of the group; it needs no right besides."),
            )


def _waiting(facts: Facts) -> int:
    return int(facts.webhook.get("pending_update_count") or 0)
