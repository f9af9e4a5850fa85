"""A model that is away or talks nonsense changes nothing, and nobody waits for it for ever."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.issues.models import Opinion
from apps.issues.opinions import ask_next
from apps.issues.suggestions import suggestions_for
from apps.issues.tasks import ask_opinions
from apps.sources.models import Project
from tests.issues.conftest import MODEL, SAME, ask, let_it_say
from tests.lib.llm_server import garbage


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
    let_it_say(
        server, {"verdict": "different", "confidence": 95, "reason": "так " * 1000, "more": 1}
    )
    opinion = ask(newer)

    assert (opinion.status, opinion.confidence) == ("different", 0.95)
    assert len(opinion.reason) <= 200
