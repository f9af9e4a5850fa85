"""Decides again what was decided: with today's model, thresholds and texts, over the same reports.

Nothing is written. What the ledger kept stays fixed: which reports were compared, to which issue
each belonged, and which issues were closed at that moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import Q
from django.utils.translation import gettext_lazy

from apps.issues.archive import PRECISION, Archive, Cause, Scene, Verdict
from apps.issues.models import Filing, Issue
from apps.messages.models import Message
from apps.sources.models import Project

TOGETHER = 25  # decisions that are read at once: each saw some hundred texts and vectors


@dataclass(frozen=True)
class Replayed:
    """One message's decision, then and now."""

    message: Message
    filing: Filing | None
    stored: Verdict | None = None
    now: Verdict | None = None
    causes: Sequence[Cause] = ()

    @property
    def state(self) -> str:
        """reproduced, differs, not_compared (nothing was compared), unrecorded (no filing)."""
        if self.filing is None:
            return "unrecorded"
        if self.now is None:
            return "not_compared"
        return "reproduced" if self.now == self.stored else "differs"

    @property
    def words(self) -> str:
        return str(STATES[self.state])


STATES = {
    "reproduced": gettext_lazy("reproduced"),
    "differs": gettext_lazy("would be decided otherwise"),
    "not_compared": gettext_lazy(
        "reproduced: the conversation, an edit or an alert's name decided"
    ),
    "unrecorded": gettext_lazy("not in the ledger: it was filed before, or by a person"),
}


def replay(
    issue: Issue,
    *,
    message_id: int | None = None,
    limit: int | None = None,
    may_embed: bool = True,
) -> list[Replayed]:
    """Every report of the issue, and every message that was once filed into it; oldest first.

    Vectors that are missing are made anew only with `may_embed`.
    """
    rows = Message.objects.filter(Q(evidence__issue=issue) | Q(filings__issue=issue)).distinct()
    if message_id is not None:
        rows = rows.filter(pk=message_id)
    ordered = list(rows.order_by("sent_at", "pk")[:limit])
    found: list[Replayed] = []
    for start in range(0, len(ordered), TOGETHER):
        some = ordered[start : start + TOGETHER]
        found += _replay_together(some, issue.project, may_embed=may_embed)
    return found


def _replay_together(
    messages: Sequence[Message], project: Project, *, may_embed: bool
) -> list[Replayed]:
    rows = Filing.objects.filter(message__in=messages).order_by("created_at", "pk")
    filings = {filing.message_id: filing for filing in rows}  # the last one of each
    archive = Archive.of(list(filings.values()), project, may_embed=may_embed)
    return [_replay(message, filings.get(message.pk), archive) for message in messages]


def _replay(message: Message, filing: Filing | None, archive: Archive) -> Replayed:
    if filing is None:
        return Replayed(message, None)
    stored = _stored(filing)
    if not filing.saw:
        return Replayed(message, filing, stored)
    scene = Scene(filing, message, archive)
    now = scene.decide()
    causes = scene.causes()
    if now != stored:
        causes = [replace(cause, is_enough=scene.without(cause) == stored) for cause in causes]
        # The same reports are compared whatever the windows are now.
        if not any(cause.name != "limits" for cause in causes):
            causes.append(Cause("code"))
    return Replayed(message, filing, stored, now, causes)


def _stored(filing: Filing) -> Verdict:
    if filing.outcome == Filing.Outcome.OPENED:
        suggested = tuple(row["issue"] for row in filing.compared if row.get("suggested"))
        return Verdict(filing.outcome, filing.level, None, None, suggested)
    score = None if filing.score is None else round(filing.score, PRECISION)
    return Verdict(filing.outcome, filing.level, filing.issue_id, score)
