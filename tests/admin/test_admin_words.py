"""A change of an issue is told in words, with its figures and its reason."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import translation

from apps.issues.admin.words import in_words, reason_in_words, who_in_words
from apps.issues.decisions import merge
from apps.issues.models import Change, Issue


def test_an_automatic_attachment_is_told_with_its_figures(make_issue: Callable[..., Issue]):
    details: dict[str, Any] = {"message": 5, "level": "fuzzy", "score": 0.91, "threshold": 0.9}
    change = make_issue().record(Change.Kind.EVIDENCE, **details)

    assert in_words(change) == (
        "One more report: message 5 (Similar words, score 0.91, threshold 0.90)"
    )
    with translation.override("uk"):
        assert "0,91" in in_words(change)


def test_an_approval_that_a_merge_carried_says_from_where(make_issue: Callable[..., Issue]):
    approved, into = make_issue(status="approved"), make_issue()
    merge(approved, into=into, by=None)
    change = into.changes.get(kind=Change.Kind.STATUS)

    assert in_words(change) == (
        f"Status: New → Approved, like issue {approved.pk}, which was merged into it"
    )


def test_a_reason_of_the_system_is_told_in_the_readers_language(make_issue: Callable[..., Issue]):
    sure = "confidence 0.97 is at least 0.90"
    change = make_issue().record(Change.Kind.STATUS, reason=sure)

    assert reason_in_words(change) == sure
    with translation.override("uk"):
        assert re.findall(r"\d,\d\d", reason_in_words(change)) == ["0,97", "0,90"]


def test_what_a_person_gave_as_a_reason_stays_as_it_is(make_issue: Callable[..., Issue]):
    change = make_issue().record(Change.Kind.STATUS, reason="confidence is 0.97, я певен")

    assert reason_in_words(change) == "confidence is 0.97, я певен"


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({}, "Exported to Linear as ENG-7"),
        ({"gone": True}, "ENG-7 was deleted in Linear"),
        ({"gone": False}, "ENG-7 is back in Linear"),
        ({"assignee": "Тарас"}, "ENG-7 was given to Тарас in Linear"),
        ({"assignee": ""}, "ENG-7 is nobody's in Linear now"),
        ({"error": "Linear says no"}, "Not exported to Linear: Linear says no"),
        ({"taken_over_by": "Redmine"}, "Linear is away: Redmine takes over"),
        ({"closed": "ENG-7"}, "ENG-7 was closed in Linear: the task is in another tracker"),
    ],
)
def test_what_happens_in_a_tracker_is_told(
    make_issue: Callable[..., Issue], details: dict[str, Any], words: str
):
    told = {"tracker": "Linear", "id": "ENG-7", **details}

    assert in_words(make_issue().record(Change.Kind.EXPORT, **told)) == words


def test_who_did_it_is_a_person_a_tracker_or_the_system(make_issue: Callable[..., Issue]):
    issue, person = make_issue(), User.objects.create(username="olena")

    told = [
        who_in_words(issue.record(Change.Kind.STATUS, by=by, **details))
        for by, details in ((person, {}), (None, {"by_tracker": "Linear"}), (None, {}))
    ]

    assert told == ["olena", "Linear", "the system"]
