"""Trains the judge, chooses the thresholds by grouped cross-validation, and says what they are worth.

Every figure is of texts whose whole team or group the deciding model has not seen. What the space says
of a text when the trees are grown, too, comes from a space that had not seen it.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz

from apps.issues.dedup.base import matrix_of
from apps.issues.dedup.conflicts import contradicts, facts_of
from apps.issues.dedup.corpus import DUPLICATES, LOOKALIKES, Row, Talk
from apps.issues.dedup.judge import PairModel
from apps.issues.dedup.line import Line
from apps.issues.dedup.pair_training import (
    Case,
    cases_of_rows,
    cases_of_talk,
    fit_line,
    grow,
    nearest_bases,
)
from apps.issues.dedup.scene import NAMES
from apps.issues.dedup.space_training import Block, block_of_rows, block_of_talk, learn
from apps.issues.dedup.trees import Trees
from tasktracker.lib.text import normal_form

FOLDS = 5
BLOCKS_OF_PAIRS = 10
#: A false merge hides a problem, a missed duplicate costs a click.
MAX_LOOKALIKES_MERGED = 0.05
MAX_WRONG_GROUP = 0.003
#: Of the reports of a talk. Here all reports are known as such and grouped rightly; live they are not,
#: which takes the other half of the two in three weeks of a busy team.
MAX_FALSE_MERGES = 1 / 112
#: Of near and cross-language duplicates, and of the repeats in a talk: the rest costs too many looks.
SUGGESTED_SHARE, SUGGESTED_SHARE_OF_TALK = 0.995, 0.97
JUST_ABOVE = 1e-3  # log-odds; equal scores stay on one side
FUZZY_MARGIN = 0.03
FUZZY_FLOOR, FUZZY_SUGGEST = 0.9, 0.75
SEMANTIC_MARGIN = 0.02
CURVE = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)
CURVE_OF_TALK = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # merge thresholds

Array = npt.NDArray[np.float64]
Advance = Callable[[int, int], None]


@dataclass(frozen=True)
class Scored:
    """A case with the log-odds of each of its options, by a model that has not seen its fold."""

    case: Case
    log_odds: Array

    @property
    def own(self) -> float:
        """Of the issue that it repeats, or looks like; far below everything when that was not judged."""
        return self._best(is_own=True)

    @property
    def other(self) -> float:
        return self._best(is_own=False)

    def _best(self, *, is_own: bool) -> float:
        chosen = [
            float(value)
            for option, value in zip(self.case.options, self.log_odds, strict=True)
            if option.is_own == is_own
        ]
        return max(chosen, default=-40.0)

    @property
    def rank(self) -> int:
        """How many other issues are before its own."""
        return sum(
            value > self.own
            for option, value in zip(self.case.options, self.log_odds, strict=True)
            if not option.is_own
        )


@dataclass(frozen=True)
class Calibrated:
    """The content of `thresholds.json`, and the model that it is about."""

    data: dict[str, Any]
    model: PairModel

    @property
    def version(self) -> str:
        return str(self.data["version"])


def calibrate(
    rows: Sequence[Row],
    talks: Sequence[Talk],
    *,
    embedding_model: str,
    today: str,
    advance: Advance = lambda done, total: None,
) -> Calibrated:
    """Trains on everything; the figures are of cross-validation. Takes some minutes."""
    steps = 2 * FOLDS + 1
    folds = _folds(rows, talks)
    cases = []
    for fold in range(FOLDS):
        cases += _unseen_cases(rows, talks, folds, fold)
        advance(fold + 1, steps)
    scored = []
    for fold in range(FOLDS):
        talk_part, text_part = _train([case for case in cases if folds[case.source] != fold])
        scored += [
            Scored(case, (talk_part if case.is_talk else text_part).log_odds(_features(case)))
            for case in cases
            if folds[case.source] == fold
        ]
        advance(FOLDS + fold + 1, steps)
    talk = [each for each in scored if each.case.is_talk]
    pairs = [each for each in scored if not each.case.is_talk]
    merge = choose_merge(talk)
    # Added to the line's log-odds, so that one threshold fits both parts.
    shift = merge - choose_merge_of_pairs(pairs)
    suggest = min(
        merge,
        choose_suggest(talk, SUGGESTED_SHARE_OF_TALK),
        choose_suggest(pairs, SUGGESTED_SHARE) + shift,
    )
    trees, line = _train(cases)
    line = replace(line, intercept=line.intercept + shift)
    model = PairModel(learn(_blocks(rows, talks)), trees, line)
    advance(steps, steps)
    thresholds = {
        "judged": {"merge": round(_chance(merge), 4), "suggest": round(_chance(suggest), 4)},
        "fuzzy": {"merge": choose_fuzzy(rows), "suggest": FUZZY_SUGGEST},
        "semantic": choose_semantic(rows),
    }
    return Calibrated(
        {
            "embedding_model": embedding_model,
            "calibrated_at": today,
            "version": _version(model, thresholds),
            "thresholds": thresholds,
            "figures": {
                "talks": len(talks),
                "reports": len(talk),
                "groups": len({row.group for row in rows}),
                "cross_validation": f"{FOLDS} folds by team and by group",
                **figures_of_pairs(pairs, merge - shift, suggest - shift),
                "curve": curve_of_pairs(pairs),
                "talk": figures_of_talk(talk, merge, suggest),
                "talk_curve": [
                    {"threshold": value, **figures_of_talk(talk, _log_odds(value), suggest)}
                    for value in CURVE_OF_TALK
                ],
            },
        },
        model,
    )


def _folds(rows: Sequence[Row], talks: Sequence[Talk]) -> dict[str, int]:
    """The fold of each team and of each group of pairs; neither is ever split."""
    groups = sorted({row.group for row in rows})
    shuffled = np.random.default_rng(0).permutation(len(groups))
    of_pairs = {group: int(place) % FOLDS for group, place in zip(groups, shuffled, strict=True)}
    names = sorted(talk.name for talk in talks)
    return of_pairs | {name: place % FOLDS for place, name in enumerate(names)}


def _unseen_cases(
    rows: Sequence[Row], talks: Sequence[Talk], folds: Mapping[str, int], fold: int
) -> list[Case]:
    """The cases of one fold, in the space that the other folds make."""
    space = learn(
        _blocks(
            [row for row in rows if folds[row.group] != fold],
            [talk for talk in talks if folds[talk.name] != fold],
        )
    )
    cases = [
        case for talk in talks if folds[talk.name] == fold for case in cases_of_talk(talk, space)
    ]
    return cases + [case for case in cases_of_rows(rows, space) if folds[case.source] == fold]


def _blocks(rows: Sequence[Row], talks: Sequence[Talk]) -> list[Block]:
    groups = sorted({row.group for row in rows})
    shares = [set(groups[place::BLOCKS_OF_PAIRS]) for place in range(BLOCKS_OF_PAIRS)]
    of_pairs = [[row for row in rows if row.group in share] for share in shares]
    return [
        *(block_of_talk(talk) for talk in talks),
        *(block_of_rows(share) for share in of_pairs if share),
    ]


def _train(cases: Sequence[Case]) -> tuple[Trees, Line]:
    return (
        grow([case for case in cases if case.is_talk]),
        fit_line([case for case in cases if not case.is_talk]),
    )


def choose_merge(talk: Sequence[Scored]) -> float:
    """The lowest log-odds at which few enough reports join a wrong issue."""
    best = sorted(
        (
            (max(each.own, each.other), each.case.is_repeat and each.own >= each.other)
            for each in talk
        ),
        reverse=True,
    )
    false = 0
    for value, is_right in best:
        false += not is_right
        if false > MAX_FALSE_MERGES * len(talk):
            return value + JUST_ABOVE
    return best[-1][0]


def choose_merge_of_pairs(pairs: Sequence[Scored]) -> float:
    """The lowest log-odds that keep both kinds of false merges under their limits."""
    lookalikes = [each.own for each in pairs if each.case.kind in LOOKALIKES]
    return float(
        max(
            np.quantile(np.array(lookalikes), 1 - MAX_LOOKALIKES_MERGED),
            np.quantile(np.array([each.other for each in pairs]), 1 - MAX_WRONG_GROUP),
        )
        + JUST_ABOVE
    )


def choose_suggest(scored: Sequence[Scored], share: float) -> float:
    """What so many of the duplicates that were judged at all reach."""
    reached = [
        each.own
        for each in scored
        if each.case.is_repeat and each.own > -40.0 and each.case.kind in ("talk", "near", "cross")
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


def choose_semantic(rows: Sequence[Row]) -> dict[str, float]:
    """Cosines that no look-alike reaches, and that nearly all near and cross duplicates do."""
    own = [
        (row.kind, _cosine(row, base)) for row, base in _compared(rows) if row.group == base.group
    ]
    lookalikes = [cosine for kind, cosine in own if kind in LOOKALIKES]
    duplicates = [cosine for kind, cosine in own if kind in ("near", "cross")]
    return {
        "merge": round(min(0.99, max(lookalikes) + SEMANTIC_MARGIN), 3),
        "suggest": round(float(np.quantile(duplicates, 1 - SUGGESTED_SHARE)), 3),
    }


def _compared(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Each text with its own base and with the nearest others."""
    own = {row.group: row for row in rows if row.kind == "base"}
    found = []
    for row, bases in nearest_bases(rows):
        found += [(row, base) for base in bases if base.group != row.group]
        found.append((row, own[row.group]))
    return found


