"""The first page: true numbers, each a link to exactly its rows, in few queries."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.exports.models import TaskExport
from apps.issues.models import Issue
from apps.messages.models import Message
from apps.sources.models import Project
from tasktracker.admin.dashboard import overview


def numbers(user: User) -> dict[tuple[str, str], Any]:
    return {
        (group.title, number.title): number
        for group in overview(user)["groups"]
        for number in group.numbers
    }


@pytest.fixture
def busy(
    make_issue: Callable[..., Issue],
    make_message: Callable[..., Message],
    make_export: Callable[..., TaskExport],
) -> None:
    make_issue(priority="critical")
    make_issue(priority="critical", status="done")
    make_issue(priority="low", status="approved", is_provisional=True)
    make_message(status="failed")
    make_message(status="noise", is_provisional=True)
    make_export(make_issue(priority="high", is_provisional=True), status="failed")


def test_the_numbers_are_true(busy: None, people: dict[str, User]):
    shown = {key: number.value for key, number in numbers(people["operator"]).items()}

    assert shown == {
        ("Issues", "Waiting for review"): 2,
        ("Issues", "Open, critical"): 1,
        ("Issues", "Open, high"): 1,
        ("Issues", "Open, medium"): 0,
        ("Issues", "Open, low"): 1,
        ("Issues", "Provisional: no model was sure"): 1,
        ("Messages", "Came in today"): 2,
        ("Messages", "Came in during 7 days"): 2,
        ("Messages", "Wait for the LLM"): 0,
        ("Messages", "Provisional"): 1,
        ("Messages", "Failed"): 1,
        ("Exports", "Pending"): 0,
        ("Exports", "Failed"): 1,
        ("Could not be read", "Dead letters"): 0,
        ("May be missing", "Gaps in chats"): 0,
    }


def test_each_number_links_to_exactly_its_rows(
    busy: None, people: dict[str, User], operator: Client
):
    for number in numbers(people["operator"]).values():
        response = operator.get(number.link)

        assert response.status_code == 200, number
        assert response.context["cl"].result_count == number.value, number


def test_other_projects_are_not_counted(
    busy: None, people: dict[str, User], project: Project, other_project: Project
):
    project.members.clear()
    other_project.members.add(people["operator"])

    assert {number.value for number in numbers(people["operator"]).values()} == {0}


def test_the_first_page_takes_few_queries(
    busy: None,
    operator: Client,
    make_issue: Callable[..., Issue],
    django_assert_max_num_queries: DjangoAssertNumQueries,
):
    for number in range(20):
        make_issue(f"Issue {number}")

    # Session, user, permissions of user and group; six tables; two lists; the sidebar's two badges.
    with django_assert_max_num_queries(14):
        operator.get(reverse("admin:index"))


@pytest.mark.parametrize(("name", "limit"), [("issues_issue", 16), ("chat_messages_message", 16)])
def test_the_queries_of_a_list_do_not_grow_with_its_rows(
    operator: Client,
    make_issue: Callable[..., Issue],
    make_message: Callable[..., Message],
    name: str,
    limit: int,
    django_assert_max_num_queries: DjangoAssertNumQueries,
):
    for number in range(12):
        make_issue(f"Issue {number}", message=make_message())

    with django_assert_max_num_queries(limit):
        operator.get(reverse(f"admin:{name}_changelist"))


def test_the_sidebar_counts_what_waits_for_review(busy: None, operator: Client):
    content = operator.get(reverse("admin:sources_source_changelist")).content.decode()
    entry = re.search(r'status__exact=new"(.+?)</a>', content, re.DOTALL)

    assert entry is not None
    assert re.search(r">\s*2\s*<", entry.group(1))
