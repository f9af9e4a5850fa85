"""Sets, tells and deletes a source's webhook at its platform, and says where the two disagree.

Our row wins: its base URL and the source's mode say what is wanted, `repair` makes it so at the platform.
No question is asked inside of a transaction, and what waits at the platform is never dropped.
"""

import logging
import time
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.sources.adapters import able_to
from apps.sources.adapters.base import Finding, WrongAddress, reason_of
from apps.sources.gaps import note_contact
from apps.sources.models import Source, Webhook
from tasktracker.lib.secrets import CannotDecrypt
from tasktracker.lib.workflow import GiveUp, TryLater

logger = logging.getLogger(__name__)

LONGEST_ROUND = 60.0  # seconds in which platforms are asked, one after the other


@dataclass(frozen=True)
class Hook:
    """A source with its webhook, kept for when both rows are gone."""

    source: Source
    webhook: Webhook


def kinds() -> list[str]:
    """Kinds of sources whose platform is told where to post."""
    return able_to("set_webhook")


def is_pushed(source: Source) -> bool:
    """Whether the platform posts to us, by the settings of the source."""
    if source.kind not in kinds():
        return False
    adapter: Any = source.adapter()
    return all(getattr(adapter.config, name) == value for name, value in adapter.pushed.items())


def address_of(source: Source) -> str:
    """Where its platform posts to; empty when nobody posts, also for a bot that we poll."""
    try:
        is_polled = source.kind in kinds() and not is_pushed(source)
    except (ValueError, CannotDecrypt):
        is_polled = False  # nobody knows
    return "" if is_polled else source.webhook_path


def set_webhook(source: Source, base_url: str | None = None) -> Webhook:
    """Have the platform post to us, under another base URL when one is given; the source takes it from then on.

    The address is kept, also when the platform refuses it. Raises ValidationError, WrongAddress, GiveUp and TryLater.
    """
    webhook = Webhook.of(source)
    wanted = webhook.base_url if base_url is None else base_url
    if wanted != webhook.base_url:
        webhook.wish_for(wanted)
    if not webhook.wanted_url:
        raise WrongAddress(_("There is no base URL. Type the address of this installation first."))
    adapter = _adapter(source)
    adapter.set_webhook(webhook.wanted_url, source.webhook_secret, api_url=source.api_url)
    webhook.note_set(webhook.wanted_url)
    _take_pushes(source, adapter)
    # What kept the collector from listening is over: from now on it does not listen.
    Source.objects.filter(pk=source.pk).exclude(last_error="").update(last_error="")
    return _asked_again(webhook)


def delete_webhook(source: Source) -> Webhook:
    """Have the platform post nowhere; the base URL stays. Raises GiveUp and TryLater."""
    webhook = Webhook.of(source)
    _adapter(source).delete_webhook(api_url=source.api_url)
    webhook.note_deleted()
    return _asked_again(webhook)


def refresh(source: Source) -> Webhook:
    """Ask the platform what it knows, and keep the answer. Raises GiveUp and TryLater."""
    webhook = Webhook.of(source)
    webhook.note_told(ask(source), timezone.now())
    return webhook


def ask_platforms(*, now: datetime | None = None) -> None:
    """Keep what the platforms say. They are in contact with sources to which they have posted everything."""
    ends_at = time.monotonic() + LONGEST_ROUND
    pushed = Source.objects.filter(kind__in=kinds(), is_active=True, project__is_active=True)
    for source in pushed.order_by(F("webhook__told_at").asc(nulls_first=True), "pk"):
        if time.monotonic() > ends_at:
            return  # the next time these come first
        try:
            if is_pushed(source) and _has_posted_everything(source):
                note_contact(source.pk, now=now)
        except (GiveUp, TryLater, ValueError, CannotDecrypt) as error:
            logger.info("nobody knows what waits for source %s: %s", source.pk, error)


def _has_posted_everything(source: Source) -> bool:
    webhook = refresh(source)
    return bool(_adapter(source).nothing_waits(webhook.told, wanted=webhook.wanted_url))


def ask(source: Source) -> dict[str, Any]:
    """What the platform knows, without secrets. Raises GiveUp and TryLater."""
    told: dict[str, Any] = _adapter(source).webhook_told(api_url=source.api_url)
    return told


def drift(webhook: Webhook) -> list[Finding]:
    """Where the platform's last answer is not what we want, or not what our row says; in words."""
    if webhook.told_at is None:
        return []
    source = webhook.source
    adapter = _adapter(source)
    found: list[Finding] = adapter.deviations(webhook.told, wanted=webhook.wanted_url)
    if found:
        return found
    there = bool(webhook.told.get("url"))
    if there and not webhook.is_active:
        sentence = _("The webhook is set at the platform, and here it is marked as not set.")
    elif webhook.is_active and not there:
        sentence = _("Here the webhook is marked as set, and the platform has none.")
    else:
        return []
    return [Finding(sentence, _("Repair brings both in line."))]


def repair(source: Source) -> Webhook:
    """Make the platform do what the settings say: post to us, or to nobody."""
    return set_webhook(source) if is_pushed(source) else delete_webhook(source)


def follow(source: Source, before: Source | None) -> list[Finding]:
    """After the settings were saved: set or delete the webhook when they ask for another state than before.

    What could not be done is a finding with its remedy; the settings stay saved.
    """
    if before is not None and before.config == source.config:
        return []
    found = (_leave(before, source) if before is not None else None, _change(source, before))
    return [finding for finding in found if finding is not None]


