"""Calibration of the judge, on made-up groups of pairs and made-up talks."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from apps.issues.dedup import calibration, choosing, pair_training, space_training
from apps.issues.dedup.artefact import MODEL_FILE, read_model, write_model
from apps.issues.dedup.base import Candidate
from apps.issues.dedup.calibration import calibrate
from apps.issues.dedup.corpus import (
    BURST,
    CHAT,
    RETOLD,
    TALK,
    cached_embed,
    read_rows,
    read_talks,
)
from apps.issues.dedup.levels import parse_calibration
from apps.issues.dedup.pair_training import cases_of_talk, joining
from apps.issues.dedup.scene import rivals
from apps.issues.dedup.texts import of_other_language
from tests.lib.made_up_talks import KINDS, embed, lines_of

pytestmark = pytest.mark.usefixtures("short_training")

ENGLISH = {"cross", "hard_negative_cross"}


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "pairs.jsonl"
    lines = []
    for number in range(30):
        for kind in KINDS:
            words = "the report breaks in place" if kind in ENGLISH else "звіт ламається у місці"
            line = {
                "group_id": f"g{number}",
                "kind": kind,
                "lang": "uk",
                "text": f"{words} {number} {kind}",
            }
            lines.append(json.dumps(line))
    path.write_text("\n".join(lines))
    return read_rows([path], embed)


@pytest.fixture(scope="module")
def made(rows, talks):
    return calibrate(rows, talks, embedding_model="m", today="2026-05-01")


def test_a_talk_names_the_first_report_of_each_problem(talks):
    talk = talks[0]

    assert len(talk.reports) == 15
    assert talk.problems[:4] == [1001, 1011, 1011, 1021]
    assert [report.number for report in talk.reports[1:3]] == [1011, 1012]


def test_calibration_is_the_same_each_time(rows, talks, made):
    again = calibrate(rows, talks, embedding_model="m", today="2026-05-01")

    assert again.data == made.data


def test_thresholds_keep_look_alikes_apart(made):
    figures = made.data["figures"]

    assert figures["merged_near"] > 0.9
    assert figures["merged_lookalikes"] <= 0.1
    assert figures["wrong_group_merged"] <= 0.01  # one text


def test_a_report_of_the_same_problem_moments_later_is_attached(made):
    talk = made.data["figures"]["talk"]

    assert talk["attached"] > 0.8
    assert talk["false_merges_per_100_reports"] <= 2


def test_what_is_written_answers_the_same(tmp_path, talks, made):
    write_model(tmp_path / MODEL_FILE, made.model, made.version)
    with (tmp_path / MODEL_FILE).open("rb") as file:
        model, version = read_model(file)

    known = parse_calibration(json.loads(json.dumps(made.data)), model, version)

    new, *earlier = reversed(talks[0].reports)
    found = rivals(new, [Candidate(report.number, report) for report in earlier], model.space)
    assert known.model.scores(new, found) == made.model.scores(new, found)
    assert known.embedding_model == "m"
    assert known.judged.suggest <= known.judged.merge


def test_the_reports_of_whole_chats_choose_the_merge_threshold(rows, talks):
    chats = [replace(talk, kind=CHAT) for talk in talks[:3]]
    mixed_up = [_told_wrongly(talk) for talk in talks[3:]]

    figures = calibrate(rows, [*chats, *mixed_up], embedding_model="m", today="").data["figures"]

    assert figures["chats"] == 3
    assert figures["chat"]["false_merges_per_100_reports"] <= 1
    assert figures["talk"]["false_merges_per_100_reports"] > 1


def test_different_problems_one_after_another_stay_apart(made):
    assert made.data["figures"]["burst"]["false_merges_per_100_reports"] <= 2


def _told_wrongly(talk):
    """Every repeat is said to be a problem of its own: nobody could tell it by its text."""
    return replace(talk, problems=[report.number for report in talk.reports])


def test_no_talk_is_filed_by_a_judge_that_has_seen_it(rows, talks, monkeypatch):
    taught, judges, filed = [], {}, []

    def grow(cases):
        trees = pair_training.grow(cases)
        taught.append((trees, {case.source for case in cases}))
        return trees

    def join(trees, merge):
        decide = joining(trees, merge)
        judges[decide] = next(sources for known, sources in taught if known is trees)
        return decide

    def file(talk, space, decide=None):
        if decide is not None:
            filed.append((talk.name, talk.name in judges[decide]))
        return cases_of_talk(talk, space, decide)

    monkeypatch.setattr(calibration, "grow", grow)
    monkeypatch.setattr(calibration, "joining", join)
    monkeypatch.setattr(calibration, "cases_of_talk", file)

    calibrate(rows, talks, embedding_model="m", today="")

    assert filed == [(talk.name, False) for talk in talks]


def test_what_is_measured_is_what_was_filed(rows, talks, made, monkeypatch):
    def twice(talk, space, decide=None):
        return cases_of_talk(talk, space, decide) * (1 if decide is None else 2)

    monkeypatch.setattr(calibration, "cases_of_talk", twice)

    again = calibrate(rows, talks, embedding_model="m", today="")

    assert again.data["figures"]["reports"] == 2 * made.data["figures"]["reports"]


@pytest.mark.parametrize("is_joined", [True, False])
def test_what_reaches_the_threshold_joins_the_likeliest_issue(talks, made, is_joined):
    new, *earlier = reversed(talks[0].reports)
    known = [Candidate(report.number, report) for report in earlier]
    found = rivals(new, known, made.model.space)
    scores = made.model.scores(new, found)
    likeliest = found[scores.index(max(scores))].issue_id

    decide = joining(made.model.trees, -40.0 if is_joined else 40.0)

    assert decide(found) == (likeliest if is_joined else None)
    assert decide([]) is None


def test_weeks_that_were_written_as_life_is_count_as_chats(tmp_path):
    (tmp_path / "weeks").mkdir()
    lines = [json.dumps(line) for line in lines_of(100)]
    (tmp_path / "weeks" / "team.jsonl").write_text("\n".join(lines))

    (talk,) = read_talks(tmp_path, embed)

    assert talk.name == "team"
    assert talk.kind == CHAT


@pytest.mark.parametrize(
    ("folder", "kind"), [("conversations", CHAT), ("teams", CHAT), ("retold", RETOLD)]
)
def test_conversations_say_which_report_repeats_which(tmp_path, folder, kind):
    (tmp_path / folder).mkdir()
    lines = [
        {**line, "from": line.pop("author"), "of": line.pop("duplicate_of")}
        for line in lines_of(100)
    ]
    said = {**lines[0], "id": 9000, "category": "info", "text": "дивлюсь"}
    path = tmp_path / folder / "team.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in [*lines, said]))

    (talk,) = read_talks(tmp_path, embed)

    assert talk.kind == kind
    assert talk.problems[:4] == [1001, 1011, 1011, 1021]
    assert [report.author for report in talk.reports[:3]] == ["a", "a", "b"]
    assert 9000 not in talk.problems


def test_two_talks_of_one_name_are_refused(tmp_path):
    for folder in ("weeks", "duplicates"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "team.jsonl").write_text(
            "\n".join(json.dumps(line) for line in lines_of(100))
        )

    with pytest.raises(ValueError, match="same name"):
        read_talks(tmp_path, embed)


def test_what_is_retold_teaches_the_space_and_not_the_trees(rows, talks, monkeypatch):
    *others, one = talks
    retold = replace(one, kind=RETOLD)
    taught: set[str] = set()

    def grow(cases):
        taught.update(case.kind for case in cases)
        return pair_training.grow(cases)

    monkeypatch.setattr(calibration, "grow", grow)

    made = calibrate(rows, [*others, retold], embedding_model="m", today="")
    without = calibrate(rows, others, embedding_model="m", today="")

    space, other_space = made.model.space, without.model.space
    assert not np.array_equal(space.projection, other_space.projection)
    assert taught == {TALK, BURST}
    assert made.data["figures"]["retold"]["attached"] > 0


def test_whole_chats_teach_more_than_reports_that_were_written(talks):
    cases = cases_of_talk(talks[0], space_training.learn([space_training.block_of_talk(talks[0])]))
    chat = [replace(case, kind="chat") for case in cases]

    assert pair_training.IMPORTANCE["chat"] > 1
    assert all(case.is_talk for case in [*cases, *chat])
    once, thrice = pair_training.grow([*cases, *cases]), pair_training.grow([*cases, *chat])
    assert not np.array_equal(once.value, thrice.value)


def test_the_space_learns_nothing_from_what_has_the_words_of_its_base(rows, talks, made):
    without = [row for row in rows if row.kind != "near2"]

    again = calibrate(without, talks, embedding_model="m", today="")

    assert np.array_equal(again.model.space.projection, made.model.space.projection)


def test_what_is_added_for_another_language_leaves_texts_of_one_alone(rows, made):
    cases = pair_training.cases_of_rows(rows, made.model.space)
    features = np.array([option.features for case in cases for option in case.options])
    is_other = of_other_language(features)
    texts = made.model.texts

    moved = texts.raised(0.0, 2.0).log_odds(features) - texts.log_odds(features)

    assert 0 < is_other.sum() < len(is_other)
    assert np.allclose(moved, np.where(is_other, 2.0, 0.0))


def test_both_kinds_of_look_alikes_stay_under_their_own_limit(made):
    figures = made.data["figures"]

    for kind, limit in choosing.MAX_LOOKALIKES_MERGED.items():
        assert figures[f"merged_{kind}"] <= limit + 1 / 30  # one of the thirty


def test_weights_of_another_calibration_are_refused(made):
    with pytest.raises(ValueError, match="weights of"):
        parse_calibration(made.data, made.model, "another")


def test_vectors_are_embedded_once(tmp_path):
    asked = []

    def counted(texts):
        asked.append(list(texts))
        return embed(texts)

    again = cached_embed(counted, "m", Path(tmp_path / "deep" / "vectors.npz"))
    first = again(["звіт 1 base", "звіт 2 near"])
    second = again(["звіт 2 near", "звіт 1 base"])

    assert len(asked) == 1
    assert np.array_equal(first, second[::-1])
