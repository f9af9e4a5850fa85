"""What the pair model leaves open is put to a language model; a sure "same" merges, people come first."""

import json

import pytest

from apps.issues.decisions import merge, not_duplicate, related, undo_merge
from apps.issues.grey_zone import SURE
from apps.issues.models import Change, Issue, Opinion
from apps.issues.opinions import VERSION, ask_next
from apps.issues.suggestions import suggestions_for
from apps.issues.tasks import ask_opinions
from apps.issues.triage import file
from apps.messages.models import Message
from apps.sources.models import Project
from tests.issues.conftest import (
    DIFFERENT,
    MODEL,
    SAME,
    UNCLEAR,
    ask,
    file_two_alike,
    issue_of,
    let_it_say,
    suggest,
)


def reload(*rows: Issue | Opinion) -> None:
    for row in rows:
        row.refresh_from_db()


# What follows


def test_a_sure_same_merges_and_the_history_says_why(server, make_pair):
    older, newer = make_pair()
    opinion = ask(newer)

    reload(older, newer)
    assert opinion.status == Opinion.Status.SAME
    assert (newer.status, newer.duplicate_of) == ("duplicate", older)
    for issue in (older, newer):
        change = issue.changes.get(kind=Change.Kind.MERGED)
        assert change.user is None
        assert change.reason == f"{MODEL}, {VERSION}, 0.93: Обидва про 502 під час оплати."
        assert (change.details["level"], change.details["score"]) == ("judged", 0.5)


def test_the_evidence_says_that_it_was_judged(server, make_pair):
    older, newer = make_pair()
    message = newer.evidence.get().message
    ask(newer)

    evidence = older.evidence.get(message=message)
    assert (evidence.level, evidence.score, evidence.threshold) == ("judged", 0.5, 0.83)
    assert evidence.like == older.evidence.exclude(pk=evidence.pk).get().message
    assert evidence.explanation["cosine"] == 0.6
    assert evidence.explanation["opinion"] == {
        "model": MODEL,
        "prompt": VERSION,
        "confidence": 0.93,
        "reason": "Обидва про 502 під час оплати.",
    }


def test_a_person_undoes_it_for_good(server, make_pair, admin_user):
    _older, newer = make_pair()
    ask(newer)
    newer.refresh_from_db()
    undo_merge(newer, by=admin_user)

    evidence = newer.evidence.get()
    assert (newer.status, evidence.level, evidence.score) == ("new", "opened", None)
    assert ask_next(newer, evidence.message, newer.project) is None
    assert suggestions_for([newer]) == {}


@pytest.mark.parametrize("said", [{**SAME, "confidence": SURE - 0.01}, DIFFERENT, UNCLEAR])
def test_everything_else_leaves_both_as_they_are(server, make_pair, said):
    older, newer = make_pair()
    let_it_say(server, said)
    opinion = ask(newer)

    reload(older, newer)
    assert (opinion.status, opinion.reason) == (said["verdict"], said["reason"].rstrip())
    assert (older.status, newer.status) == ("new", "new")
    assert [each.issue for each in suggestions_for([newer])[newer.pk]] == [older]
    assert not newer.changes.exists()


def test_a_suggestion_that_a_model_holds_for_another_problem_goes_down(server, make_pair):
    first, newer = make_pair(score=0.6)
    second, _ = make_pair(score=0.3, newer=newer)
    let_it_say(server, DIFFERENT, UNCLEAR)
    ask(newer)

    assert [each.issue for each in suggestions_for([newer])[newer.pk]] == [second, first]


def test_the_rest_is_not_asked_about_once_it_is_merged(server, make_pair, make_issue, make_message):
    old = make_issue("Інше", message=make_message("Інше", category="bug", priority="low"))
    old.reported_at = old.evidence.get().message.sent_at
    old.save()
    _older, newer = make_pair(score=0.6)
    suggest(newer, old, 0.3)
    ask(newer)

    assert Opinion.objects.count() == 1


def test_one_after_the_other_until_the_same(server, make_pair, make_issue, make_message):
    old = make_issue("Інше", message=make_message("Інше", category="bug", priority="low"))
    old.reported_at = old.evidence.get().message.sent_at
    old.save()
    older, newer = make_pair(score=0.3)
    suggest(newer, old, 0.6)
    let_it_say(server, DIFFERENT, SAME)
    first = ask(newer)
    following = Opinion.objects.exclude(pk=first.pk).get()
    ask_opinions([following.pk])

    newer.refresh_from_db()
    assert (first.status, first.match.issue) == ("different", old)
    assert newer.duplicate_of == older