def figures_of_pairs(pairs: Sequence[Scored], merge: float, suggest: float) -> dict[str, float]:
    """What the live path would do at these log-odds, each text against all bases."""
    outcome: dict[str, list[float]] = {}
    for each in pairs:
        kind = each.case.kind
        merged = max(each.own, each.other) >= merge
        right = merged and each.own >= each.other
        is_offered = each.own >= suggest and each.rank < 3
        group = kind if kind in DUPLICATES else "lookalikes"
        outcome.setdefault(f"merged_{group}", []).append(right)
        outcome.setdefault(f"suggested_{group}", []).append(right or (not merged and is_offered))
        outcome.setdefault("wrong_group_merged", []).append(merged and not right)
        # How much noise a person sees: wrong issues offered for a text.
        offered = sorted(each.log_odds, reverse=True)[:3]
        wrong = sum(value >= suggest for value in offered) - is_offered
        outcome.setdefault("wrong_suggestions", []).append(float(wrong))
        if kind in LOOKALIKES:
            outcome.setdefault(f"merged_{kind}", []).append(right)
    return {name: round(float(np.mean(values)), 4) for name, values in sorted(outcome.items())}


def figures_of_talk(talk: Sequence[Scored], merge: float, suggest: float) -> dict[str, float]:
    """Of the repeats: attached, attached or offered first, or among three; and what went wrong."""
    repeats = [each for each in talk if each.case.is_repeat]
    merged = [each for each in talk if max(each.own, each.other) >= merge]
    right = [each for each in merged if each.case.is_repeat and each.own >= each.other]
    first = [each for each in repeats if each.rank == 0 and each.own >= suggest]
    three = [each for each in repeats if each.rank < 3 and each.own >= suggest]
    offered = [sum(value >= suggest for value in each.log_odds) for each in talk]
    return {
        "attached": round(len(right) / max(1, len(repeats)), 4),
        "attached_precision": round(len(right) / max(1, len(merged)), 4),
        "false_merges_per_100_reports": round(
            100 * (len(merged) - len(right)) / max(1, len(talk)), 2
        ),
        "attached_or_first": round(
            len({*map(id, right), *map(id, first)}) / max(1, len(repeats)), 4
        ),
        "attached_or_in_three": round(
            len({*map(id, right), *map(id, three)}) / max(1, len(repeats)), 4
        ),
        "suggestions_per_report": round(float(np.mean([min(3, count) for count in offered])), 2),
    }


