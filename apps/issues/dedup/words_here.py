"""What a report shares with each issue, weighed by how rare it is among what is compared here.

"Виписка" tells one issue from another at a baker's, and nothing at a bank.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import nlargest
from itertools import chain

from apps.issues.dedup.space import Space, concept_tokens, tokens

#: name -> direction, as in `scene.DIRECTIONS`.
OF_WORDS_HERE = {
    "rarest_here": 1,
    "shared_here": 1,
    "share_here": 1,
    "share_of_theirs_here": 1,
    "margin_here": 1,
    "rank_here": -1,
    "shared_with_one_here": 1,
    "concepts_here": 1,
    "concepts_share_here": 1,
    "concepts_margin_here": 1,
}
MOST_RANK = 12
PRIOR_ISSUES = 10  # so many issues here count as much as the whole corpus


class WordsHere:
    """`issues` are the texts of each issue's reports; what few issues say is as rare as in the corpus of `space`."""

    def __init__(self, text: str, issues: Sequence[Sequence[str]], space: Space) -> None:
        self.space = space
        self.issues = [[tokens(each) for each in texts] for texts in issues]
        self.theirs = [frozenset().union(*each) for each in self.issues]
        self.counts = Counter(chain.from_iterable(self.theirs))
        self.rarities: dict[str, float] = {}
        self.ours = tokens(text)
        self.things = concept_tokens(text)
        self.shared = [self._weight(self.ours & theirs) for theirs in self.theirs]
        self.concepts = [self._weight(self.things & theirs) for theirs in self.theirs]
        self.best_shared = two_best(self.shared)
        self.best_concepts = two_best(self.concepts)
        self.ordered = sorted(self.shared)
        self.total = self._weight(self.ours) or 1.0
        self.total_concepts = self._weight(self.things) or 1.0

    def numbers(self, position: int) -> dict[str, float]:
        """Of one issue, by the names of OF_WORDS_HERE."""
        theirs = self.theirs[position]
        shared, concepts = self.shared[position], self.concepts[position]
        return {
            "rarest_here": max(map(self._rarity_of, self.ours & theirs), default=0.0),
            "shared_here": shared,
            "share_here": shared / self.total,
            "share_of_theirs_here": shared / (self._weight(theirs) or 1.0),
            "margin_here": shared - best_other(self.best_shared, position),
            "rank_here": float(min(MOST_RANK, self._sharing_more_than(shared))),
            "shared_with_one_here": max(
                self._weight(self.ours & each) for each in self.issues[position]
            ),
            "concepts_here": concepts,
            "concepts_share_here": concepts / self.total_concepts,
            "concepts_margin_here": concepts - best_other(self.best_concepts, position),
        }

    def _sharing_more_than(self, shared: float) -> int:
        return len(self.ordered) - bisect_right(self.ordered, shared)

    def _weight(self, named: Iterable[str]) -> float:
        # Rounded once: a set has no order, and equal sums must be equal for the rank.
        return math.fsum(map(self._rarity_of, named))

    def _rarity_of(self, token: str) -> float:
        known = self.rarities.get(token)
        if known is None:
            expected = PRIOR_ISSUES * math.exp(-self.space.rarity_of(token))
            share = (self.counts[token] + expected) / (len(self.theirs) + PRIOR_ISSUES)
            known = self.rarities[token] = -math.log(share)
        return known


def two_best(values: Iterable[float]) -> list[tuple[float, int]]:
    """With their positions: the best of all others is the first or the second of these."""
    return nlargest(2, ((value, position) for position, value in enumerate(values)))


def best_other(best: Sequence[tuple[float, int]], position: int) -> float:
    return next((value for value, other in best if other != position), 0.0)
