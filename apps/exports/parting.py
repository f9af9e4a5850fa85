"""A tracker that is deleted here calls us no more and lets us in no more, where that can be done there."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.exports.models import Mirroring, Tracker
from apps.exports.trackers.base import Tokens
from apps.sources.adapters.base import Finding, reason_of
from tasktracker.lib.plugins import UnknownPlugIn
from tasktracker.lib.workflow import GiveUp, TryLater


@dataclass(frozen=True)
class Left:
    """A tracker as it was, kept for when its rows are gone."""

    tracker: Tracker
    folder: Path
    subscription: str  # of the webhook that we have made there
    has_secret: bool  # calls were taken, whoever made the webhook
    tokens: Tokens | None
    ends_soon: bool  # what the tokens give


def left_of(tracker: Tracker) -> Left:
    """Before it is deleted. What nobody can open is not there."""
    mirroring = Mirroring.objects.filter(tracker=tracker).first()
    subscription, has_secret, tokens, ends_soon = "", False, None, False
    with suppress(ValueError):
        if mirroring is not None:
            subscription, has_secret = mirroring.subscription, bool(mirroring.secret)
    with suppress(ValueError, GiveUp):
        tokens, ends_soon = tracker.tokens(), tracker.ends_soon
    kept = copy(tracker)
    return Left(kept, kept.folder, subscription, has_secret, tokens, ends_soon)


def take_leave(left: Left) -> Sequence[Finding]:
    """After it was deleted: what could not be done there, and what stays."""
    return [*_part_from_vendor(left), *_files(left)]


class _Vendor:
    """Who is told, in the name of the tracker that was."""

    def __init__(self, left: Left) -> None:
        self.left, self.tokens, self.is_due = left, left.tokens, left.ends_soon

    def unsubscribe(self) -> None:
        self._plugin().unsubscribe(self.left.subscription)

    def revoke(self) -> None:
        self._token()  # what has ended cannot be taken back, and its refresh token lives on
        self._plugin().revoke(self.tokens)

    def _plugin(self) -> Any:
        return self.left.tracker.plugin(is_trial=True, token=self._token)

    def _token(self, refused: str = "") -> str:
        if self.tokens is None:
            return ""
        if (self.is_due or self.tokens.access == refused) and self.tokens.refresh:
            self.is_due = False
            self.tokens = self._plugin().refresh(self.tokens.refresh)
        return self.tokens.access


def _part_from_vendor(left: Left) -> list[Finding]:
    vendor, name, findings = _Vendor(left), {"name": left.tracker.name}, []
    if left.subscription and (trouble := _trouble(vendor.unsubscribe)):
        sentence = _("The webhook of %(name)s was not deleted: %(reason)s")
        findings.append(Finding(sentence % {**name, "reason": trouble}, _delete_there()))
    elif left.has_secret and not left.subscription:
        sentence = _("%(name)s may have a webhook that somebody has made there by hand.")
        findings.append(Finding(sentence % name, _delete_there()))
    if left.tokens is not None and (trouble := _trouble(vendor.revoke)):
        sentence = _("The connection of %(name)s was not taken back: %(reason)s")
        remedy = _("Take it back there, among the applications that may act for the account.")
        findings.append(Finding(sentence % {**name, "reason": trouble}, remedy))
    return findings


def _delete_there() -> str:
    return _("Delete it there, or it goes on calling an address where nobody answers.")


def _trouble(step: Callable[[], None]) -> str:
    """Why it could not be done; empty when it was. Nothing holds up the end of a tracker."""
    try:
        step()
    except (GiveUp, TryLater, UnknownPlugIn) as error:
        return str(error)[:500]
    except ValueError as error:
        return reason_of(error)
    return ""


def _files(left: Left) -> list[Finding]:
    """JSON files are somebody's by now: they stay."""
    count = sum(1 for _path in left.folder.glob("*.json"))
    if not count:
        return []
    words = ngettext(
        "%(n)d file of %(name)s stays in %(folder)s.",
        "%(n)d files of %(name)s stay in %(folder)s.",
        count,
    )
    remedy = _("Delete the folder when nobody needs it: who is forgotten later is not taken out.")
    told = {"n": count, "name": left.tracker.name, "folder": left.folder}
    return [Finding(words % told, remedy)]
