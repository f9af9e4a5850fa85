"""Files the last days again in memory, with other thresholds: the same comparison, nothing written.

The search is repeated over arrays (`filed.Columns`) with the windows and limits of `search`; what
people said of pairs is left out of it, because that is what the result is measured by.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from apps.issues.comparison import SUGGESTIONS, compare
from apps.issues.dedup.base import Candidate, Match
from apps.issues.dedup.levels import Thresholds, best_first
from apps.issues.filed import Filed, History
from apps.issues.models import Evidence
from apps.issues.search import NEAREST, RECENT

DAY, HOUR = 86_400.0, 3_600.0  # seconds

Advance = Callable[[int], None]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Placed:
    """Where one message came to lie. A group is named by the message that opened it."""

    number: int
    group: int
    is_following: bool = False
    match: Match | None = None  # what it was attached for
    suggestions: Sequence[Match] = ()

    @property
    def is_opened(self) -> bool:
        return self.group == self.number

    @property
    def is_merged(self) -> bool:
        return not self.is_opened and not self.is_following


@dataclass(frozen=True)
class Grouping:
    """The whole of one simulation."""

    thresholds: Thresholds
    placed: dict[int, Placed] = field(default_factory=dict)  # what was filed again, in order
    group_of: dict[int, int] = field(default_factory=dict)  # of earlier messages too

    @property
    def issues(self) -> int:
        return sum(one.is_opened for one in self.placed.values())

    @property
    def merged(self) -> int:
        return sum(one.is_merged for one in self.placed.values())

    @property
    def following(self) -> int:
        return sum(one.is_following for one in self.placed.values())

    @property
    def suggestions(self) -> int:
        return sum(len(one.suggestions) for one in self.placed.values())

    @property
    def suggested(self) -> int:
        """Reports for which a person is asked."""
        return sum(bool(one.suggestions) for one in self.placed.values())


class Simulator:
    """Simulations of one history. What two of them have in common is compared once.

    `lowest` is the lowest merge threshold of all runs: a comparison by it serves the others too.
    """

    def __init__(self, history: History, *, lowest: float = 1.0) -> None:
        self.history = history
        self.lowest = lowest
        #: The last comparison of each report: neighbouring thresholds mostly look at the same.
        self._known: dict[object, _Compared] = {}

    def run(self, thresholds: Thresholds, advance: Advance | None = None) -> Grouping:
        run = _Run(self, thresholds)
        for place in range(self.history.start, len(self.history.messages)):
            run.file(place)
            if advance is not None:
                advance(1)
        return run.grouping

    def matches(
        self, filed: Filed, candidates: Sequence[Candidate], thresholds: Thresholds
    ) -> Sequence[Match]:
        """As `compare` finds them. The merge threshold only says which of the judged are the same."""
        key, seen = (filed.number, thresholds.suggest), _digest(candidates)
        known = self._known.get(key)
        # Whether facts stand against a merge is only asked of what would be merged: a stricter
        # comparison has not asked it of everything.
        if known is None or known.seen != seen or known.merge > thresholds.merge:
            merge = min(self.lowest, thresholds.merge)
            loosest = replace(thresholds, merge=max(merge, thresholds.suggest))
            found = compare(filed.report, candidates, loosest).matches
            known = self._known[key] = _Compared(seen, loosest.merge, found)
        return best_first(
            replace(match, threshold=thresholds.merge) if match.level == "judged" else match
            for match in known.matches
        )


class _Compared(NamedTuple):
    seen: bytes  # digest of the candidates
    merge: float  # threshold
    matches: Sequence[Match]


def _digest(candidates: Sequence[Candidate]) -> bytes:
    """Of what is looked at: tens of thousands of reports have some two hundred candidates each."""
    seen = [(one.report.number, one.issue_id, one.is_open) for one in candidates]
    return blake2b(repr(seen).encode(), digest_size=16).digest()


class _Run:
    """One simulation on its way."""

    def __init__(self, simulator: Simulator, thresholds: Thresholds) -> None:
        self.simulator = simulator
        self.history = simulator.history
        self.columns = simulator.history.columns
        self.thresholds = thresholds
        self.grouping = Grouping(thresholds)
        count = len(self.history.messages)
        self.groups = np.zeros(count, np.intp)  # place of the message that opened the group
        self.starts = np.full(count, np.inf)  # when the group's first report was sent
        self.is_present = np.zeros(count, bool)  # an edit takes the place of what it edits
        self.is_follow_up = np.zeros(count, bool)  # "+1" is like every other "+1"
        self._place_earlier()

    def file(self, place: int) -> None:
        filed = self.history.messages[place]
        if filed.is_following and (target := self._target(place)) is not None:
            self._join(place, target, Placed(filed.number, 0, is_following=True))
            return
        repeated = self._same_alert(place)
        if repeated is not None:
            self._join(place, repeated, Placed(filed.number, 0))
            return
        found = self.simulator.matches(filed, self._candidates(place), self.thresholds)
        best = found[0] if found else None
        if best is not None and best.is_same:
            self._join(
                place, self.history.position[best.issue_id], Placed(filed.number, 0, match=best)
            )
            return
        suggestions = [match for match in found if match.is_suggestion][:SUGGESTIONS]
        self._put(place, place, Placed(filed.number, filed.number, suggestions=suggestions))

    def _place_earlier(self) -> None:
        """Before the first day everything lies as it lies now."""
        openers: dict[int, int] = {}
        for place, filed in enumerate(self.history.messages[: self.history.start]):
            self.groups[place] = openers.setdefault(filed.issue, place)
            self._show(place, filed)
            opener = self.history.messages[self.groups[place]]
            self.grouping.group_of[filed.number] = opener.number

    def _target(self, place: int) -> int | None:
        """The message that this one follows: edited, resembled, answered, or first in its issue."""
        filed = self.history.messages[place]
        for number in (filed.replaces, filed.like, filed.report.answers):
            found = self.history.position.get(number or 0)
            if found is not None and found < place:
                return found
        earlier = self.history.messages[:place]
        return next((at for at, one in enumerate(earlier) if one.issue == filed.issue), None)

    def _same_alert(self, place: int) -> int | None:
        """As `triage`: the open issue that this very alert has opened or joined before."""
        alert = self.columns.alerts[place]
        if not alert:
            return None
        same = np.flatnonzero(self.columns.alerts[:place] == alert)
        same = same[self.is_present[same] & self._is_open(same, place)]
        if not len(same):
            return None
        return int(same[np.lexsort((same, self.columns.sent[same]))[-1]])

    def _candidates(self, place: int) -> list[Candidate]:
        """As `search.candidates`."""
        reach = np.flatnonzero(self._in_reach(place))
        chosen = sorted({*self._recent(place, reach), *self._nearest(place, reach)})
        places = np.array(chosen, np.intp)
        is_open = self._is_open(places, place)
        # An issue that began later is of another time: a report from before it came very late.
        window = self.history.project.duplicate_window_hours * HOUR
        is_open &= self.starts[self.groups[places]] <= self.columns.sent[place] + window
        return [
            Candidate(
                issue_id=self.history.messages[self.groups[at]].number,
                report=self.history.messages[at].report,
                is_open=bool(open_one),
            )
            for at, open_one in zip(chosen, is_open, strict=True)
        ]

    def _in_reach(self, place: int) -> npt.NDArray[np.bool_]:
        columns, project = self.columns, self.history.project
        away = np.abs(columns.sent[:place] - columns.sent[place])
        mask: npt.NDArray[np.bool_]
        mask = self.is_present[:place] & ~self.is_follow_up[:place]
        mask &= away <= project.open_issue_days * DAY
        alert = columns.alerts[place]
        if alert:
            mask &= (columns.alerts[:place] == 0) | (columns.alerts[:place] == alert)
        here = np.arange(place)
        is_open = self._is_open(here, place)
        if not project.closed_issue_days:
            mask &= is_open
            return mask
        since = columns.sent[place] - project.closed_issue_days * DAY
        mask &= is_open | (columns.closed[self.groups[here]] >= since)
        return mask

    def _is_open(self, places: Places, place: int) -> npt.NDArray[np.bool_]:
        """Whether the issue was open when this message was filed."""
        now = self.history.messages[place].filed_at.timestamp()
        is_open: npt.NDArray[np.bool_] = self.columns.closed[self.groups[places]] > now
        return is_open

    def _recent(self, place: int, reach: Places) -> list[int]:
        columns = self.columns
        away = np.abs(columns.sent[reach] - columns.sent[place])
        found = self._newest(reach[away <= self.history.project.duplicate_window_hours * HOUR])
        if columns.hashes[place]:
            found += self._newest(reach[columns.hashes[reach] == columns.hashes[place]])
        return found

    def _newest(self, places: Places) -> list[int]:
        order = np.argsort(-self.columns.sent[places], kind="stable")
        return [int(at) for at in places[order][:RECENT]]

    def _nearest(self, place: int, reach: Places) -> list[int]:
        columns = self.columns
        if not columns.has_vector[place]:
            return []
        known = reach[columns.has_vector[reach]]
        similar = columns.vectors[known] @ columns.vectors[place]
        return [int(at) for at in known[np.argsort(-similar, kind="stable")][:NEAREST]]

    def _join(self, place: int, other: int, placed: Placed) -> None:
        group = int(self.groups[other])
        number = self.history.messages[group].number
        self._put(place, group, replace(placed, group=number))

    def _put(self, place: int, group: int, placed: Placed) -> None:
        self.groups[place] = group
        self._show(place, self.history.messages[place])
        self.grouping.placed[placed.number] = placed
        self.grouping.group_of[placed.number] = placed.group

    def _show(self, place: int, filed: Filed) -> None:
        self.is_present[place] = True
        group = self.groups[place]
        self.starts[group] = min(self.starts[group], self.columns.sent[place])
        self.is_follow_up[place] = filed.level in Evidence.FOLLOW_UPS
        before = self.history.position.get(filed.replaces or 0)
        if before is not None and before < place:
            self.is_present[before] = False
            self.is_follow_up[place] |= self.is_follow_up[before]