def hooks_of(sources: Iterable[Source]) -> list[Hook]:
    """Those of the sources to which a platform posts, as they are before they are deleted."""
    hooks = [Hook(kept, Webhook.of(kept)) for kept in map(copy, sources) if kept.kind in kinds()]
    return [hook for hook in hooks if hook.webhook.is_active or _asks_for_posts(hook.source)]


def unhook(hook: Hook) -> Finding | None:
    """After the source was deleted: the platform posts for it no longer. Nothing holds up its end."""
    source = hook.source
    try:
        adapter = _adapter(source)
        if not _is_shared(adapter, source) and not _stranger(source, hook.webhook):
            adapter.delete_webhook(api_url=source.api_url)
        return None
    except (GiveUp, TryLater) as error:
        reason = str(error)
    return Finding(
        _("The webhook of %(name)s was not deleted: %(reason)s")
        % {"name": source.name, "reason": reason},
        _("Delete it at the platform, or it goes on posting what nobody here reads."),
    )


def _asks_for_posts(source: Source) -> bool:
    try:
        return is_pushed(source)
    except ValueError:
        return False  # settings that never fitted


def _is_shared(adapter: Any, source: Source) -> bool:
    """Whether the account is nobody's, or another source's too."""
    account = adapter.pushed_account
    others = Source.objects.filter(kind=source.kind, is_active=True).exclude(pk=source.pk)
    return not account or account in map(_account, others)


def _account(source: Source) -> str:
    try:
        return str(_adapter(source).pushed_account)
    except GiveUp:
        return ""


def _leave(before: Source, source: Source) -> Finding | None:
    """The account that the source had before posts here no longer, unless it posts elsewhere by now."""
    try:
        former, account = _adapter(before), _adapter(source).pushed_account
    except GiveUp:
        return None  # other kinds, and settings that do not fit now, or did not before
    if not is_pushed(before) or former.pushed_account in ("", account):
        return None
    webhook = Webhook.of(source)
    try:
        if not _is_shared(former, before) and not _stranger(before, webhook):
            former.delete_webhook(api_url=before.api_url)
            webhook.note_deleted()
        return None
    except (GiveUp, TryLater) as error:
        reason = str(error)
    return Finding(
        _("The webhook of the former account was not deleted: %(reason)s") % {"reason": reason},
        _("Delete it at the platform, or what it hears still comes into this source."),
    )


def _change(source: Source, before: Source | None) -> Finding | None:
    try:
        if is_pushed(source):
            return _begin(source)
        if before is not None and is_pushed(before):
            delete_webhook(source)
            return Finding(_("The webhook was deleted at the platform: from now on it is polled."))
    except ValueError:
        return None  # settings that do not fit now, or did not before
    except (GiveUp, TryLater) as error:
        return Finding(_("The webhook was not deleted: %(reason)s") % {"reason": error}, _again())
    return None


def _begin(source: Source) -> Finding | None:
    """Set the webhook, unless nobody said where to, or somebody else's is in the place."""
    webhook = Webhook.of(source)
    if not webhook.base_url:
        return Finding(
            _("Nothing comes in until the webhook is set."),
            _(
                "Press Webhook on the page of this source and type the address of this installation."
            ),
        )
    try:
        if _is_shared(_adapter(source), source):
            return Finding(
                _("Another source reads this bot: its webhook was left alone."),
                _("Take another bot, or switch the other source off and save this one again."),
            )
        if host := _stranger(source, webhook):
            return Finding(
                _("The bot has a webhook at %(host)s, which is not ours: it was left alone.")
                % {"host": host},
                _("Press Webhook on the page of this source, then Set, to take its place."),
            )
        set_webhook(source)
    except (GiveUp, TryLater) as error:
        return Finding(_("The webhook was not set: %(reason)s") % {"reason": error}, _again())
    except ValidationError as error:
        reason = " ".join(error.messages)
        return Finding(_("The webhook was not set: %(reason)s") % {"reason": reason}, _again())
    return Finding(_("The webhook was set: %(url)s") % {"url": webhook.wanted_url})


def _stranger(source: Source, webhook: Webhook) -> str:
    """The address to which the platform posts now, if it is not one of this installation's."""
    url = str(ask(source).get("url", ""))
    # Other programs may answer under the same host.
    wanted = webhook.wanted_url
    is_ours = url in ("", webhook.url) or (bool(wanted) and url.startswith(wanted))
    return "" if is_ours else url


def _again() -> str:
    return _("Press Webhook on the page of this source, and there Repair.")


def _asked_again(webhook: Webhook) -> Webhook:
    """What the platform says afterwards; that it would not say it changes nothing of what was done."""
    try:
        webhook.note_told(ask(webhook.source), timezone.now())
    except (GiveUp, TryLater):
        pass
    return webhook


def _take_pushes(source: Source, adapter: Any) -> None:
    """A source that still asks its platform would be refused: from now on it is posted to."""
    if is_pushed(source):
        return
    with transaction.atomic():
        fresh = Source.objects.select_for_update().get(pk=source.pk)
        fresh.config = {**fresh.config, **adapter.pushed}
        fresh.save(update_fields=["config"])
    source.config = fresh.config


def _adapter(source: Source) -> Any:
    if source.kind not in kinds():
        raise GiveUp(_("Nobody needs to be told where to post the messages of this source."))
    try:
        return source.adapter()
    except ValueError as error:
        raise GiveUp(
            _("The settings of the source do not fit: %(reason)s") % {"reason": reason_of(error)}
        ) from error
