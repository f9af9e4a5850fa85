"""A report among all that it may repeat, as numbers per issue: alike in words and meaning, near in the talk.

A text whose author nobody knows comes from no conversation: what a conversation tells is not known then.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from apps.issues.dedup import features as pair
from apps.issues.dedup.base import Candidate, Report, matrix_of
from apps.issues.dedup.cognates import words_of
from apps.issues.dedup.space import Space, concept_tokens, tokens
from apps.issues.dedup.words_here import OF_WORDS_HERE, WordsHere, best_other, two_best

#: name -> +1 may only speak for "the same problem", -1 only against it, 0 free.
OF_PLACE = {
    "place": 1,
    "place_mean": 1,
    "place_rank": -1,
    "place_margin": 1,
    "cosine_rank": -1,
    "rarest_shared": 1,
    "rarity_shared": 1,
    "rarity_share": 1,
    "rarest_concept": 1,
    "concepts_shared": 1,
    "concepts_share": 1,
    "words_ours": 0,
    "words_theirs": 0,
}
OF_TALK = {
    "minutes_since_first": 0,
    "minutes_since_last": 0,
    "minutes_since_other": 0,
    "newer_issues": 0,
    "issues_just_now": 0,
    "issues_lately": 0,
    "issues_known": 0,
    "reports": 0,
    "recent_reports": 0,
    "burst": 0,
    "answers": 1,
    "same_author_as_first": 0,
    "same_author_as_last": 0,
    "same_category": 1,
    "is_bug": 0,
    "echo": 1,
    "says_also": 1,
    # The words too: how rare they are here says nothing beside the few bases that a text is trained with.
    **OF_WORDS_HERE,
}
DIRECTIONS = {**pair.DIRECTIONS, **OF_PLACE, **OF_TALK}
NAMES = tuple(DIRECTIONS)

JUDGED_NEAREST = 12  # issues by each nearness that are judged
JUDGED_RECENT = 5  # issues that were spoken of last
RECENT_SECONDS, LATELY_SECONDS = 30 * 60, 120 * 60
LONG_AGO = 30 * 86_400  # seconds since any other issue, where there is none
MOST_RANK, MOST_REPORTS, MOST_BURST, MOST_LATELY, MOST_WORDS, MOST_RARITY = 12, 5, 6, 8, 60, 40.0
_UNKNOWN = float("nan")
_ALSO = re.compile(
    r"\b(?:теж|також|тоже|аналогічно|так[аеу] сам[аеу]|т[ае] сам[ае]|той самий|те ж саме|знов\w*|опять|підтверджую"
    r"|ще (?:двоє|один|одна|одному|дві|двох|троє|хтось|у когось)|ше|не тільки|same|also|too|either|another|again"
    r"|still|confirm\w*|as well|similar|likewise|more (?:people|clients|customers|users))\b",
    re.I,
)


@dataclass(frozen=True)
class Rival:
    """One issue as the judge sees it: its most similar report, and the numbers in the order of NAMES."""

    issue_id: int
    candidate: Candidate
    similarity: float
    features: tuple[float, ...]


class _Group(NamedTuple):
    """The candidates of one issue, in the order of time."""

    issue_id: int
    members: list[int]  # positions among the candidates
    place: float
    cosine: float
    best: int


class _Ours(NamedTuple):
    """What the new report names, and how rare all of it is together."""

    read: Callable[[str], frozenset[str]]
    tokens: frozenset[str]
    total: float


class _Shared(NamedTuple):
    """What two texts have in common, weighed by rarity."""

    rarest: float
    total: float
    share: float  # of the new report's own


def rivals(report: Report, candidates: Sequence[Candidate], space: Space) -> list[Rival]:
    """The issues that are worth judging; candidates without a vector are left to the other levels."""
    if report.vector is None:
        return []
    known = sorted(
        (candidate for candidate in candidates if candidate.report.vector is not None),
        key=lambda candidate: (candidate.report.sent_at, candidate.report.number),
    )
    if not known:
        return []
    return _Scene(report, known, space).rivals()


class _Scene:
    def __init__(self, report: Report, candidates: Sequence[Candidate], space: Space) -> None:
        self.report = report
        self.candidates = candidates
        self.space = space
        vectors = matrix_of([candidate.report for candidate in candidates])
        (own,) = matrix_of([report])
        self.cosines = vectors @ own
        self.near = space.places(vectors) @ space.places(own[None, :])[0]
        self.echo = space.echo_of(own)
        self.groups = self._grouped()
        self.by_place = self._ranks([-group.place for group in self.groups])
        self.by_cosine = self._ranks([-group.cosine for group in self.groups])
        # A report that was sent later can be filed first: a history is read by several workers.
        self.ages = [
            abs((report.sent_at - candidate.report.sent_at).total_seconds())
            for candidate in candidates
        ]
        last = [self._last(group) for group in self.groups]
        self.by_age = self._ranks(last)
        self.latest = two_best(-age for age in last)
        self.just_now = float(min(MOST_BURST, sum(age < RECENT_SECONDS for age in last)))
        self.lately = float(min(MOST_LATELY, sum(age < LATELY_SECONDS for age in last)))
        # A young project hears one new thing after the other; what is near in time says little there.
        self.known = math.log2(1 + len(self.groups))
        self.is_talk = bool(report.author)
        # What is the same beside every issue.
        self.best_cosines = two_best(group.cosine for group in self.groups)
        self.best_places = two_best(group.place for group in self.groups)
        self.words = self._weighed(tokens)
        self.named = self._weighed(concept_tokens)
        self.length = float(min(MOST_WORDS, len(words_of(report.text).split())))
        self.burst = float(min(MOST_BURST, sum(age < RECENT_SECONDS for age in self.ages)))
        self.says_also = float(bool(_ALSO.search(report.text)))
        self.words_here = self._words_here() if self.is_talk else None

    def rivals(self) -> list[Rival]:
        found = []
        for position, group in enumerate(self.groups):
            is_near = min(self.by_place[position], self.by_cosine[position]) < JUDGED_NEAREST
            is_recent = self.is_talk and self.by_age[position] < JUDGED_RECENT
            if is_near or is_recent or self._answers(group):
                best = self.candidates[group.best]
                numbers = self._features(position, group)
                found.append(
                    Rival(group.issue_id, best, float(self.cosines[group.best]), tuple(numbers))
                )
        return found

    def _grouped(self) -> list[_Group]:
        members: dict[int, list[int]] = {}
        for position, candidate in enumerate(self.candidates):
            members.setdefault(candidate.issue_id, []).append(position)
        near, cosines = self.near.tolist(), self.cosines.tolist()  # for groups of one or two
        groups = []
        for issue_id, positions in members.items():
            best = max(positions, key=near.__getitem__)
            cosine = max(map(cosines.__getitem__, positions))
            groups.append(_Group(issue_id, positions, near[best], cosine, best))
        return groups

    @staticmethod
    def _ranks(keys: Sequence[float]) -> list[int]:
        order = sorted(range(len(keys)), key=keys.__getitem__)
        ranks = [0] * len(keys)
        for rank, position in enumerate(order):
            ranks[position] = rank
        return ranks

    def _features(self, position: int, group: _Group) -> list[float]:
        best = self.candidates[group.best].report
        rival = best_other(self.best_cosines, position)
        words = pair.features_of(self.report, best, float(self.cosines[group.best]), rival)
        place = self._place(position, group, best)
        talk = self._talk(position, group)
        return [
            *words,
            *(place[name] for name in OF_PLACE),
            *(talk.get(name, _UNKNOWN) for name in OF_TALK),
        ]

    def _place(self, position: int, group: _Group, best: Report) -> dict[str, float]:
        words = self._shared(self.words, group)
        named = self._shared(self.named, group)
        rival = best_other(self.best_places, position)
        return {
            "place": group.place,
            "place_mean": float(self.near[group.members].mean()),
            "place_rank": float(min(MOST_RANK, self.by_place[position])),
            "place_margin": group.place - rival,
            "cosine_rank": float(min(MOST_RANK, self.by_cosine[position])),
            "rarest_shared": words.rarest,
            "rarity_shared": min(MOST_RARITY, words.total),
            "rarity_share": words.share,
            "rarest_concept": named.rarest,
            "concepts_shared": min(MOST_RARITY, named.total),
            "concepts_share": named.share,
            "words_ours": self.length,
            "words_theirs": float(min(MOST_WORDS, len(words_of(best.text).split()))),
        }

    def _weighed(self, read: Callable[[str], frozenset[str]]) -> _Ours:
        ours = read(self.report.text)
        return _Ours(read, ours, sum(self.space.rarity_of(token) for token in ours))

    def _shared(self, own: _Ours, group: _Group) -> _Shared:
        theirs = frozenset().union(
            *(own.read(self.candidates[member].report.text) for member in group.members)
        )
        rarities = [self.space.rarity_of(token) for token in own.tokens & theirs]
        total = sum(rarities)
        return _Shared(max(rarities, default=0.0), total, total / own.total if own.total else 0.0)

    def _words_here(self) -> WordsHere:
        return WordsHere(
            self.report.text,
            [
                [self.candidates[member].report.text for member in group.members]
                for group in self.groups
            ],
            self.space,
        )

    def _talk(self, position: int, group: _Group) -> dict[str, float]:
        """Nothing, for a text that comes from no conversation."""
        if self.words_here is None:
            return {}
        ages = [self.ages[member] for member in group.members]
        first = self.candidates[group.members[0]].report
        last = self.candidates[group.members[-1]].report
        other = -best_other(self.latest, position) if len(self.groups) > 1 else LONG_AGO
        return {
            "minutes_since_first": math.log10(1 + max(ages) / 60),
            "minutes_since_last": math.log10(1 + min(ages) / 60),
            "minutes_since_other": math.log10(1 + other / 60),
            "newer_issues": float(min(MOST_RANK, self.by_age[position])),
            "issues_just_now": self.just_now,
            "issues_lately": self.lately,
            "issues_known": self.known,
            "reports": float(min(MOST_REPORTS, len(group.members))),
            "recent_reports": float(sum(age < RECENT_SECONDS for age in ages)),
            "burst": self.burst,
            "answers": float(self._answers(group)),
            "same_author_as_first": float(self.report.author == first.author),
            "same_author_as_last": float(self.report.author == last.author),
            "same_category": float(self.report.category == first.category),
            "is_bug": float(self.report.category == "bug"),
            "echo": self.echo,
            "says_also": self.says_also,
            **self.words_here.numbers(position),
        }

    def _last(self, group: _Group) -> float:
        """Seconds to the report of this issue that is nearest in time."""
        return min(map(self.ages.__getitem__, group.members))

    def _answers(self, group: _Group) -> bool:
        answered = self.report.answers
        return answered is not None and any(
            self.candidates[member].report.number == answered for member in group.members
        )
