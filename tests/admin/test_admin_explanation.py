"""What spoke for a match and against it is told in words, also what nobody knows."""

from typing import Any

import pytest

from apps.issues.admin.explanation import KINDS, VALUES, explained
from apps.issues.dedup.conflicts import FAMILIES


def test_an_explanation_names_what_spoke_for_and_against():
    lines = explained(
        {
            "languages": ["uk", "en"],
            "reasons": {"cosine_other_language": 2.13, "conflicting_versions": -0.84, "newest": 1},
            "conflicts": {"symptom": [["crash"], ["slow"]]},
        }
    )

    assert lines == [
        "Different symptom: crashes and is slow",
        "Languages: Ukrainian and English",
        "Speaks for the same problem: nearness of meaning across languages (+2.1), newest (+1.0)",
        "Speaks against it: different versions (−0.8)",
    ]


def test_what_counts_because_it_is_absent_is_told_as_absent():
    lines = explained({"reasons": {"echo": -1.48, "conflicting_versions": 0.84, "cosine": -0.5}})

    assert lines == [
        "Speaks for the same problem: no sign of “different versions” (+0.8)",
        "Speaks against it: no sign of “sounds like a second report” (−1.5), nearness of meaning (−0.5)",
    ]


def test_an_amount_that_speaks_the_other_way_is_told_once_and_as_no_absence():
    lines = explained(
        {"reasons": {"shared_here": -0.3, "shared_with_one_here": -0.2, "rival": -0.1}}
    )

    assert lines == [
        "Speaks against it: rare words in both (−0.5), another issue is as near (−0.1)"
    ]


@pytest.mark.parametrize(
    ("explanation", "line"),
    [
        ({"reply_to": 7, "minutes": 2.6}, "Said about message 7: 3 minutes later"),
        ({"reply_to": 7}, "Said about message 7"),
        ({"is_own": True, "minutes": 0.2}, "By the same author, 1 minute later"),
        ({"is_own": False, "minutes": 2}, "In the same chat, 2 minutes later"),
        ({"fingerprint": "2:ab"}, "The same words, whichever way they are written."),
        ({"seconds_later": 60}, "Time since the report that it resembles: 1\xa0minute"),
        ({"shared": {"wallet": ["apple_pay"]}}, "Same wallet: Apple Pay"),
        ({"shared": {"platform": ["ios"]}}, "Same platform: iOS"),
        ({"cosine": 0.855}, "Nearness of meaning: 0.86"),
    ],
)
def test_one_reason_is_one_line(explanation: dict[str, Any], line: str):
    assert explained(explanation) == [line]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_fact_has_words(family: str):
    assert family in KINDS
    assert FAMILIES[family].keys() <= VALUES.keys()


@pytest.mark.parametrize(
    "explanation",
    [
        {"something_new": {"deep": [1, {"x": None}]}},
        {"cosine": "near", "fuzzy": None, "reasons": ["a"], "languages": 5, "minutes": True},
        {"words": 3, "shared": [], "conflicts": {"platform": "ios"}, "reasons": {"x": "y"}},
        [],
        None,
    ],
)
def test_an_explanation_that_nobody_knows_is_no_error(explanation: Any):
    assert explained(explanation) == []
