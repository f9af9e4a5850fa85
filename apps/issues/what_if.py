"""What other thresholds would have done: figures beside those of today, against people, as a curve."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from apps.issues.comparison import thresholds_of
from apps.issues.dedup.levels import Thresholds
from apps.issues.filed import History, history_of
from apps.issues.simulate import Grouping, Placed, Simulator
from apps.issues.verdicts import Agreement, Verdict, agreement, verdicts_of
from apps.messages.models import Message
from apps.sources.models import Project

CURVE = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)  # merge thresholds
EXAMPLES = 20  # pairs that are quoted of each kind

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Figures:
    """One pair of thresholds, in numbers."""

    merge: float
    suggest: float
    reports: int
    issues: int
    merged: int
    following: int
    suggestions: int
    suggested: int
    agreement: Agreement

    @property
    def suggestions_per_report(self) -> float:
        return self.suggestions / self.reports if self.reports else 0.0


@dataclass(frozen=True)
class Pair:
    """Two texts that a threshold joins or parts."""

    message: int
    text: str
    other: int
    other_text: str
    score: float | None = None


@dataclass(frozen=True)
class WhatIf:
    """The answer: the chosen thresholds, those of today, and what lies between them."""

    chosen: Figures
    today: Figures
    gained: Sequence[Pair]
    lost: Sequence[Pair]
    false: Sequence[Pair]
    missed: Sequence[Pair]
    gained_count: int
    lost_count: int
    curve: Sequence[Figures]
    since: datetime | None
    until: datetime | None
    is_cut: bool
    is_curve_cut: bool


def what_if(
    project: Project,
    chosen: Thresholds,
    *,
    days: int,
    limit: int | None = None,
    has_curve: bool = True,
    patience: float | None = None,
    progress: Progress | None = None,
) -> WhatIf:
    """Simulate the last days with these thresholds and compare.

    After `patience` seconds no further point of the curve is begun.
    """
    until = None if patience is None else time.monotonic() + patience
    history = history_of(project, days=days, limit=limit)
    today = thresholds_of(project)
    points = _points(chosen, today) if has_curve else []
    groupings = _simulate(history, [chosen, today], points, until, progress)
    verdicts = verdicts_of(project)
    new, old = groupings[chosen], groupings[today]
    curve = [groupings[thresholds] for thresholds in points if thresholds in groupings]
    gained, lost = _changed(old, new), _changed(new, old)
    people = agreement(verdicts, new.group_of)
    false, missed = people.false[:EXAMPLES], people.missed[:EXAMPLES]
    quote = _Quotes(history, [*false, *missed])
    return WhatIf(
        chosen=_figures(new, verdicts),
        today=_figures(old, verdicts),
        gained=[quote.merged(placed) for placed in gained[:EXAMPLES]],
        lost=[quote.merged(placed) for placed in lost[:EXAMPLES]],
        false=[quote.pair(*pair) for pair in false],
        missed=[quote.pair(*pair) for pair in missed],
        gained_count=len(gained),
        lost_count=len(lost),
        curve=[_figures(grouping, verdicts) for grouping in curve],
        since=history.since,
        until=history.until,
        is_cut=history.is_cut,
        is_curve_cut=len(curve) < len(points),
    )


class _Quotes:
    """Texts of messages, also of those that only a person's word names."""

    def __init__(self, history: History, said: Sequence[tuple[int, int]]) -> None:
        known = {filed.number: filed.text for filed in history.messages}
        others = {number for pair in said for number in pair} - known.keys()
        rows = Message.objects.filter(project=history.project, pk__in=others)
        self.texts: Mapping[int, str] = known | dict(rows.values_list("pk", "text"))

    def merged(self, placed: Placed) -> Pair:
        match = placed.match
        like = match.like if match is not None and match.like else placed.group
        pair = self.pair(placed.number, like)
        return pair if match is None else Pair(**{**vars(pair), "score": match.score})

    def pair(self, message: int, other: int) -> Pair:
        return Pair(message, self.texts.get(message, ""), other, self.texts.get(other, ""))


def _points(chosen: Thresholds, today: Thresholds) -> list[Thresholds]:
    """The suggestion threshold stays as chosen; below it nothing can merge."""
    merges = {*CURVE, chosen.merge, today.merge}
    wanted = sorted(merge for merge in merges if merge >= chosen.suggest)
    return [Thresholds(merge=merge, suggest=chosen.suggest) for merge in wanted]


def _simulate(
    history: History,
    needed: Sequence[Thresholds],
    points: Sequence[Thresholds],
    until: float | None,
    progress: Progress | None,
) -> dict[Thresholds, Grouping]:
    """By thresholds; what is only a point of the curve can be left out when the time is over."""
    different = dict.fromkeys([*needed, *points])
    simulator = Simulator(history, lowest=min(one.merge for one in different))
    total, done = len(different) * len(history.reports), 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    groupings = {}
    for thresholds in different:
        if thresholds in needed or until is None or time.monotonic() < until:
            groupings[thresholds] = simulator.run(thresholds, advance)
    return groupings


def _figures(grouping: Grouping, verdicts: Sequence[Verdict]) -> Figures:
    return Figures(
        merge=grouping.thresholds.merge,
        suggest=grouping.thresholds.suggest,
        reports=len(grouping.placed),
        issues=grouping.issues,
        merged=grouping.merged,
        following=grouping.following,
        suggestions=grouping.suggestions,
        suggested=grouping.suggested,
        agreement=agreement(verdicts, grouping.group_of),
    )


def _changed(before: Grouping, after: Grouping) -> list[Placed]:
    """Reports that are merged after and were issues of their own before."""
    return [
        placed
        for number, placed in after.placed.items()
        if placed.is_merged and before.placed[number].is_opened
    ]
