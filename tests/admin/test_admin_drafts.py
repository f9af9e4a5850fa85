"""What came of asking a model for an issue's words, and asking again, as an operator does it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.issues.models import Draft, Issue
from apps.issues.tasks import write_drafts
from apps.issues.triage import file
from apps.messages.models import Message
from apps.sources.models import Project
from tasktracker.lib import circuits
from tests.lib.llm_server import LLMServer

GOOD: dict[str, Any] = {
    "title": "Виправити порожній кошик",
    "summary": "Кошик порожній після оновлення.",
    "steps": [],
    "expected": "",
    "actual": "",
}
REASON = "no model answered <b>in time</b>"


@pytest.fixture
def server(settings) -> Iterator[LLMServer]:
    server = LLMServer(lambda request: (200, json.dumps(GOOD)))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = ["qwen3:14b"]
    circuits.reset(["qwen3:14b"])
    yield server
    server.close()
    circuits.reset(["qwen3:14b"])


@pytest.fixture
def issue(server: LLMServer, make_message: Callable[..., Message]) -> Issue:
    message = make_message(
        "Хай Іван візьме: кошик порожній після оновлення, терміново",
        status="actionable",
        category="bug",
        priority="low",
    )
    file([message])
    return Issue.objects.get()


@pytest.fixture
def failed(issue: Issue) -> Issue:
    issue.draft.give_up(REASON)
    return issue


def page(client: Client, issue: Issue) -> str:
    return client.get(reverse("admin:issues_issue_change", args=[issue.pk])).content.decode()


def address(issue: Issue) -> str:
    return reverse("admin:issues_issue_ask_for_words", args=[issue.pk])


def ask(client: Client, issue: Issue) -> str:
    return client.post(address(issue), follow=True).content.decode()


def test_an_issue_whose_words_are_awaited_says_so(operator: Client, issue: Issue):
    shown = page(operator, issue)

    assert "Words by a model" in shown
    assert "Waiting" in shown
    assert address(issue) not in shown


def test_a_model_that_is_away_is_seen(operator: Client, issue: Issue, server: LLMServer):
    server.reply = lambda request: (500, "")
    write_drafts([issue.draft.pk])

    assert "Attempts: 1; the next one at" in page(operator, issue)


def test_words_that_never_came_are_seen_with_the_reason(operator: Client, failed: Issue):
    shown = page(operator, failed)

    assert "Failed" in shown
    assert "no model answered &lt;b&gt;in time&lt;/b&gt;" in shown
    assert address(failed) in shown


def test_trying_again_asks_again_and_the_words_come(operator: Client, failed: Issue):
    shown = ask(operator, failed)
    assert "A model is asked for the words." in shown

    write_drafts([failed.draft.pk])

    shown = page(operator, failed)
    assert "Written" in shown
    assert "qwen3:14b" in shown
    assert GOOD["title"] in shown
    assert address(failed) not in shown


def test_nobody_is_asked_twice_at_once(operator: Client, failed: Issue):
    ask(operator, failed)

    assert "No model can be asked" in ask(operator, failed)
    assert Draft.objects.get().status == Draft.Status.WAITING


def test_an_issue_from_before_there_was_a_model_can_get_its_words(operator: Client, issue: Issue):
    Draft.objects.all().delete()
    assert "Nobody has been asked" in page(operator, issue)

    ask(operator, issue)

    assert Draft.objects.get().issue == issue


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_a_decided_issue_keeps_its_words(operator: Client, failed: Issue, status: str):
    Issue.objects.update(status=status)

    assert address(failed) not in page(operator, failed)
    assert "No model can be asked" in ask(operator, failed)
    assert Draft.objects.get().status == Draft.Status.FAILED


def test_without_a_model_there_is_no_button(operator: Client, failed: Issue, settings):
    settings.OLLAMA_MODELS = []
    settings.OLLAMA_URL = ""

    assert "Failed" in page(operator, failed)
    assert address(failed) not in page(operator, failed)


def test_a_viewer_sees_it_and_may_not_ask(viewer: Client, failed: Issue):
    assert "in time" in page(viewer, failed)
    assert address(failed) not in page(viewer, failed)
    viewer.post(address(failed))

    assert Draft.objects.get().status == Draft.Status.FAILED


def test_a_foreign_issue_is_not_asked_about(
    operator: Client, failed: Issue, other_project: Project
):
    Issue.objects.update(project=other_project)
    operator.post(address(failed))

    assert Draft.objects.get().status == Draft.Status.FAILED


def test_asking_needs_a_post(operator: Client, failed: Issue):
    assert operator.get(address(failed)).status_code == 405


def test_issues_without_their_words_can_be_listed(
    operator: Client, failed: Issue, make_issue: Callable[..., Any]
):
    make_issue("Другий звіт")
    listed = operator.get(
        reverse("admin:issues_issue_changelist"), {"draft__status__exact": "failed"}
    )

    assert [row.pk for row in listed.context["cl"].result_list] == [failed.pk]
    assert "words by a model" in listed.content.decode().lower()


def test_who_should_do_it_is_shown_as_a_suggestion(operator: Client, issue: Issue):
    shown = page(operator, issue)

    assert "suggested assignee: Іван" in shown
    assert "suggested priority: терміново → High" in shown
