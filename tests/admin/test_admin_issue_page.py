"""The page of an issue shows its newest changes, and takes no more queries for many duplicates."""

from collections.abc import Callable

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.exports.models import TaskExport
from apps.issues.admin.issue_page import CHANGES
from apps.issues.models import Change, Issue, StatusReply
from apps.sources.models import Chat
from tests.admin.conftest import page_of


def test_the_page_shows_the_newest_changes_and_leads_to_the_earlier_ones(
    operator: Client, make_issue: Callable[..., Issue]
):
    issue = make_issue()
    for number in range(CHANGES + 3):
        issue.record(Change.Kind.EVIDENCE, message=70_000 + number, level="exact")

    page = page_of(operator, issue)
    oldest_shown = issue.changes.order_by("-pk")[CHANGES - 1].pk
    address = f"?before={oldest_shown}#history-title"
    earlier = operator.get(
        reverse("admin:issues_issue_change", args=[issue.pk]), {"before": str(oldest_shown)}
    ).content.decode()

    assert "Earlier ones: 3" in page
    assert address in page
    assert "message 70003 (" in page
    assert "message 70002 (" not in page
    assert "message 70002 (" in earlier
    assert "message 70003 (" not in earlier
    assert "The newest" in earlier


def test_many_duplicates_take_no_more_queries(
    operator: Client,
    make_issue: Callable[..., Issue],
    make_export: Callable[..., TaskExport],
):
    issue = make_issue()
    page_of(operator, issue)  # what is read once per process
    counts, told = [], []
    for number in range(2):
        for _one in range(5):
            one = make_issue(status="duplicate", duplicate_of=issue)
            make_export(one, status="created", external_id=f"X-{number}")
        with CaptureQueriesContext(connection) as queries:
            told.append(page_of(operator, issue).count(f"its task X-{number} in JSON stays"))
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert told == [5, 5]


def test_the_page_shows_what_the_chat_was_told_and_thinks_of_it(
    operator: Client, make_issue: Callable[..., Issue], chat: Chat
):
    issue = make_issue()
    StatusReply.objects.create(
        issue=issue, chat=chat, reply_to="-100500:1", status="shown", voices={"7": 1, "8": 1}
    )

    page = page_of(operator, issue)

    assert "Told in the chat" in page
    assert "👍 2" in page
    assert "👎" not in page


def test_why_the_chat_was_not_told_is_told_in_the_readers_language(
    operator: Client, make_issue: Callable[..., Issue], chat: Chat
):
    issue = make_issue()
    noted = "It is not known whether the chat has it."
    StatusReply.objects.create(
        issue=issue, chat=chat, reply_to="-100500:1", status="failed", last_error=noted
    )

    operator.cookies["django_language"] = "uk"

    assert "Невідомо, чи це вже є в чаті." in page_of(operator, issue)