def curve_of_pairs(pairs: Sequence[Scored]) -> list[dict[str, float]]:
    """Recall of each kind of duplicate by the share of look-alikes merged."""
    lookalikes = np.array([each.own for each in pairs if each.case.kind in LOOKALIKES])
    points = []
    for rate in CURVE:
        threshold = float(np.quantile(lookalikes, 1 - rate))
        point = {"lookalikes": rate, "threshold": round(_chance(threshold), 4)}
        for kind in DUPLICATES:
            scores = [each.own for each in pairs if each.case.kind == kind]
            if scores:
                point[kind] = round(float(np.mean(np.array(scores) >= threshold)), 4)
        points.append(point)
    return points


def _features(case: Case) -> Array:
    width = len(NAMES)
    return np.array([option.features for option in case.options], np.float64).reshape(-1, width)


def _version(model: PairModel, thresholds: Mapping[str, Any]) -> str:
    """Short name of the weights and thresholds."""
    digest = hashlib.sha256(repr((sorted(thresholds.items()), model.line.intercept)).encode())
    for array in (
        model.space.projection,
        model.space.echo,
        model.trees.value,
        model.trees.threshold,
        model.line.weights,
    ):
        digest.update(np.ascontiguousarray(array).tobytes())
    digest.update(repr(sorted(model.space.rarity.items())).encode())
    return digest.hexdigest()[:12]


def _chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def _log_odds(chance: float) -> float:
    return math.log(chance / (1 - chance))


def _cosine(row: Row, base: Row) -> float:
    one, other = matrix_of([row.report, base.report])
    return float(one @ other)
