"""A model is asked about what the pair model leaves open, and about nothing else."""

import json

import pytest
from django.utils import timezone

from apps.issues.models import Issue, Match, Opinion
from apps.issues.opinions import ASKED_FROM, VERSION, ask_next
from apps.issues.triage import file
from apps.sources.models import Project
from tests.issues.conftest import MODEL, ask, file_two_alike, issue_of


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
