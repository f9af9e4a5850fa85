"""Calibration of the judge, on made-up groups of pairs and made-up talks."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from apps.issues.dedup import calibration, choosing, pair_training, space_training
from apps.issues.dedup.artefact import MODEL_FILE, read_model, write_model
from apps.issues.dedup.base import Candidate
from apps.issues.dedup.calibration import calibrate
from apps.issues.dedup.corpus import (
    BURST,
    BURST_IN_NEW,
    CHAT,
    RETOLD,
    TALK,
    cached_embed,
    read_rows,
    read_talks,
)
from apps.issues.dedup.levels import parse_calibration
from apps.issues.dedup.pair_training import cases_of_bursts, cases_of_talk, joining
from apps.issues.dedup.scene import NAMES, rivals
from apps.issues.dedup.texts import of_other_language
from apps.issues.nearest import NEAREST
from apps.issues.reach import RECENT
from apps.sources.models import Project

KINDS = {
    "base": 0.0,
    "near": 0.2,
    "near2": 0.1,
    "cross": 0.4,
    "para": 1.5,
    "hard_negative": 0.9,
    "hard_negative_cross": 0.9,
}
ENGLISH = {"cross", "hard_negative_cross"}


def embed(texts):
    """A direction per group, turned by how far the kind is from its base."""
    made = []
    for text in texts:
        number, kind = text.split()[-2:]
        generator = np.random.default_rng(int(number))
        own, noise = generator.normal(size=384), np.random.default_rng(len(text)).normal(size=384)
        turned = own + KINDS[kind] * noise
        made.append(turned / np.linalg.norm(turned))
    return np.array(made, np.float32)


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


def _talk(name, first):
    """Ten problems an hour apart; every second one is reported again two minutes later."""
    start = datetime(2026, 5, 4, 8, tzinfo=UTC)
    for number in range(first, first + 10):
        at = start + timedelta(hours=number)
        line = {"id": 10 * number + 1, "category": "bug", "reply_to": None, "duplicate_of": None}
        yield {**line, "at": at.isoformat(), "author": "a", "text": f"звіт {number} base"}
        if number % 2:
            again = {"id": 10 * number + 2, "duplicate_of": 10 * number + 1, "author": "b"}
            later = (at + timedelta(minutes=2)).isoformat()
            yield {**line, **again, "at": later, "text": f"теж саме {number} para"}


@pytest.fixture(scope="module")
def talks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("talks")
    (folder / "duplicates").mkdir()
    for place in range(6):
        lines = [json.dumps(line) for line in _talk(f"team{place}", 100 * (place + 1))]
        (folder / "duplicates" / f"team{place}.jsonl").write_text("\n".join(lines))
    return read_talks(folder, embed)


@pytest.fixture(scope="module", autouse=True)
def _short_training():
    """Enough for made-up texts, in seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(space_training, "EPOCHS", 2)
        for shape in (pair_training.TREES_OF_TALK, pair_training.TREES_OF_TEXTS):
            patch.setitem(shape, "max_iter", 30)
            patch.setitem(shape, "max_bins", 31)
        yield


@pytest.fixture(scope="module")
def made(rows, talks):
    return calibrate(rows, talks, embedding_model="m", today="2026-05-01")


def test_a_talk_names_the_first_report_of_each_problem(talks):
    talk = talks[0]

    assert len(talk.reports) == 15
    assert talk.problems[:4] == [1001, 1011, 1011, 1021]
    assert [report.number for report in talk.reports[1:3]] == [1011, 1012]


def test_training_searches_as_a_project_does():
    project = Project()
    trained = (pair_training.NEAREST, pair_training.RECENT)
    windows = (pair_training.TALK_DAYS, pair_training.TALK_HOURS)

    assert trained == (NEAREST, RECENT)
    assert windows == (project.open_issue_days, project.duplicate_window_hours)


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


def test_a_burst_is_different_problems_a_moment_apart(talks):
    talk = talks[0]
    space = space_training.learn([space_training.block_of_talk(talk)])

    cases = cases_of_bursts(talk, space)

    assert len(cases) == len(set(talk.problems))
    assert not any(case.is_repeat or option.is_own for case in cases for option in case.options)
    since = NAMES.index("minutes_since_last")
    nearest = [min(o.features[since] for o in case.options) for case in cases if case.options]
    assert np.log10(1 + 0.5) <= min(nearest) < max(nearest) <= np.log10(1 + 100) + 1e-9


def test_bursts_come_after_all_else_and_in_new_projects(talks):
    """Ten at once beside all others, or ten, three, three and three beside none."""
    reports = [
        replace(talks[place % 6].reports[0], number=place, text=f"звіт {place}")
        for place in range(1, 40)
    ]
    talk = replace(talks[0], reports=reports, problems=[report.number for report in reports])
    space = space_training.learn([space_training.block_of_talk(talks[0])])

    cases = cases_of_bursts(talk, space)

    known = NAMES.index("issues_known")
    seen = {
        kind: [
            round(2 ** case.options[0].features[known]) - 1 if case.options else 0
            for case in cases
            if case.kind == kind
        ]
        for kind in (BURST, BURST_IN_NEW)
    }
    assert seen[BURST][::10] == [29, 29]
    assert min(seen[BURST]) == 29
    assert seen[BURST_IN_NEW] == [*range(10), *range(3), *range(3), *range(3)]


