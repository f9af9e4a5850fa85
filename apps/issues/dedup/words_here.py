"""What a report shares with each issue, weighed by how rare it is among what is compared here.

"Виписка" tells one issue from another at a baker's, and nothing at a bank.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from heapq import nlargest
from itertools import chain

from apps.issues.dedup.space import Space, concept_tokens, tokens, words

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
    "told_here": 1,
    "told_margin_here": 1,
    "told_rank_here": -1,
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
        self.weights: dict[frozenset[str], float] = {}
        self.weighed = [(word, self._weight_of_word(word)) for word in words(text)]
        self.all_ours = sum(weight for _word, weight in self.weighed)
        self.told = [max(map(self._told_by_both, texts)) for texts in issues]
        self.best_told = two_best(self.told)
        self.ordered_told = sorted(self.told)
        self.total = self._weight(self.ours) or 1.0
        self.total_concepts = self._weight(self.things) or 1.0

    def numbers(self, position: int) -> dict[str, float]:
        """Of one issue, by the names of OF_WORDS_HERE."""
        theirs, told = self.theirs[position], self.told[position]
        shared, concepts = self.shared[position], self.concepts[position]
        return {
            "rarest_here": max(map(self._rarity_of, self.ours & theirs), default=0.0),
            "shared_here": shared,
            "share_here": shared / self.total,
            "share_of_theirs_here": shared / (self._weight(theirs) or 1.0),
            "margin_here": shared - best_other(self.best_shared, position),
            "rank_here": _rank(shared, self.ordered),
            "shared_with_one_here": max(
                self._weight(self.ours & each) for each in self.issues[position]
            ),
            "concepts_here": concepts,
            "concepts_share_here": concepts / self.total_concepts,
            "concepts_margin_here": concepts - best_other(self.best_concepts, position),
            "told_here": told,
            "told_margin_here": told - best_other(self.best_told, position),
            "told_rank_here": _rank(told, self.ordered_told),
        }

    def _told_by_both(self, text: str) -> float:
        """How much of each text the other one tells, too, word by word: the harmonic mean of the two shares, 0..1."""
        named = tokens(text)
        ours = sum(weight for word, weight in self.weighed if not word.isdisjoint(named))
        if not ours:
            return 0.0
        theirs = all_theirs = 0.0
        for word in words(text):
            weight = self._weight_of_word(word)
            all_theirs += weight
            if not word.isdisjoint(self.ours):
                theirs += weight
        # What all issues name weighs nothing.
        return 2 / (self.all_ours / ours + all_theirs / theirs) if theirs else 0.0

    def _weight_of_word(self, word: frozenset[str]) -> float:
        """As its most usual name: a word that one language has for a common thing is no rarer than the thing."""
        known = self.weights.get(word)
        if known is None:
            known = self.weights[word] = min(map(self._rarity_of, word))
        return known

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


def _rank(value: float, ordered: Sequence[float]) -> float:
    """How many are above it; `ordered` begins with the least."""
    return float(min(MOST_RANK, len(ordered) - bisect_right(ordered, value)))


def two_best(values: Iterable[float]) -> list[tuple[float, int]]:
    """With their positions: the best of all others is the first or the second of these."""
    return nlargest(2, ((value, position) for position, value in enumerate(values)))


def best_other(best: Sequence[tuple[float, int]], position: int) -> float:
    return next((value for value, other in best if other != position), 0.0)
