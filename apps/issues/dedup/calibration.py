"""Trains the judge, chooses the thresholds by grouped cross-validation, and says what they are worth.

Every figure is of texts whose whole team or group the deciding model has not seen. What the space says
of a text when the trees are grown, too, comes from a space that had not seen it. Figures of talks are of
issues as a first judge groups them that has not seen the talk: as live, some repeats have opened an issue of
their own, and some reports lie in a wrong one. (The first judges of the other folds have seen the talk; of it
they tell nothing but how they group their own.)
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from apps.issues.dedup.choosing import (
    MAX_MERGED_IN_BURSTS,
    SUGGESTED_SHARE,
    choose_fuzzy,
    choose_merge,
    choose_semantic,
    choose_suggest,
    raises_of_texts,
)
from apps.issues.dedup.corpus import CHAT, RETOLD, TALK, Row, Talk
from apps.issues.dedup.judge import PairModel
from apps.issues.dedup.outcomes import (
    Array,
    Scored,
    chance,
    curve_of_pairs,
    curve_of_talk,
    figures_of_pairs,
    figures_of_talk,
)
from apps.issues.dedup.pair_training import (
    Case,
    cases_of_bursts,
    cases_of_rows,
    cases_of_talk,
    grow,
    grow_texts,
    joining,
)
from apps.issues.dedup.scene import NAMES
from apps.issues.dedup.space import Space
from apps.issues.dedup.space_training import Block, block_of_rows, block_of_talk, learn
from apps.issues.dedup.texts import Texts
from tasktracker.lib.trees import Trees

FOLDS = 5
BLOCKS_OF_PAIRS = 10
#: Of the repeats in a talk: the rest costs too many looks.
SUGGESTED_SHARE_OF_TALK = 0.97
FUZZY_SUGGEST = 0.75

Advance = Callable[[int, int], None]


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
    steps = 3 * FOLDS + 1
    folds = _folds(rows, talks)
    spaces, cases = [], []
    for fold in range(FOLDS):
        spaces.append(_space_without(fold, rows, talks, folds))
        cases += _cases(fold, rows, talks, folds, spaces[fold])
        advance(fold + 1, steps)
    lived = _lived(cases, talks, folds, spaces, lambda done: advance(FOLDS + done, steps))
    taught = cases + lived
    pairs_and_bursts = [case for case in cases if not case.is_talk or case.is_burst]
    scored = []
    for fold in range(FOLDS):
        talk_part, text_part = _train([case for case in taught if folds[case.source] != fold])
        scored += [
            Scored(case, _log_odds(case, talk_part, text_part))
            for case in [*lived, *pairs_and_bursts]
            if folds[case.source] == fold
        ]
        advance(2 * FOLDS + fold + 1, steps)
    talk = [each for each in scored if each.case.kind in (CHAT, TALK)]
    retold = [each for each in scored if each.case.kind == RETOLD]
    bursts = [each for each in scored if each.case.is_burst]
    pairs = [each for each in scored if not each.case.is_talk]
    chats = [each for each in talk if each.case.kind == CHAT]
    merge = _merge_of(scored)
    # So that one threshold fits all parts.
    raises = raises_of_texts(pairs, merge)
    pairs = [each.raised(*raises) for each in pairs]
    suggest = min(
        merge,
        choose_suggest(talk, SUGGESTED_SHARE_OF_TALK),
        choose_suggest(pairs, SUGGESTED_SHARE),
    )
    trees, texts = _train(taught)
    model = PairModel(learn(_blocks(rows, talks)), trees, texts.raised(*raises))
    advance(steps, steps)
    thresholds = {
        "judged": {"merge": round(chance(merge), 4), "suggest": round(chance(suggest), 4)},
        "fuzzy": {"merge": choose_fuzzy(rows), "suggest": FUZZY_SUGGEST},
        "semantic_suggest": choose_semantic(rows),
    }
    return Calibrated(
        {
            "embedding_model": embedding_model,
            "calibrated_at": today,
            "version": _version(model, thresholds),
            "thresholds": thresholds,
            "figures": {
                "talks": sum(talk.kind != RETOLD for talk in talks),
                "chats": sum(talk.kind == CHAT for talk in talks),
                "reports": len(talk),
                "groups": len({row.group for row in rows}),
                "cross_validation": f"{FOLDS} folds by team and by group",
                **figures_of_pairs(pairs, merge, suggest),
                "curve": curve_of_pairs(pairs),
                "chat": figures_of_talk(chats, merge, suggest),
                "chat_curve": curve_of_talk(chats, suggest),
                "talk": figures_of_talk(talk, merge, suggest),
                "burst": figures_of_talk(bursts, merge, suggest),
                "burst_curve": curve_of_talk(bursts, suggest),
                "talk_curve": curve_of_talk(talk, suggest),
                "retold": figures_of_talk(retold, merge, suggest),
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


def _space_without(
    fold: int, rows: Sequence[Row], talks: Sequence[Talk], folds: Mapping[str, int]
) -> Space:
    return learn(
        _blocks(
            [row for row in rows if folds[row.group] != fold],
            [talk for talk in talks if folds[talk.name] != fold],
        )
    )


def _cases(
    fold: int, rows: Sequence[Row], talks: Sequence[Talk], folds: Mapping[str, int], space: Space
) -> list[Case]:
    """The cases of one fold, the issues of talks grouped as they should be."""
    cases = [
        case
        for talk in talks
        if folds[talk.name] == fold
        for case in [*cases_of_talk(talk, space), *_bursts(talk, space)]
    ]
    return cases + [case for case in cases_of_rows(rows, space) if folds[case.source] == fold]


def _lived(
    cases: Sequence[Case],
    talks: Sequence[Talk],
    folds: Mapping[str, int],
    spaces: Sequence[Space],
    advance: Callable[[int], None],
) -> list[Case]:
    """The cases of all talks, filed one after the other by judges that know only the other folds."""
    firsts, scored = [], []
    for fold in range(FOLDS):
        first = _grow_of_talks([case for case in cases if folds[case.source] != fold])
        scored += [
            Scored(case, first.log_odds(_features(case)))
            for case in cases
            if folds[case.source] == fold and case.is_talk and case.kind != RETOLD
        ]
        firsts.append(first)
        advance(fold + 1)
    merge = _merge_of(scored)
    return [
        case
        for talk in talks
        for case in cases_of_talk(
            talk, spaces[folds[talk.name]], joining(firsts[folds[talk.name]], merge)
        )
    ]


def _merge_of(scored: Sequence[Scored]) -> float:
    """Log-odds at which few enough reports of whole chats, and of bursts, join a wrong issue."""
    talk = [each for each in scored if each.case.kind in (CHAT, TALK)]
    chats = [each for each in talk if each.case.kind == CHAT]
    bursts = [each for each in scored if each.case.is_burst]
    return max(choose_merge(chats or talk), choose_merge(bursts, MAX_MERGED_IN_BURSTS))


def _bursts(talk: Talk, space: Space) -> list[Case]:
    """None of what is retold: it teaches no trees."""
    return [] if talk.kind == RETOLD else cases_of_bursts(talk, space)


def _blocks(rows: Sequence[Row], talks: Sequence[Talk]) -> list[Block]:
    """What the space learns from; `near2` has the words of its base, and is near it already."""
    rows = [row for row in rows if row.kind != "near2"]
    groups = sorted({row.group for row in rows})
    shares = [set(groups[place::BLOCKS_OF_PAIRS]) for place in range(BLOCKS_OF_PAIRS)]
    of_pairs = [[row for row in rows if row.group in share] for share in shares]
    return [
        *(block_of_talk(talk) for talk in talks),
        *(block_of_rows(share) for share in of_pairs if share),
    ]


def _train(cases: Sequence[Case]) -> tuple[Trees, Texts]:
    return _grow_of_talks(cases), grow_texts([case for case in cases if not case.is_talk])


def _grow_of_talks(cases: Sequence[Case]) -> Trees:
    """A chat in which much is retold teaches the space alone: how often and how soon is not as in life."""
    return grow([case for case in cases if case.is_talk and case.kind != RETOLD])


def _log_odds(case: Case, talk_part: Trees, text_part: Texts) -> Array:
    return (talk_part if case.is_talk else text_part).log_odds(_features(case))


def _features(case: Case) -> Array:
    width = len(NAMES)
    return np.array([option.features for option in case.options], np.float64).reshape(-1, width)


def _version(model: PairModel, thresholds: Mapping[str, Any]) -> str:
    """Short name of the weights and thresholds."""
    digest = hashlib.sha256(repr(sorted(thresholds.items())).encode())
    texts = model.texts
    for part in (model.space, model.trees, texts.same_language, texts.other_language):
        for field in fields(part):
            value = getattr(part, field.name)
            told = repr(sorted(value.items())) if isinstance(value, Mapping) else value
            digest.update(told.tobytes() if isinstance(told, np.ndarray) else repr(told).encode())
    return digest.hexdigest()[:12]
