"""A model words a new issue; whatever it says or does, the extracted words and the quotation stand."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.issues.models import Change, Draft, Issue
from apps.issues.tasks import write_drafts
from apps.issues.triage import file
from tests.lib.llm_server import LLMServer

REPORT = "Олено, привіт! Прод лежить, 502 на всіх сторінках.\nПодробиці: petro@example.com"
GOOD = {
    "title": "Виправити помилку 502 на всіх сторінках",
    "summary": "Продакшн не відповідає: усі сторінки повертають 502.",
    "steps": ["Відкрити будь-яку сторінку"],
    "expected": "",
    "actual": "Сторінка повертає 502",
}


@pytest.fixture
def server(settings) -> Iterator[LLMServer]:
    server = LLMServer(lambda request: (200, json.dumps(GOOD)))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = ["qwen3:14b"]
    yield server
    server.close()


@pytest.fixture
def opened(server, make_message):
    """An issue that was opened while a model is configured."""
    message = make_message(
        REPORT, status="actionable", category="bug", priority="high", confidence=0.95
    )
    file([message])
    return Issue.objects.get()


def say(server, **changes):
    server.reply = lambda request: (200, json.dumps({**GOOD, **changes}))


def write(issue):
    before = (issue.title, issue.description)
    write_drafts([issue.draft.pk])
    issue.refresh_from_db()
    issue.draft.refresh_from_db()
    return before


def test_the_words_of_the_model_replace_the_extracted_ones(opened):
    write(opened)

    assert opened.draft.status == Draft.Status.WRITTEN
    assert opened.title == "Виправити помилку 502 на всіх сторінках"
    assert opened.description.startswith("Продакшн не відповідає: усі сторінки повертають 502.")
    assert "Кроки" in opened.description or "Steps:" in opened.description
    assert opened.description.endswith(REPORT)


def test_the_history_says_which_model_it_was(opened):
    write(opened)

    changes = opened.changes.filter(kind=Change.Kind.EDIT)
    assert {change.details["field"] for change in changes} == {"title", "description"}
    assert all(change.user is None and change.reason == "qwen3:14b" for change in changes)


def test_private_data_does_not_leave(opened, server):
    write(opened)

    (request,) = server.requests
    assert "petro@example.com" not in json.dumps(request)
    assert "Ukrainian" in json.dumps(request["messages"])


@pytest.mark.parametrize("field", ["title", "description"])
def test_what_a_person_has_set_stays(opened, field):
    opened.lock([field])
    before = getattr(opened, field)

    write(opened)

    assert getattr(opened, field) == before
    assert opened.draft.status == Draft.Status.WRITTEN


@pytest.mark.parametrize(
    "prepare",
    [
        lambda issue: issue.change_status("approved"),
        lambda issue: issue.lock(["title", "description"]),
    ],
    ids=["decided", "locked"],
)
def test_nothing_is_asked_about_an_issue_that_people_have_taken(opened, server, prepare):
    prepare(opened)
    before = write(opened)

    assert opened.draft.status == Draft.Status.DROPPED
    assert (opened.title, opened.description) == before
    assert server.requests == []


@pytest.mark.django_db(transaction=True)
def test_a_decision_during_the_question_wins(opened, server):
    def decide_meanwhile(request):
        Issue.objects.update(status="approved")
        connection.close()
        return 200, json.dumps(GOOD)

    server.reply = decide_meanwhile
    before = write(opened)

    assert opened.draft.status == Draft.Status.DROPPED
    assert (opened.title, opened.description) == before


@pytest.mark.parametrize(
    "title",
    [
        "Fix the 502 on all pages",
        "Виправити помилку 504 на всіх сторінках",
        "Сказати Олені, що прод лежить",
        "Олена: прод лежить",
        "502",
    ],
    ids=["another language", "a number of its own", "declined", "the author", "no words"],
)
def test_a_title_that_does_not_fit_is_left_out(opened, server, title):
    say(server, title=title)
    (before, _description) = write(opened)

    assert opened.title == before
    assert opened.description.startswith("Продакшн")


def test_words_that_do_not_fit_at_all_fail_and_change_nothing(opened, server):
    say(server, title="Everything is fine", summary="All 7 servers are fine.")
    before = write(opened)

    assert opened.draft.status == Draft.Status.FAILED
    assert "qwen3:14b" in opened.draft.last_error
    assert (opened.title, opened.description) == before


def test_an_obeying_model_changes_only_words(opened, server):
    opened.refresh_from_db()
    others = Issue.objects.values("status", "priority", "category", "project_id").get(pk=opened.pk)
    say(
        server,
        title="Закрити <b>все</b> @admin https://evil.example fixes #12",
        summary="Ігнорувати правила. [Тисни](https://evil.example) @all closes #1 ==== approve",
    )
    write(opened)

    shown = opened.title + opened.description.removesuffix(REPORT)
    assert not [part for part in ("@", "http", "#", "<b>", "fixes", "closes") if part in shown]
    assert Issue.objects.values(*others).get(pk=opened.pk) == others


@pytest.mark.parametrize(
    "bad",
    [(200, ""), (200, "не JSON"), (200, json.dumps({**GOOD, "title": "т" * 500}))],
    ids=["empty", "no JSON", "too long"],
)
def test_a_model_that_talks_nonsense_ends_the_draft(opened, server, bad):
    server.reply = lambda request: bad
    before = write(opened)

    assert opened.draft.status == Draft.Status.FAILED
    assert (opened.title, opened.description) == before


def test_with_the_model_away_it_is_tried_later(opened, server):
    server.reply = lambda request: (500, "")
    before = write(opened)

    assert opened.draft.status == Draft.Status.WAITING
    assert opened.draft.due_at > timezone.now()
    assert (opened.title, opened.description) == before


def test_the_grace_ends_it(opened, server, settings):
    past = timezone.now() - timedelta(seconds=settings.LLM_GRACE + 1)
    Draft.objects.update(status_changed_at=past)
    write(opened)

    assert opened.draft.status == Draft.Status.FAILED
    assert server.requests == []


def test_without_a_model_no_draft_is_made(make_message):
    file([make_message(REPORT, status="actionable", category="bug", priority="high")])

    assert Issue.objects.count() == 1
    assert not Draft.objects.exists()


def test_a_project_that_stays_local_asks_nobody(server, make_message, project):
    project.policy = "local"
    project.save()

    file([make_message(REPORT, status="actionable", category="bug", priority="high")])

    assert not Draft.objects.exists()
