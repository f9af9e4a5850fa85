"""The cases from which the judge learns: scenes of talks as they should be and as they were, and bursts."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from apps.issues.dedup import pair_training, space_training
from apps.issues.dedup.corpus import BURST, BURST_IN_NEW
from apps.issues.dedup.pair_training import cases_of_bursts, cases_of_talk
from apps.issues.dedup.scene import NAMES
from apps.issues.nearest import NEAREST
from apps.issues.reach import RECENT
from apps.sources.models import Project

pytestmark = pytest.mark.usefixtures("short_training")


def test_training_searches_as_a_project_does():
    project = Project()
    trained = (pair_training.NEAREST, pair_training.RECENT)
    windows = (pair_training.TALK_DAYS, pair_training.TALK_HOURS)

    assert trained == (NEAREST, RECENT)
    assert windows == (project.open_issue_days, project.duplicate_window_hours)


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
