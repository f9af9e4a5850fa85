"""Chooses the thresholds: the lowest at which few enough different problems are joined."""

import math
from collections.abc import Sequence

import numpy as np
from rapidfuzz import fuzz

from apps.issues.dedup.base import matrix_of
from apps.issues.dedup.conflicts import contradicts, facts_of
from apps.issues.dedup.corpus import CHAT, DUPLICATES, TALK, Row
from apps.issues.dedup.outcomes import NOT_JUDGED, Scored
from apps.issues.dedup.pair_training import nearest_bases
from tasktracker.lib.text import normal_form

#: A false merge hides a problem, a missed duplicate costs a click.
#: Of pairs that were written to mislead; half of what may be joined, as texts that nobody has seen mislead more.
#: Who tells a problem again in one language expects it to be seen; what a translation repeats is one key away.
MAX_LOOKALIKES_MERGED = {"hard_negative": 0.06, "hard_negative_cross": 0.02}
MAX_WRONG_GROUP = 0.003
#: Of the reports of whole chats: talks that were written have far more traps than life. Here all reports
#: are known as such, and hardly anything new comes soon after something else; live there are more
#: (docs/evaluation.md), and the goal is two in the 112 that three weeks of a busy team may have.
MAX_FALSE_MERGES = 1.5 / 100
MAX_MERGED_IN_BURSTS = 0.02
#: Of near and cross-language duplicates: the rest costs too many looks.
SUGGESTED_SHARE = 0.995
JUST_ABOVE = 1e-3  # log-odds; equal scores stay on one side
FUZZY_MARGIN = 0.03
FUZZY_FLOOR = 0.9


def choose_merge(talk: Sequence[Scored], limit: float = MAX_FALSE_MERGES) -> float:
    """Log-odds at which few enough reports join a wrong issue.

    Half way between the last wrong one that may join and the next: right above the next, another
    sample of reports would let it in.
    """
    best = sorted(
        (
            (max(each.own, each.other), each.case.is_repeat and each.own >= each.other)
            for each in talk
        ),
        reverse=True,
    )
    wrong = [value for value, is_right in best if not is_right]
    may_join = int(limit * len(talk))
    if len(wrong) <= may_join:
        return best[-1][0]
    next_one = wrong[may_join]
    last = wrong[may_join - 1] if may_join else next_one
    return max(next_one + JUST_ABOVE, (last + next_one) / 2)


def raises_of_texts(pairs: Sequence[Scored], merge: float) -> tuple[float, float]:
    """Log-odds to add to pairs of one language and of two, so that `merge` is right for both."""
    same, other = (
        merge - JUST_ABOVE - _exceeded(pairs, kind, share)
        for kind, share in MAX_LOOKALIKES_MERGED.items()
    )
    strangers = [each.raised(same, other).other for each in pairs]
    highest = float(np.quantile(np.array(strangers), 1 - MAX_WRONG_GROUP))
    too_high = max(0.0, highest + JUST_ABOVE - merge)
    return same - too_high, other - too_high


def _exceeded(pairs: Sequence[Scored], kind: str, share: float) -> float:
    """The log-odds that so many look-alikes of this kind reach."""
    return float(np.quantile([each.own for each in pairs if each.case.kind == kind], 1 - share))


def choose_suggest(scored: Sequence[Scored], share: float) -> float:
    """What so many of the duplicates that were judged at all reach."""
    reached = [
        each.own
        for each in scored
        if each.case.is_repeat
        and each.own > NOT_JUDGED
        and each.case.kind in (TALK, CHAT, "near", "cross")
    ]
    return float(np.quantile(np.array(reached), 1 - share)) if reached else math.inf


def choose_fuzzy(rows: Sequence[Row]) -> float:
    """Above every pair of different problems that the guard of contradictions lets through."""
    highest = FUZZY_FLOOR
    for row, base in _compared(rows):
        ours, theirs = row.report.text, base.report.text
        is_duplicate = row.group == base.group and row.kind in DUPLICATES
        if not is_duplicate and not contradicts(facts_of(ours), facts_of(theirs)):
            score = fuzz.token_sort_ratio(normal_form(ours), normal_form(theirs)) / 100
            highest = max(highest, score + FUZZY_MARGIN)
    return round(min(highest, 0.98), 3)


def choose_semantic(rows: Sequence[Row]) -> float:
    """The cosine that nearly all near and cross duplicates reach."""
    reached = [
        _cosine(row, base)
        for row, base in _compared(rows)
        if row.group == base.group and row.kind in ("near", "cross")
    ]
    return round(float(np.quantile(reached, 1 - SUGGESTED_SHARE)), 3)


def _compared(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Each text with its own base and with the nearest others."""
    own = {row.group: row for row in rows if row.kind == "base"}
    found = []
    for row, bases in nearest_bases(rows):
        found += [(row, base) for base in bases if base.group != row.group]
        found.append((row, own[row.group]))
    return found


def _cosine(row: Row, base: Row) -> float:
    one, other = matrix_of([row.report, base.report])
    return float(one @ other)
