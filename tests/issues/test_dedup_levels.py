"""The levels of duplicate detection, on made-up reports."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from apps.issues.dedup.base import Candidate, Report
from apps.issues.dedup.conflicts import compare, facts_of
from apps.issues.dedup.levels import Thresholds, calibration, find_matches
from apps.issues.dedup.scene import DIRECTIONS, NAMES
from tasktracker.lib.text import fingerprint, language_of


def vector(*numbers):
    made = np.zeros(384, np.float32)
    made[: len(numbers)] = numbers
    return made / np.linalg.norm(made)


def report(text, near=None):
    return Report(
        text, fingerprint(text), language_of(text), datetime(2026, 5, 1, tzinfo=UTC), near
    )


def candidates(*reports):
    return [Candidate(number, one) for number, one in enumerate(reports, start=1)]


def test_the_same_words_are_the_same_issue():
    found = find_matches(
        report("Експорт у CSV падає з помилкою 500!"),
        candidates(
            report("логін не працює на айфоні"), report("експорт у csv  падає з помилкою 500")
        ),
    )

    assert [(match.issue_id, match.level, match.is_same) for match in found] == [(2, "exact", True)]


@pytest.mark.parametrize("text", ["не працює", "+1", "👍👍👍", "", "знов впав"])
def test_short_texts_are_never_merged_by_their_words(text):
    assert find_matches(report(text), candidates(report(text))) == []


def test_a_repost_with_a_typing_error_merges_without_vectors():
    found = find_matches(
        report("The nightly export of invoices to the shared folder fails with a timeout"),
        candidates(
            report("The nightly export of invoices to the shared foldr fails with a timeout")
        ),
    )

    assert (found[0].level, found[0].is_same) == ("fuzzy", True)
    assert "export" in found[0].explanation["words"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "The nightly import of invoices to the shared folder fails with a timeout",
            "The nightly export of invoices to the shared folder fails with a timeout",
        ),
        (
            "after the update to 5.2.1 the app crashes on the payment screen every time",
            "after the update to 5.2.2 the app crashes on the payment screen every time",
        ),
        (
            "на айфоні не відкривається екран оплати після входу в застосунок",
            "на андроїді не відкривається екран оплати після входу в застосунок",
        ),
        (
            "лист з рахунком приходить двічі на пошту бухгалтерії після оплати",
            "лист з рахунком не приходить на пошту бухгалтерії після оплати",
        ),
    ],
)
def test_one_word_that_makes_another_problem_is_not_merged(one, other):
    near = vector(1, 0.05)
    found = find_matches(report(one, vector(1)), candidates(report(other, near)))

    assert not any(match.is_same for match in found if match.level == "fuzzy")


@pytest.mark.parametrize(
    "written",
    [
        "на пре-проді бек лежить",
        "препрод лежить",
        "на передпроді бек лежить",
        "на перед-проді бек лежить",
        "pre-prod is down",
        "preprod is down",
        "pre-production is down",
        "preproduction is down",
    ],
)
def test_pre_production_is_another_environment_than_production(written):
    assert facts_of(written).values["environment"] == {"preproduction"}


def test_who_names_pre_production_and_production_means_both():
    facts = facts_of("лежать і пре-прод, і прод")

    assert facts.values["environment"] == {"preproduction", "production"}


@pytest.mark.parametrize("written", ["перед продом все працювало", "на бойовому лежить бек"])
def test_production_stays_production(written):
    assert facts_of(written).values["environment"] == {"production"}


def test_the_same_outage_of_pre_production_is_not_merged_by_its_words():
    found = find_matches(
        report("бек на пре-проді лежить, 500 на всіх сторінках"),
        candidates(report("бек на проді лежить, 500 на всіх сторінках")),
    )

    assert not any(match.is_same for match in found)
    assert found[0].explanation["conflicts"]["environment"] == [["preproduction"], ["production"]]


def test_conflicting_versions_are_named_in_the_explanation():
    found = find_matches(
        report("after the update to 5.2.1 the app crashes on the payment screen every time"),
        candidates(
            report("after the update to 5.2.2 the app crashes on the payment screen every time")
        ),
    )

    assert found[0].explanation["conflicts"]["versions"] == [["5.2.1"], ["5.2.2"]]
    assert found[0].is_suggestion


def test_reports_in_two_languages_meet_by_their_vectors():
    found = find_matches(
        report("канбан: картка не переноситься між колонками у воркспейсі", vector(1, 0.3)),
        candidates(
            report("Invoices are sent late every month", vector(0, 0, 1)),
            report("kanban: a card does not move between columns of the workspace", vector(1, 0.2)),
        ),
    )

    assert (found[0].issue_id, found[0].level, found[0].is_same) == (2, "judged", True)
    assert found[0].explanation["languages"] == ["uk", "en"]


def test_unrelated_reports_are_hardly_suggested():
    found = find_matches(
        report("канбан: картка не переноситься між колонками", vector(1)),
        candidates(report("Invoices are sent late every month", vector(0, 1))),
    )

    assert all(match.score < 0.1 and not match.is_same for match in found)


def test_an_issue_is_matched_once_by_its_best_evidence():
    text = "Експорт у CSV падає з помилкою 500 на великих звітах"
    found = find_matches(
        report(text, vector(1)),
        [
            Candidate(7, report("export to CSV fails with 500 on large reports", vector(1, 0.4))),
            Candidate(7, report(text, vector(1))),
        ],
    )

    assert [(match.issue_id, match.level) for match in found] == [(7, "exact")]


def test_a_project_may_ask_for_more_certainty():
    pair = (
        report("канбан: картка не переноситься між колонками у воркспейсі", vector(1, 0.3)),
        candidates(report("kanban: a card does not move between columns", vector(1, 0.2))),
    )

    found = find_matches(*pair, Thresholds(merge=1.0, suggest=0.01))

    assert [match.is_suggestion for match in found] == [True]


def test_vectors_of_another_model_never_merge():
    found = find_matches(
        report("канбан: картка не переноситься між колонками у воркспейсі", vector(1, 0.3)),
        candidates(report("kanban: a card does not move between columns", vector(1, 0.3))),
        embedding_model="another-model",
    )

    assert [(match.level, match.is_same) for match in found] == [("semantic", False)]


def test_explanations_are_plain_json():
    found = find_matches(
        report("на iOS 5.2.1 експорт падає", vector(1)),
        candidates(report("export crashes on iOS 5.2.1", vector(1, 0.3))),
    )

    assert json.loads(json.dumps(found[0].explanation)) == found[0].explanation


@pytest.mark.parametrize("name", [name for name in NAMES if DIRECTIONS[name]])
def test_what_speaks_for_the_same_problem_never_lowers_the_score(name):
    generator = np.random.default_rng(3)
    rows = generator.normal(size=(40, len(NAMES)))
    higher = rows.copy()
    higher[:, NAMES.index(name)] += np.abs(generator.normal(size=40)) * DIRECTIONS[name]
    trees = calibration().model.trees

    assert (trees.log_odds(higher) >= trees.log_odds(rows) - 1e-9).all()


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        ("імпорт файлів падає", "export of files fails", "transfer"),
        ("crash on iPhone", "краш на андроїді", "platform"),
        ("на проді 500", "sandbox is down", "environment"),
        ("paid by Apple Pay", "гугл пей не працює", "wallet"),
    ],
)
def test_contradictions_are_seen_across_languages(one, other, kind):
    assert kind in compare(facts_of(one), facts_of(other)).conflicting