# People come first


@pytest.mark.parametrize(
    "decide",
    [
        lambda older, newer, by: newer.change_status("approved", by=by),
        lambda older, newer, by: newer.correct({"title": "Інше"}, by=by),
        lambda older, newer, by: not_duplicate(newer, older, by=by),
        lambda older, newer, by: related(newer, older, by=by),
        lambda older, newer, by: older.change_status("rejected", by=by),
        lambda older, newer, by: merge(older, into=newer, by=by),
        lambda older, newer, by: Message.objects.filter(evidence__issue=newer).delete(),
    ],
    ids=["approved", "corrected", "apart", "related", "closed", "merged", "deleted"],
)
@pytest.mark.parametrize("moment", ["before", "during"])
@pytest.mark.django_db(transaction=True)
def test_what_a_person_decides_meanwhile_stands(server, make_pair, admin_user, decide, moment):
    older, newer = make_pair()
    opinion = ask_next(newer, newer.evidence.get().message, newer.project)

    def answer(request):
        if moment == "during":
            decide(Issue.objects.get(pk=older.pk), Issue.objects.get(pk=newer.pk), admin_user)
            close()
        return 200, json.dumps(SAME)

    server.reply = answer
    if moment == "before":
        decide(older, newer, admin_user)
    ask_opinions([opinion.pk])

    reload(older, newer)
    assert newer.duplicate_of is None
    assert len(server.requests) == (moment == "during")
    left = Opinion.objects.filter(pk=opinion.pk).values_list("status", flat=True)
    assert list(left) in ([], ["dropped"])


@pytest.mark.parametrize("which", ["message", "like"])
@pytest.mark.django_db(transaction=True)
def test_what_was_said_of_another_wording_is_dropped(server, make_pair, make_message, which):
    older, newer = make_pair()
    opinion = ask_next(newer, newer.evidence.get().message, newer.project)
    assert opinion is not None
    before = getattr(opinion.match, which)

    def answer(request):
        values = {"status": "actionable", "category": "bug", "priority": "medium"}
        form = {"external_id": before.external_id, "edit": before.edit + 1}
        file([make_message("Cannot log in since the update", **values, **form)])
        close()
        return 200, json.dumps(SAME)

    server.reply = answer
    ask_opinions([opinion.pk])

    reload(older, newer, opinion)
    assert (opinion.status, newer.duplicate_of) == ("dropped", None)


def close() -> None:
    from django.db import connection

    connection.close()


def test_what_has_an_export_stays(server, make_pair, make_export):
    _older, newer = make_pair()
    opinion = ask_next(newer, newer.evidence.get().message, newer.project)
    make_export(newer)
    ask_opinions([opinion.pk])

    newer.refresh_from_db()
    assert newer.status == "new"
    assert server.requests == []


# Approval by policy


@pytest.fixture
def approving(project) -> Project:
    project.auto_approve_above = 0.8
    project.save()
    return project


def status_of(issue: Issue) -> str:
    issue.refresh_from_db()
    return issue.status


def test_an_approval_waits_for_the_answer(server, approving, make_message):
    later = file_two_alike(make_message, approving)

    assert Opinion.objects.get().status == "waiting"
    assert issue_of(later).status == "new"


@pytest.mark.parametrize(
    ("score", "said", "status"),
    [
        (0.3, DIFFERENT, "approved"),
        (0.3, UNCLEAR, "approved"),
        (0.3, {**SAME, "confidence": 0.6}, "new"),
        (0.3, None, "approved"),
        (0.5, DIFFERENT, "new"),
    ],
    ids=["different", "unclear", "perhaps the same", "no answer", "too alike for the search"],
)
def test_after_the_answer_the_policy_decides(server, approving, make_pair, score, said, status):
    _older, newer = make_pair(score=score)
    let_it_say(server, said or {})
    ask(newer)

    assert status_of(newer) == status


def test_what_is_merged_is_not_approved(server, approving, make_pair):
    older, newer = make_pair(score=0.3)
    ask(newer)

    assert (status_of(newer), status_of(older)) == ("duplicate", "new")


def test_the_urgency_of_the_new_report_is_carried_over(server, make_pair):
    older, newer = make_pair()
    Issue.objects.filter(pk=newer.pk).update(priority="critical")
    ask(newer)

    older.refresh_from_db()
    assert older.priority == "critical"
