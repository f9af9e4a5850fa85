"""What a person is asked about two issues, and what becomes of the question."""

import pytest

from apps.issues.decisions import (
    merge,
    not_duplicate,
    related,
)
from apps.issues.models import Change, Issue, Match
from apps.issues.suggestions import LIKELY, suggestions_for, with_suggestions
from apps.issues.triage import file
from apps.messages.models import Message


@pytest.fixture
def suggest():
    def make(issue, other, score=0.6):
        return Match.objects.create(
            message=issue.evidence.first().message,
            issue=other,
            like=other.evidence.first().message,
            level="judged",
            score=score,
            threshold=0.8,
            outcome=Match.Outcome.SUGGESTED,
        )

    return make


@pytest.fixture
def edit(report):
    """The author corrects a message, and the edit is filed."""

    def make(message):
        number = message.edit + 1
        edited = report(
            f"{message.text}!", status="actionable", external_id=message.external_id, edit=number
        )
        Message.objects.filter(pk=message.pk).update(is_superseded=True)
        file([edited])
        return edited

    return make


def test_suggestions_are_the_best_three_that_nobody_decided(issue_with, suggest, admin_user):
    issue = issue_with("x")
    others = [issue_with(name) for name in "abcde"]
    for number, other in enumerate(others):
        suggest(issue, other, score=0.5 + number / 100)

    [a, b, c, d, e] = others
    not_duplicate(issue, e, by=admin_user)
    related(issue, d, by=admin_user)
    merge(c, into=b, by=admin_user)

    found = [(row.issue, row.match.score) for row in suggestions_for([issue])[issue.pk]]
    assert found == [(b, 0.52), (a, 0.5)]
    assert list(with_suggestions(Issue.objects.all())) == [issue]
    merge(issue, into=a, by=admin_user)
    issue.refresh_from_db()
    assert suggestions_for([issue]) == {}
    assert not with_suggestions(Issue.objects.exclude(pk=a.pk)).exists()


def test_a_weak_suggestion_is_on_the_page_and_not_in_the_list(issue_with, suggest):
    issue = issue_with("x")
    suggest(issue, issue_with("a"), score=LIKELY - 0.01)

    assert len(suggestions_for([issue])[issue.pk]) == 1
    assert suggestions_for([issue], at_least=LIKELY) == {}
    assert not with_suggestions(Issue.objects.all()).exists()


def test_a_suggestion_outlives_the_edit_of_its_report(issue_with, suggest, edit):
    issue, other = issue_with("x"), issue_with("a")
    match = suggest(issue, other)

    edit(edit(issue.evidence.get().message))

    assert [row.match for row in suggestions_for([issue])[issue.pk]] == [match]
    assert list(with_suggestions(Issue.objects.all())) == [issue]


def test_what_was_decided_is_not_asked_again_after_an_edit_of_either_side(
    issue_with, suggest, edit, admin_user
):
    issue, other = issue_with("x"), issue_with("a")
    suggest(issue, other)
    not_duplicate(issue, other, by=admin_user)

    for side in (other, issue):
        edit(edit(side.evidence.get().message))

        assert suggestions_for([issue]) == {}
        assert not with_suggestions(Issue.objects.all()).exists()


def test_what_was_decided_the_other_way_round_is_not_asked_either(
    issue_with, suggest, edit, admin_user
):
    issue, other = issue_with("x"), issue_with("a")
    suggest(issue, other)
    not_duplicate(other, issue, by=admin_user)

    for side in (issue, other):
        edit(side.evidence.get().message)

        assert suggestions_for([issue]) == {}


def test_a_closed_issue_that_is_suggested_may_be_back(issue_with, suggest, admin_user):
    closed, issue = issue_with("a", status="done"), issue_with("x")
    suggest(issue, closed)
    assert suggestions_for([issue])[issue.pk][0].is_back

    merge(issue, into=closed, by=admin_user, is_back=True)

    closed.refresh_from_db()
    assert closed.status == "approved"
    assert closed.changes.filter(reason="it is back").exists()


def test_what_the_search_thought_is_in_the_history_of_the_decision(issue_with, suggest, admin_user):
    a, b = issue_with("a"), issue_with("b")
    suggest(b, a)

    not_duplicate(b, a, by=admin_user)

    details = b.changes.get(kind=Change.Kind.APART).details
    assert details == {"other": a.pk, "level": "judged", "score": 0.6, "threshold": 0.8}
