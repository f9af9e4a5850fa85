"""What the pair model leaves open is put to a language model; a sure "same" merges, people come first."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.issues.decisions import merge, not_duplicate, related, undo_merge
from apps.issues.grey_zone import SURE
from apps.issues.models import Change, Evidence, Issue, Match, Opinion
from apps.issues.opinions import ASKED_FROM, VERSION, ask_next
from apps.issues.suggestions import suggestions_for
from apps.issues.tasks import ask_opinions
from apps.issues.triage import file
from apps.messages.models import Message
from apps.sources.models import Project
from tasktracker.lib import circuits
from tests.lib.llm_server import LLMServer, garbage

MODEL = "qwen3:14b"
SAME = {"verdict": "same", "confidence": 0.93, "reason": "Обидва про 502 під час оплати."}
DIFFERENT = {"verdict": "different", "confidence": 0.9, "reason": "Інша платформа."}
UNCLEAR = {"verdict": "unclear", "confidence": 0.5, "reason": "Замало сказано."}


@pytest.fixture
def server(settings) -> Iterator[LLMServer]:
    server = LLMServer(lambda request: (200, json.dumps(SAME)))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = [MODEL]
    settings.OLLAMA_KEEP_ALIVE = ""
    circuits.reset([MODEL])
    yield server
    server.close()
    circuits.reset([MODEL])


@pytest.fixture
def make_pair(make_issue, make_message) -> Callable[..., tuple[Issue, Issue]]:
    """An issue of before, and a new one that the search suggests it to."""

    def make(score: float = 0.5, newer: Issue | None = None, **changes: Any) -> tuple[Issue, Issue]:
        report = {"category": "bug", "priority": "medium", "status": "filed"}
        old = make_message("Оплата падає з 502, пишіть petro@example.com", **report)
        older = make_issue("Оплата падає", message=old, priority="medium", reported_at=old.sent_at)
        for name, value in changes.items():
            setattr(older, name, value)
        older.save()
        if newer is None:
            new = make_message("Paying by card gives 502", **report, confidence=0.95)
            newer = make_issue("Card", message=new, priority="medium", reported_at=new.sent_at)
        suggest(newer, older, score)
        return older, newer

    return make


def suggest(newer: Issue, older: Issue, score: float) -> Match:
    return Match.objects.create(
        message=newer.evidence.get().message,
        issue=older,
        like=older.evidence.get().message,
        level=Evidence.Level.JUDGED,
        score=score,
        threshold=0.83,
        outcome=Match.Outcome.SUGGESTED,
        explanation={"cosine": 0.6},
    )


def ask(newer: Issue) -> Opinion:
    """Ask as filing does, and let the worker answer."""
    project = newer.project
    opinion = ask_next(newer, newer.evidence.get().message, project)
    assert opinion is not None
    ask_opinions([opinion.pk])
    opinion.refresh_from_db()
    return opinion


def issue_of(message: Message) -> Issue:
    return Evidence.objects.get(message=message).issue


def say(server: LLMServer, *answers: dict[str, Any]) -> None:
    left = list(answers)
    server.reply = lambda request: (200, json.dumps(left.pop(0) if len(left) > 1 else left[0]))


def reload(*rows: Issue | Opinion) -> None:
    for row in rows:
        row.refresh_from_db()


# What is asked


def file_two_alike(make_message: Callable[..., Message], project: Project) -> Message:
    """Two reports that nobody can be sure of; the later one."""
    Project.objects.filter(pk=project.pk).update(merge_threshold=1.0)
    report = {"status": "actionable", "category": "bug", "priority": "high", "confidence": 0.95}
    file([make_message("Оплата карткою падає з помилкою 502 на чекауті", **report)])
    later = make_message("Checkout: paying by card ends with a 502 for some customers", **report)
    file([later])
    return later


def test_filing_with_an_open_suggestion_asks(server, make_message, project):
    later = file_two_alike(make_message, project)

    best = Match.objects.get(message=later, outcome="suggested")
    opinion = Opinion.objects.get()
    assert best.score >= ASKED_FROM
    assert (opinion.match, opinion.issue, opinion.status) == (best, issue_of(later), "waiting")
    assert opinion.due_at is not None
    assert server.requests == []


def test_filing_without_a_suggestion_asks_nothing(server, make_message):
    report = {"status": "actionable", "category": "bug", "priority": "high"}
    file([make_message(**report)])

    assert not Opinion.objects.exists()


def test_the_question_holds_both_reports_without_private_data(server, make_pair):
    ask(make_pair()[1])

    (request,) = server.requests
    said = json.dumps(request["messages"], ensure_ascii=False)
    assert "Paying by card gives 502" in said
    assert "Оплата падає з 502" in said
    assert "petro@example.com" not in said
    assert "Ukrainian" in said


def test_tokens_and_time_are_kept(server, make_pair):
    opinion = ask(make_pair()[1])

    assert (opinion.model, opinion.prompt) == (MODEL, VERSION)
    assert (opinion.tokens, opinion.input_tokens) == (240, 200)
    assert opinion.latency_ms > 0


@pytest.mark.parametrize(
    "why", ["no model", "local", "closed", "too unlike", "much later", "newer"]
)
def test_what_is_not_asked(server, make_pair, settings, why):
    older, newer = make_pair(score=ASKED_FROM - 0.01 if why == "too unlike" else 0.5)
    if why == "no model":
        settings.OLLAMA_URL = ""
    elif why == "local":
        newer.project.policy = Project.Policy.LOCAL
    elif why == "closed":
        Issue.objects.filter(pk=older.pk).update(status="done")
    elif why == "much later":
        Issue.objects.filter(pk=older.pk).update(reported_at=timezone.now())
    elif why == "newer":
        match = Match.objects.get()
        Match.objects.filter(pk=match.pk).update(
            message=older.evidence.get().message, issue=newer, like=None
        )
        older, newer = newer, older

    assert ask_next(newer, newer.evidence.get().message, newer.project) is None
    assert server.requests == []


def test_a_cloud_is_asked_only_where_it_may_read(settings, make_pair):
    settings.OLLAMA_URL = ""
    settings.OPENAI_API_KEY = "sk-test"
    _older, newer = make_pair()
    message = newer.evidence.get().message

    newer.project.is_cloud_allowed = False
    assert ask_next(newer, message, newer.project) is None
    newer.project.is_cloud_allowed = True
    assert ask_next(newer, message, newer.project) is not None


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
    say(server, said)
    opinion = ask(newer)

    reload(older, newer)
    assert (opinion.status, opinion.reason) == (said["verdict"], said["reason"].rstrip())
    assert (older.status, newer.status) == ("new", "new")
    assert [each.issue for each in suggestions_for([newer])[newer.pk]] == [older]
    assert not newer.changes.exists()


def test_a_suggestion_that_a_model_holds_for_another_problem_goes_down(server, make_pair):
    first, newer = make_pair(score=0.6)
    second, _ = make_pair(score=0.3, newer=newer)
    say(server, DIFFERENT, UNCLEAR)
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
    say(server, DIFFERENT, SAME)
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


# Without an answer


@pytest.mark.parametrize(
    "bad",
    [(200, ""), (200, "не JSON"), (200, json.dumps({**SAME, "verdict": "merge all"}))],
    ids=["empty", "no JSON", "another verdict"],
)
def test_a_model_that_talks_nonsense_changes_nothing(server, make_pair, bad):
    older, newer = make_pair()
    server.reply = lambda request: bad
    opinion = ask(newer)

    newer.refresh_from_db()
    assert opinion.status == Opinion.Status.FAILED
    assert MODEL in opinion.last_error
    assert newer.status == "new"
    assert [each.issue for each in suggestions_for([newer])[newer.pk]] == [older]


@pytest.mark.parametrize("way", [lambda request: (500, ""), lambda request: garbage])
def test_with_the_model_away_it_is_tried_later(server, make_pair, way):
    _older, newer = make_pair()
    server.reply = way
    opinion = ask(newer)

    assert opinion.status == Opinion.Status.WAITING
    assert opinion.due_at is not None
    assert opinion.due_at > timezone.now()


def test_the_grace_ends_it(server, make_pair, settings):
    _older, newer = make_pair()
    opinion = ask_next(newer, newer.evidence.get().message, newer.project)
    past = timezone.now() - timedelta(seconds=settings.LLM_GRACE + 1)
    Opinion.objects.update(status_changed_at=past)
    ask_opinions([opinion.pk])

    opinion.refresh_from_db()
    assert (opinion.status, opinion.last_error) == ("failed", "no model answered in time")
    assert server.requests == []


def test_a_project_that_no_longer_wants_a_model_drops_it(server, make_pair):
    _older, newer = make_pair()
    opinion = ask_next(newer, newer.evidence.get().message, newer.project)
    Project.objects.update(policy=Project.Policy.LOCAL)
    ask_opinions([opinion.pk])

    opinion.refresh_from_db()
    assert opinion.status == Opinion.Status.DROPPED
    assert server.requests == []


def test_a_second_copy_of_the_task_asks_nothing(server, make_pair):
    opinion = ask(make_pair()[1])
    ask_opinions([opinion.pk])

    assert len(server.requests) == 1


def test_a_long_reason_and_a_percentage_do_not_spoil_an_answer(server, make_pair):
    _older, newer = make_pair()
    say(server, {"verdict": "different", "confidence": 95, "reason": "так " * 1000, "more": 1})
    opinion = ask(newer)

    assert (opinion.status, opinion.confidence) == ("different", 0.95)
    assert len(opinion.reason) <= 200


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
    say(server, said or {})
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
