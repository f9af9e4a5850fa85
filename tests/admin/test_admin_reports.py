"""What the page of an issue says of its reports, and the reasons that its small buttons ask for."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.issues.admin.words import in_words
from apps.issues.decisions import merge, undo_merge
from apps.issues.models import Change, Evidence, Issue
from apps.messages.models import Message


@pytest.fixture
def pair(
    make_issue: Callable[..., Issue], make_message: Callable[..., Message]
) -> tuple[Issue, ...]:
    reported = {"category": "bug", "priority": "high"}
    return tuple(
        make_issue(text, message=make_message(text, **reported))
        for text in ("Оплата падає", "Payment fails")
    )


def reports_on(client: Client, issue: Issue) -> str:
    page = client.get(reverse("admin:issues_issue_change", args=[issue.pk])).text
    return " ".join(page.split('id="evidence-title"')[1].split("</section>")[0].split())


def test_a_report_that_came_by_a_merge_says_with_which_issue_by_whom_and_why(
    operator: Client, pair: tuple[Issue, ...], people: dict[str, Any]
):
    older, newer = pair
    merge(newer, into=older, by=people["operator"], reason="same outage")
    shown = reports_on(operator, older)

    told = f"Came with issue #{newer.pk}, which was merged by operator: same outage"
    assert told in shown
    assert shown.count("Opened the issue") == 1


@pytest.mark.parametrize(("kind", "word"), [("photo", "photo"), ("document", "file")])
def test_a_report_without_a_text_says_what_it_is(
    operator: Client,
    pair: tuple[Issue, ...],
    make_message: Callable[..., Message],
    kind: str,
    word: str,
):
    message = make_message("", kind=kind)
    Evidence.objects.create(issue=pair[0], message=message, level="run")

    assert f'<em class="quiet">{word}</em>' in reports_on(operator, pair[0])


def test_the_reason_of_one_split_is_kept(
    operator: Client, pair: tuple[Issue, ...], people: dict[str, Any]
):
    older, newer = pair
    merge(newer, into=older, by=people["operator"])
    message = older.evidence.last().message
    assert "Why" in reports_on(operator, older)
    address = reverse("admin:issues_issue_split", args=[older.pk, message.pk])

    operator.post(address, {"reason": "another page"})

    assert older.changes.filter(kind=Change.Kind.SPLIT).last().reason == "another page"


@pytest.mark.parametrize(
    ("address", "kind"),
    [("say_of", Change.Kind.RELATED), ("merge_suggested", Change.Kind.MERGED)],
)
def test_the_reason_of_a_suggestions_button_is_kept(
    operator: Client, pair: tuple[Issue, ...], address: str, kind: str
):
    older, newer = pair
    names = [newer.pk, "related", older.pk] if address == "say_of" else [newer.pk, older.pk]

    operator.post(reverse(f"admin:issues_issue_{address}", args=names), {"reason": "same page"})

    assert newer.changes.filter(kind=kind).get().reason == "same page"


def test_the_issue_between_tells_that_what_it_had_taken_stands_by_itself(
    pair: tuple[Issue, ...], make_issue: Callable[..., Issue], people: dict[str, Any]
):
    last, middle = pair
    first = make_issue()
    merge(first, into=middle, by=people["operator"])
    middle.refresh_from_db()
    merge(middle, into=last, by=people["operator"])
    first.refresh_from_db()

    undo_merge(first, by=people["operator"], reason="no")

    change = middle.changes.latest("pk")
    told = f"Issue {first.pk}, which had been merged into this one, stands by itself again"
    assert (in_words(change), change.reason) == (told, "no")