def test_bursts_in_new_projects_are_of_one_tester_and_of_many_people_whatever_their_size(talks):
    """Twenty problems are told after all else, then rounds of ten, three, three and three."""
    reports = [
        replace(talks[place % 6].reports[0], number=place, author=str(place))
        for place in range(1, 60)
    ]
    talk = replace(talks[0], reports=reports, problems=[report.number for report in reports])
    space = space_training.learn([space_training.block_of_talk(talks[0])])

    cases = [case for case in cases_of_bursts(talk, space) if case.kind == BURST_IN_NEW]

    same = NAMES.index("same_author_as_first")
    of_one = ["".join(str(int(option.features[same])) for option in case.options) for case in cases]
    assert [told[:1] for told in of_one[1:10]] == ["0"] * 9
    assert [told[:1] for told in of_one[20:29]] == ["1"] * 9


def _told_wrongly(talk):
    """Every repeat is said to be a problem of its own: nobody could tell it by its text."""
    return replace(talk, problems=[report.number for report in talk.reports])


@pytest.mark.parametrize(("hours", "is_handed_over"), [(2, True), (30, False)])
def test_a_report_is_judged_beside_what_the_search_hands_over(talks, hours, is_handed_over):
    """Thirty by meaning, and all of the last day."""
    talk = talks[0]
    unlike, *_others, last = talk.reports
    later = [replace(last, number=2000 + n) for n in range(30)]
    other = replace(unlike, number=3000, sent_at=last.sent_at + timedelta(days=2))
    new = replace(last, number=4000, sent_at=other.sent_at + timedelta(hours=hours))
    reports = [*talk.reports, *later, other, new]
    told = replace(talk, reports=reports, problems=[report.number for report in reports])
    space = space_training.learn([space_training.block_of_talk(talk)])

    *_cases, case = cases_of_talk(told, space)

    assert (other.number in {option.issue for option in case.options}) is is_handed_over


def test_a_report_is_judged_beside_issues_as_they_were_grouped(talks):
    """What was not recognised is an issue of its own, and of the same problem too."""
    talk = talks[0]
    _first, second, again = talk.reports[:3]
    later = replace(again, number=9000, sent_at=again.sent_at + timedelta(minutes=1))
    told = replace(talk, reports=[second, again, later], problems=[second.number] * 3)
    space = space_training.learn([space_training.block_of_talk(talk)])

    *_cases, as_it_should_be = cases_of_talk(told, space)
    *_cases, as_it_was = cases_of_talk(told, space, lambda found: None)

    assert [option.issue for option in as_it_should_be.options] == [second.number]
    assert [option.issue for option in as_it_was.options] == [second.number, again.number]
    assert all(option.is_own for option in as_it_was.options)


def test_what_joins_a_wrong_issue_is_found_in_it(talks):
    talk = talks[0]
    first, second, again = talk.reports[:3]
    told = replace(
        talk,
        reports=[first, second, again],
        problems=[first.number, second.number, second.number],
    )
    space = space_training.learn([space_training.block_of_talk(talk)])

    *_cases, case = cases_of_talk(told, space, lambda found: found[0].issue_id if found else None)

    assert [(option.issue, option.is_own) for option in case.options] == [(first.number, False)]


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


@pytest.mark.parametrize(("share", "is_bug"), [(0.0, 0.0), (1.0, 1.0)])
def test_the_judge_learns_from_categories_as_live_they_are_read(monkeypatch, talks, share, is_bug):
    monkeypatch.setitem(pair_training.MISREAD, "feature", ("bug", share))
    wishes = [replace(report, category="feature") for report in talks[0].reports]
    space = space_training.learn([space_training.block_of_talk(talks[0])])

    cases = cases_of_talk(replace(talks[0], reports=wishes), space)

    said = {one.features[NAMES.index("is_bug")] for case in cases for one in case.options}
    assert said == {is_bug}


@pytest.mark.parametrize("category", sorted(pair_training.MISREAD))
def test_categories_are_misread_as_often_as_by_the_shipped_classifier(settings, category):
    path = settings.BASE_DIR / "apps" / "messages" / "classifiers" / "local_model.json"
    figures = json.loads(path.read_text(encoding="utf-8"))
    confusion = figures["cross_validated"]["seeing"]["conversations"]["category"]["confusion"]
    other, share = pair_training.MISREAD[category]
    row = dict(
        zip(figures["categories"], confusion[figures["categories"].index(category)], strict=True)
    )

    assert share == pytest.approx(row[other] / (row[other] + row[category]), abs=0.01)


def test_weeks_that_were_written_as_life_is_count_as_chats(tmp_path):
    (tmp_path / "weeks").mkdir()
    lines = [json.dumps(line) for line in _talk("team", 100)]
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
        for line in _talk("team", 100)
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
            "\n".join(json.dumps(line) for line in _talk("team", 100))
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
