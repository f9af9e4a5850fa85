"""The page of figures: true, scoped, whole without anything to show, and in few queries."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.issues import decisions
from apps.issues.models import Issue
from apps.messages.models import Classification, Message
from apps.sources.models import Project
from tasktracker.admin.understanding import agreement
from tasktracker.lib import circuits


@pytest.fixture
def page(operator: Client) -> Callable[..., Any]:
    def get(client: Client = operator, **query: Any) -> Any:
        response = client.get(reverse("admin:understanding"), query)
        assert response.status_code == 200
        return response

    return get


def answer(message: Message, category: str = "bug", **changes: Any) -> Classification:
    values = {"classifier": "local", "version": "1", "priority": "high", "confidence": 0.85}
    return Classification.objects.create(
        message=message, category=category, **{**values, **changes}
    )


def words(response: Any) -> str:
    """What is read on the page."""
    text = re.sub(r"<(script|style).*?</\1>", "", response.content.decode(), flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def numbers(response: Any) -> dict[str, str]:
    return {number["title"]: number["value"] for number in response.context["numbers"]}


@pytest.mark.parametrize("name", ["administrator", "operator", "viewer"])
def test_everybody_of_the_staff_sees_the_empty_page(page, client_of, name: str):
    shown = words(page(client_of(name)))

    assert "No message was classified in these days." in shown
    assert "No language model is configured" in shown


def test_a_stranger_is_asked_to_sign_in(db):
    assert Client().get(reverse("admin:understanding")).status_code == 302


def test_staff_without_the_right_are_refused(people: dict[str, User], operator: Client):
    people["operator"].groups.clear()

    assert operator.get(reverse("admin:understanding")).status_code == 403


def test_figures_of_the_classifiers(page, make_message):
    message = make_message()
    answer(message)
    answer(
        message,
        "question",
        classifier="llm:qwen3:14b",
        tokens=1200,
        input_tokens=1000,
        cost_usd=0.0123,
        latency_ms=1500.0,
    )
    answer(make_message(), classifier="llm:qwen3:14b", is_cached=True)
    response = page()

    shown = numbers(response)
    assert shown["Answers given in these days"] == "3"
    assert shown["Without an LLM"] == "33%"
    assert shown["LLM answers from the cache"] == "50%"
    assert shown["Tokens"] == "1,200"
    assert shown["Estimated cost"] == "$0.0123"
    (llm,) = [row for row in response.context["classifiers"] if row["family"] == "llm"]
    assert (llm["name"], llm["input"], llm["output"]) == ("llm:qwen3:14b", "1,000", "200")
    assert llm["p50"] == "1.5 s"


def test_stages_are_compared(page, make_message):
    for local, llm in (("bug", "bug"), ("bug", "question")):
        message = make_message()
        answer(message, local)
        answer(message, llm, classifier="llm:qwen3:14b")

    assert "for 50% of the messages that an LLM was asked about (1 of 2)" in words(page())


def test_corrections_and_accepted_issues_are_the_live_accuracy(
    page, make_message, make_issue, people
):
    wrong, right, unseen = (make_message(category="bug", status="filed") for _ in range(3))
    for message in (wrong, right, unseen):
        answer(message)
    answer(wrong, "info", classifier="person", confidence=1.0)
    decisions.approve(make_issue(message=right), by=people["operator"])
    make_issue(message=unseen)

    shown = page().context["people"]

    assert (shown["same"], shown["total"], shown["share"]) == (1, 2, "50%")
    bug = shown["rows"][0]
    assert (bug["precision"], bug["recall"]) == ("50%", "100%")


def test_what_the_system_approved_confirms_nothing(page, make_message, make_issue):
    message = make_message(category="bug")
    answer(message)
    decisions.approve(make_issue(message=message), by=None)

    assert page().context["people"] is None


def test_an_agreement_tells_precision_and_recall():
    matrix = agreement({("bug", "bug"): 3, ("bug", "info"): 1, ("feature", "bug"): 2})

    assert matrix is not None
    bug = matrix["rows"][0]
    assert (bug["precision"], bug["recall"], bug["f1"]) == ("75%", "60%", "67%")
    assert matrix["share"] == "50%"


def test_other_projects_are_not_counted(
    page, make_message, people, project: Project, other_project: Project
):
    answer(make_message(is_provisional=True))
    project.members.clear()
    other_project.members.add(people["operator"])
    response = page(project=project.slug)

    assert response.context["is_empty"]
    assert project.name not in words(response)
    assert numbers(response)["Answers given in these days"] == "0"


def test_one_project_can_be_chosen(page, client_of, make_message, project, other_project):
    answer(make_message())
    administrator = client_of("administrator")

    assert numbers(page(administrator, project=project.slug))["Answers given in these days"] == "1"
    assert (
        numbers(page(administrator, project=other_project.slug))["Answers given in these days"]
        == "0"
    )


@pytest.mark.parametrize("days", ["7", "14", "30", "0", "x", "99999999999"])
def test_any_number_of_days_shows_a_page(page, days: str):
    assert page(days=days).context["choice"].days in {7, 14, 30}


def test_figures_lead_to_lists(page, operator, make_message):
    answer(make_message())
    response = page()
    links = [number["link"] for number in response.context["numbers"] if "link" in number]
    links += [row["link"] for row in response.context["days"]]

    for link in links:
        assert operator.get(link).status_code == 200
    today = operator.get(response.context["days"][0]["link"])
    assert today.context["cl"].result_count == 1


def test_a_resting_model_is_shown(page, settings):
    settings.OLLAMA_URL = "http://127.0.0.1:9"
    settings.OLLAMA_MODELS = ["qwen3:14b"]
    circuits.failed("qwen3:14b", "qwen3:14b: HTTP 500", rest=30.0)

    shown = words(page())
    circuits.reset(["qwen3:14b"])

    assert re.search(r"qwen3:14b rests \d+ qwen3:14b: HTTP 500", shown)


def test_a_hostile_classifier_stays_text(page, make_message):
    answer(make_message(), classifier="<script>alert(1)</script>")

    assert "<script>alert(1)" not in page().content.decode()


def test_numbers_of_bars_suit_style_sheets_in_ukrainian(page, operator, make_message):
    operator.cookies["django_language"] = "uk"
    for category in ("bug", "bug", "info"):
        answer(make_message(), category)
        answer(make_message(), category, classifier="llm:x")

    widths = re.findall(r"(?:width|height): ([^;\"]+)%", page().content.decode())

    assert widths
    assert all(re.fullmatch(r"\d+\.\d", width) for width in widths)


def test_the_page_takes_few_queries(
    page, make_message, make_issue, django_assert_max_num_queries: DjangoAssertNumQueries
):
    for number in range(10):
        message = make_message(category="bug")
        answer(message)
        answer(message, classifier=f"llm:{number}")
        make_issue(message=message, status=Issue.Status.APPROVED)

    # Session, user, permissions of user and group, projects; ten of figures; the sidebar's badge.
    with django_assert_max_num_queries(16):
        page()
