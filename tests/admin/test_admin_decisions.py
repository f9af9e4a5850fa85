"""What people decide in the admin, and what they are told when it cannot be done."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.exports.models import TaskExport
from apps.issues.models import Change, Evidence, Issue
from apps.messages.models import Message
from tests.admin.conftest import act, decide


@pytest.mark.parametrize(
    ("before", "verb", "after"),
    [
        ("new", "approve", "approved"),
        ("new", "reject", "rejected"),
        ("approved", "start", "in_progress"),
        ("approved", "finish", "done"),
        ("in_progress", "finish", "done"),
        ("rejected", "reopen", "new"),
        ("done", "reopen", "approved"),
    ],
)
def test_a_button_moves_the_issue_and_the_history_knows_who_and_why(
    operator: Client, make_issue: Callable[..., Issue], before: str, verb: str, after: str
):
    issue = make_issue(status=before)
    page = decide(operator, issue, verb, reason="seen in the logs")

    issue.refresh_from_db()
    change = issue.changes.get(kind=Change.Kind.STATUS)
    assert issue.status == after
    assert (str(change.user), change.reason) == ("operator", "seen in the logs")
    assert "seen in the logs" in page.content.decode()


@pytest.mark.parametrize("verb", ["start", "finish", "reopen", "undo_merge"])
def test_a_button_that_does_not_fit_the_status_says_so(
    operator: Client, make_issue: Callable[..., Issue], verb: str
):
    issue = make_issue()
    page = decide(operator, issue, verb)

    assert page.status_code == 200
    assert "cannot be done" in page.content.decode()
    assert Issue.objects.get(pk=issue.pk).status == Issue.Status.NEW


def test_decisions_need_a_post(operator: Client, make_issue: Callable[..., Issue]):
    issue = make_issue()
    response = operator.get(reverse("admin:issues_issue_decide", args=[issue.pk, "approve"]))

    assert response.status_code == 405


def test_decisions_need_the_csrf_token(people: dict[str, User], make_issue: Callable[..., Issue]):
    client = Client(enforce_csrf_checks=True)
    client.force_login(people["operator"])
    issue = make_issue()

    assert decide(client, issue, "approve").status_code == 403
    assert Issue.objects.get(pk=issue.pk).status == Issue.Status.NEW


def test_an_unknown_button_is_no_error(operator: Client, make_issue: Callable[..., Issue]):
    assert decide(operator, make_issue(), "explode").status_code == 200


def test_selected_issues_are_approved_and_the_others_are_named(
    operator: Client, make_issue: Callable[..., Issue]
):
    first, second = make_issue(), make_issue()
    done = make_issue(status="done")
    page = act(operator, "approve_selected", [first, second, done]).content.decode()

    assert list(Issue.objects.filter(status="approved")) == [second, first]
    assert "2 issues changed." in page
    assert f"Issue {done.pk} is “Done”" in page


def test_a_report_is_split_out_into_an_issue_of_its_own(operator: Client, rows: dict[type, Any]):
    issue = rows[Issue]
    report = issue.evidence.get(level=Evidence.Level.JUDGED).message
    Message.objects.filter(pk=report.pk).update(category="bug", priority="high")
    page = operator.post(
        reverse("admin:issues_issue_split", args=[issue.pk, report.pk]), follow=True
    )

    assert page.status_code == 200
    assert Evidence.objects.get(message=report).issue != issue
    assert issue.evidence.count() == 1


def test_a_follow_up_is_taken_out_without_an_issue_of_its_own(
    operator: Client, make_issue: Callable[..., Issue], make_message: Callable[..., Message]
):
    issue = make_issue(message=make_message())
    echo = make_message("+1", status="filed", category="info")
    Evidence.objects.create(issue=issue, message=echo, level=Evidence.Level.RUN)
    page = operator.get(reverse("admin:issues_issue_change", args=[issue.pk]))
    address = reverse("admin:issues_issue_detach", args=[issue.pk, echo.pk])
    operator.post(address)

    assert address in page.content.decode()
    assert Issue.objects.count() == issue.evidence.count() == 1
    echo.refresh_from_db()
    assert (echo.status, echo.locked_fields) == ("noise", ["category"])


def test_the_only_report_stays(
    operator: Client, make_issue: Callable[..., Issue], make_message: Callable[..., Message]
):
    message = make_message()
    issue = make_issue(message=message)
    page = operator.post(
        reverse("admin:issues_issue_split", args=[issue.pk, message.pk]), follow=True
    )

    assert "only report" in page.content.decode()
    assert message.evidence.issue == issue


def test_editing_an_issue_is_recorded_with_who_and_why(
    operator: Client, make_issue: Callable[..., Issue]
):
    issue = make_issue(title="Прод лежить", description="")
    operator.post(
        reverse("admin:issues_issue_change", args=[issue.pk]),
        {
            "title": "Прод лежить після релізу",
            "description": "",
            "category": "bug",
            "priority": "critical",
            "reason": "named it better",
        },
    )

    issue.refresh_from_db()
    changes = {change.details["field"]: change for change in issue.changes.all()}
    assert (issue.title, issue.priority) == ("Прод лежить після релізу", "critical")
    assert set(changes) == {"title", "priority"}
    assert changes["title"].reason == "named it better"
    assert str(changes["title"].user) == "operator"


def test_an_issue_written_by_hand_is_opened_through_the_flow(operator: Client, project: Any):
    operator.post(
        reverse("admin:issues_issue_add"),
        {
            "project": project.pk,
            "title": "Додати темну тему",
            "description": "",
            "category": "feature",
            "priority": "low",
        },
    )

    issue = Issue.objects.get()
    assert (issue.title, issue.status, issue.origin) == ("Додати темну тему", "new", "admin")
    assert str(issue.changes.get(kind=Change.Kind.OPENED).user) == "operator"


def test_a_failed_export_is_queued_again(operator: Client, make_export: Callable[..., TaskExport]):
    failed = make_export(status="failed", last_error="503")
    address = reverse("admin:exports_taskexport_retry", args=[failed.pk])
    page = operator.post(address, follow=True).content.decode()
    again = operator.post(address, follow=True).content.decode()

    failed.refresh_from_db()
    assert (failed.status, failed.last_error) == ("pending", "")
    assert "1 export queued." in page
    assert "only what failed" in again
