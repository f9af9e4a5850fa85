"""Trains the judge's two parts from cases: one report, the issues it may repeat, and which of them it does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import cycle

import numpy as np
import numpy.typing as npt

from apps.issues.dedup.base import Candidate, Report, matrix_of
from apps.issues.dedup.corpus import (
    BURST,
    BURST_IN_NEW,
    CHAT,
    DUPLICATES,
    RETOLD,
    TALK,
    Row,
    Talk,
)
from apps.issues.dedup.scene import DIRECTIONS, NAMES, OF_TALK, Rival, rivals
from apps.issues.dedup.space import Space
from apps.issues.dedup.texts import Texts
from tasktracker.lib.trees import Trees, trees_of

#: What the search hands over, as `nearest.py` and `reach.py` say: so many by vector, and so many of the last hours.
NEAREST = 30
TALK_DAYS, TALK_HOURS = 30, 24  # as Project.open_issue_days and duplicate_window_hours
RECENT = 200
#: A tester tells what was found in an hour: near in time, and nothing else. Chats hardly have that, life does.
LONG_BURSTS, LONG, SHORT = 2, 10, 3
SIZES_IN_NEW = (LONG, SHORT, SHORT, SHORT)
BURST_GAPS = (0.5, 0.9, 1.6, 2.9, 5.2, 9.4, 17, 31, 55, 100)  # minutes
#: `para` and `cross2` were written to be far from their base: they must not teach that far is near.
#: Of talks only chats have as many traps as life has, and hardly ever a burst in the midst of them. Each talk
#: teaches twice, with its issues as they should be and as they were; a burst once.
IMPORTANCE = {
    "para": 0.15,
    "cross2": 0.25,
    CHAT: 3.0,
    TALK: 0.3,
    BURST: 0.3,
    BURST_IN_NEW: 2.0,
}
#: Small trees in which hardly any numbers meet: of texts there are too few for more.
TREES_OF_TALK = {
    "max_iter": 240,
    "max_leaf_nodes": 15,
    "min_samples_leaf": 30,
    "learning_rate": 0.04,
    "max_features": 0.4,
}
TREES_OF_TEXTS = {
    "max_iter": 200,
    "max_leaf_nodes": 6,
    "min_samples_leaf": 20,
    "learning_rate": 0.06,
}
RIDGE = 5.0
#: How often the classifier takes a report for the other kind (a test compares): the judge must not
#: trust the category more than it will deserve.
MISREAD = {"bug": ("feature", 0.02), "feature": ("bug", 0.07)}
NAMES_OF_TEXTS = NAMES[: len(NAMES) - len(OF_TALK)]
SAME_LANGUAGE = ("near", "near2", "para", "hard_negative")
OTHER_LANGUAGE = ("cross", "cross2", "hard_negative_cross")

Array = npt.NDArray[np.float64]
#: The issue that a report joins, or none.
Decide = Callable[[Sequence[Rival]], int | None]


@dataclass(frozen=True)
class Option:
    """One issue that a report may repeat."""

    issue: int
    is_own: bool  # of the same problem, or of the same group of pairs
    features: tuple[float, ...]


@dataclass(frozen=True)
class Case:
    """`kind` is of a talk, of a burst, or of a pair; only a repeat belongs to some of the options."""

    source: str  # the talk, or the group of pairs
    kind: str
    is_repeat: bool
    options: Sequence[Option]

    @property
    def is_talk(self) -> bool:
        return self.kind in (CHAT, RETOLD, TALK) or self.is_burst

    @property
    def is_burst(self) -> bool:
        return self.kind in (BURST, BURST_IN_NEW)


def cases_of_talk(talk: Talk, space: Space, decide: Decide | None = None) -> list[Case]:
    """Each report against the issues of all earlier ones: grouped as they should be, or as `decide` does."""
    cases = []
    candidates: list[Candidate] = []
    problem_of: dict[int, int] = {}  # of each issue: what its first report is about
    for report, problem in zip(_as_read(talk), talk.problems, strict=True):
        reachable = [
            candidate
            for candidate in candidates
            if (report.sent_at - candidate.report.sent_at).days < TALK_DAYS
        ]
        found = rivals(report, _handed_over(report, reachable), space)
        options = [
            Option(rival.issue_id, problem_of[rival.issue_id] == problem, rival.features)
            for rival in found
        ]
        cases.append(Case(talk.name, talk.kind, report.number != problem, options))
        joined = problem if decide is None else decide(found)
        issue = report.number if joined is None else joined
        problem_of.setdefault(issue, problem)
        candidates.append(Candidate(issue, report))
    return cases


def joining(trees: Trees, merge: float) -> Decide:
    """What reaches these log-odds joins the likeliest issue."""

    def decide(found: Sequence[Rival]) -> int | None:
        if not found:
            return None
        log_odds = trees.log_odds(np.array([rival.features for rival in found], np.float64))
        best = int(np.argmax(log_odds))
        return found[best].issue_id if log_odds[best] >= merge else None

    return decide


def _as_read(talk: Talk) -> list[Report]:
    """The reports with the categories that live would be said, some of them wrong; each time the same."""
    chances = np.random.default_rng(len(talk.reports)).random(len(talk.reports)).tolist()
    read = []
    for report, chance in zip(talk.reports, chances, strict=True):
        other, share = MISREAD.get(report.category, ("", 0.0))
        read.append(replace(report, category=other) if chance < share else report)
    return read


def _handed_over(report: Report, candidates: Sequence[Candidate]) -> list[Candidate]:
    """As `search.candidates`: what is rare among all that a team ever told is not what is rare beside these."""
    if report.vector is None or not candidates:
        return list(candidates)
    similar = matrix_of([candidate.report for candidate in candidates]) @ report.vector
    nearest = np.argsort(-similar, kind="stable")[:NEAREST].tolist()
    window = timedelta(hours=TALK_HOURS)
    recent = [
        place
        for place, candidate in enumerate(candidates)
        if abs(report.sent_at - candidate.report.sent_at) <= window
    ]
    recent.sort(key=lambda place: candidates[place].report.sent_at, reverse=True)
    return [candidates[place] for place in sorted({*nearest, *recent[:RECENT]})]


def cases_of_bursts(talk: Talk, space: Space) -> list[Case]:
    """Different problems of the talk, one right after the other: after all others, and in new projects."""
    first = {report.number: report for report in talk.reports if report.number in talk.problems}
    shuffled = np.random.default_rng(len(first)).permutation(sorted(first)).tolist()
    cases = []
    for place, told in enumerate(_cut(shuffled[: LONG_BURSTS * LONG], (LONG,))):
        known = [
            Candidate(problem, report)
            for report, problem in zip(talk.reports, talk.problems, strict=True)
            if problem not in told
        ]
        reports = _burst(talk, [first[number] for number in told], is_of_one=place % 2 == 1)
        cases += _cases_of_burst(talk.name, BURST, reports, known, space)
    for place, told in enumerate(_cut(shuffled[LONG_BURSTS * LONG :], SIZES_IN_NEW)):
        # By turns, and from one round of sizes to the next the other way round.
        is_of_one = (place + place // len(SIZES_IN_NEW)) % 2 == 1
        reports = _burst(talk, [first[number] for number in told], is_of_one=is_of_one)
        cases += _cases_of_burst(talk.name, BURST_IN_NEW, reports, [], space)
    return cases


def _cut(numbers: Sequence[int], sizes: Sequence[int]) -> list[Sequence[int]]:
    """Into parts of these sizes, over and over; the last one may be smaller."""
    parts: list[Sequence[int]] = []
    rest = numbers
    for size in cycle(sizes):
        if not rest:
            break
        parts.append(rest[:size])
        rest = rest[size:]
    return parts


def _burst(talk: Talk, told: Sequence[Report], *, is_of_one: bool) -> list[Report]:
    """The same reports after the end of the talk, minutes apart, by their authors or by one tester."""
    sent_at = max(report.sent_at for report in talk.reports)
    gaps = np.random.default_rng(told[0].number).permutation(BURST_GAPS)
    reports = []
    for one, gap in zip(told, gaps, strict=False):
        sent_at += timedelta(minutes=float(gap))
        author = "tester" if is_of_one else one.author
        reports.append(replace(one, sent_at=sent_at, author=author, answers=None))
    return reports


def _cases_of_burst(
    source: str, kind: str, reports: Sequence[Report], before: Sequence[Candidate], space: Space
) -> list[Case]:
    cases, known = [], list(before)
    for report in reports:
        found = rivals(report, _handed_over(report, known), space)
        options = [Option(rival.issue_id, False, rival.features) for rival in found]
        cases.append(Case(source, kind, False, options))
        known.append(Candidate(report.number, report))
    return cases


def cases_of_rows(rows: Sequence[Row], space: Space) -> list[Case]:
    """Each text of the pairs against the nearest bases; nobody knows who said it, and when."""
    cases = []
    for row, bases in nearest_bases(rows):
        candidates = [Candidate(place, base.report) for place, base in enumerate(bases)]
        options = [
            Option(rival.issue_id, bases[rival.issue_id].group == row.group, rival.features)
            for rival in rivals(row.report, candidates, space)
        ]
        cases.append(Case(row.group, row.kind, row.kind in DUPLICATES, options))
    return cases


def nearest_bases(rows: Sequence[Row]) -> list[tuple[Row, list[Row]]]:
    """Each other text of the pairs with what the search by vector would hand over."""
    bases = [row for row in rows if row.kind == "base"]
    vectors = matrix_of([row.report for row in bases])
    texts = [row for row in rows if row.kind != "base"]
    similar = matrix_of([row.report for row in texts]) @ vectors.T
    order = np.argsort(-similar, axis=1, kind="stable")[:, :NEAREST]
    return [
        (row, [bases[place] for place in places]) for row, places in zip(texts, order, strict=True)
    ]


def grow(cases: Sequence[Case]) -> Trees:
    """Of reports in talks. The same cases give the same trees."""
    return _grow(cases, NAMES, TREES_OF_TALK)


def grow_texts(cases: Sequence[Case]) -> Texts:
    """Of the pairs, from which nothing of a talk is known."""
    return Texts(
        _grow(
            [case for case in cases if case.kind in SAME_LANGUAGE], NAMES_OF_TEXTS, TREES_OF_TEXTS
        ),
        _grow(
            [case for case in cases if case.kind in OTHER_LANGUAGE], NAMES_OF_TEXTS, TREES_OF_TEXTS
        ),
    )


def _grow(cases: Sequence[Case], names: Sequence[str], shape: Mapping[str, float]) -> Trees:
    """Trees that look at the first features, which are called `names`."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows = [(case, option) for case in cases for option in case.options]
    model = HistGradientBoostingClassifier(
        **shape,
        l2_regularization=RIDGE,
        monotonic_cst=[DIRECTIONS[name] for name in names],
        early_stopping=False,
        random_state=0,
    )
    model.fit(
        np.array([option.features[: len(names)] for _case, option in rows], np.float64),
        np.array([case.is_repeat and option.is_own for case, option in rows]),
        sample_weight=np.array([IMPORTANCE.get(case.kind, 1.0) for case, _option in rows]),
    )
    return trees_of(model)
