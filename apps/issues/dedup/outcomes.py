"""What thresholds would do to reports whose whole team or group the deciding model has not seen."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from apps.issues.dedup.corpus import DUPLICATES, LOOKALIKES
from apps.issues.dedup.pair_training import Case
from apps.issues.dedup.texts import of_other_language

NOT_JUDGED = -40.0  # log-odds
CURVE_OF_TALK = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # merge thresholds
CURVE = (0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2)

Array = npt.NDArray[np.float64]


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
        return max(chosen, default=NOT_JUDGED)

    def raised(self, same: float, other: float) -> "Scored":
        """With so much more for options in the same language and in another one."""
        features = np.array([option.features for option in self.case.options], np.float64)
        if not len(features):
            return self
        return replace(
            self, log_odds=self.log_odds + np.where(of_other_language(features), other, same)
        )

    @property
    def rank(self) -> int:
        """How many other issues are before its own."""
        return sum(
            value > self.own
            for option, value in zip(self.case.options, self.log_odds, strict=True)
            if not option.is_own
        )


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
        "suggestions_per_report": round(
            sum(min(3, count) for count in offered) / max(1, len(talk)), 2
        ),
    }


def curve_of_pairs(pairs: Sequence[Scored]) -> list[dict[str, float]]:
    """Recall of each kind of duplicate by the share of look-alikes merged."""
    lookalikes = np.array([each.own for each in pairs if each.case.kind in LOOKALIKES])
    points = []
    for rate in CURVE:
        threshold = float(np.quantile(lookalikes, 1 - rate))
        point = {"lookalikes": rate, "threshold": round(chance(threshold), 4)}
        for kind in DUPLICATES:
            scores = [each.own for each in pairs if each.case.kind == kind]
            if scores:
                point[kind] = round(float(np.mean(np.array(scores) >= threshold)), 4)
        points.append(point)
    return points


def curve_of_talk(talk: Sequence[Scored], suggest: float) -> list[dict[str, float]]:
    """The same figures by merge threshold."""
    return [
        {"threshold": value, **figures_of_talk(talk, log_odds(value), suggest)}
        for value in CURVE_OF_TALK
    ]


def chance(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def log_odds(chance: float) -> float:
    return math.log(chance / (1 - chance))
