"""What a language model says of a suggestion, as an operator sees it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.issues.models import Evidence, Issue, Match, Opinion
from apps.messages.models import Message

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def make_opinion(
    make_issue: Callable[..., Issue], make_message: Callable[..., Message]
) -> Callable[..., Opinion]:
    """A new issue, a suggestion, and what was said of it."""

    def make(**changes: Any) -> Opinion:
        older = make_issue("Оплата падає", message=make_message("Оплата падає"))
        newer = make_issue("Payment fails", message=make_message("Payment fails"))
        match = Match.objects.create(
            message=newer.evidence.get().message,
            issue=older,
            level=Evidence.Level.JUDGED,
            score=0.71,
            threshold=0.93,
            outcome=Match.Outcome.SUGGESTED,
        )
        return Opinion.objects.create(match=match, issue=newer, **changes)

    return make


def pages(client: Client, issue: Issue) -> tuple[str, str]:
    addresses = (
        reverse("admin:issues_issue_change", args=[issue.pk]),
        reverse("admin:issues_issue_changelist"),
    )
    one, row = (client.get(address).content.decode() for address in addresses)
    return one, row


@pytest.mark.parametrize(
    ("status", "told", "in_row"),
    [
        ("same", "qwen3:14b takes them for the same problem (0.60): why", "the same problem, 0.60"),
        ("different", "qwen3:14b takes them for different problems (0.60): why", "0.60"),
        ("unclear", "qwen3:14b cannot tell whether they are the same: why", "it cannot tell, 0.60"),
    ],
)
def test_the_opinion_stands_beside_the_suggestion(
    operator: Client, make_opinion: Callable[..., Opinion], status: str, told: str, in_row: str
):
    opinion = make_opinion(status=status, model="qwen3:14b", confidence=0.6, reason="why")
    page, row = pages(operator, opinion.issue)

    assert told in page
    assert "model: " in row
    assert in_row in row


def test_a_failure_is_told_and_the_suggestion_stays(
    operator: Client, make_opinion: Callable[..., Opinion]
):
    opinion = make_opinion(status="failed", last_error="qwen3:14b: HTTP 500")
    page, row = pages(operator, opinion.issue)

    assert "A language model was asked, without an answer: qwen3:14b: HTTP 500" in page
    assert "Merge into this one" in page
    assert "model: " not in row


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("waiting", "A language model is asked whether they are the same."),
        ("dropped", "No language model was needed in the end."),
    ],
)
def test_a_question_without_an_answer_is_told(
    operator: Client, make_opinion: Callable[..., Opinion], status: str, told: str
):
    assert told in pages(operator, make_opinion(status=status).issue)[0]


def test_what_a_model_writes_is_escaped(operator: Client, make_opinion: Callable[..., Opinion]):
    opinion = make_opinion(status="same", model=HOSTILE, confidence=0.6, reason=HOSTILE)

    for page in pages(operator, opinion.issue):
        assert HOSTILE not in page
        assert "&lt;script&gt;alert(1)" in page


def test_a_report_that_a_model_merged_says_so(operator: Client, make_opinion, make_message):
    opinion = make_opinion(status="same")
    thought = {"model": "m", "prompt": "same_v1", "confidence": 0.93, "reason": HOSTILE}
    Evidence.objects.create(
        issue=opinion.match.issue,
        message=make_message("x"),
        level="judged",
        score=0.71,
        threshold=0.93,
        explanation={"opinion": thought},
    )
    page = pages(operator, opinion.match.issue)[0]

    assert "m (same_v1) takes them for the same problem, confidence 0.93: &lt;script" in page
