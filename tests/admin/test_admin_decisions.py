"""What people decide in the admin, and what they are told when it cannot be done."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation

from apps.exports.models import TaskExport
from apps.issues.admin.words import reason_in_words
from apps.issues.models import Change, Evidence, Issue
from apps.messages.models import Message

ISSUES = "admin:issues_issue_changelist"


def decide(client: Client, issue: Issue, verb: str, **data: Any) -> Any:
    return client.post(
        reverse("admin:issues_issue_decide", args=[issue.pk, verb]), data, follow=True
    )


def act(client: Client, action: str, rows: list[Any], **data: Any) -> Any:
    options = rows[0]._meta
    address = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(address, {**chosen, **data}, follow=True)


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


def test_selected_issues_are_merged_into_the_oldest_once_that_is_confirmed(
    operator: Client,
    make_issue: Callable[..., Issue],
    make_message: Callable[..., Message],
):
    newer = make_issue(message=make_message(), reported_at="2026-03-02T10:00:00Z")
    oldest = make_issue(message=make_message(), reported_at="2026-03-01T10:00:00Z")
    asked = act(operator, "merge_into_oldest", [newer, oldest])
    page = " ".join(asked.text.split())

    assert not Issue.objects.filter(status="duplicate").exists()
    assert f'name="ids" value="{newer.pk}"' in page
    assert f'name="into" value="{oldest.pk}"' in page
    assert "This one stays:" in page

    operator.post(
        reverse("admin:issues_issue_merge"), {"ids": newer.pk, "into": oldest.pk, "reason": "same"}
    )
    newer.refresh_from_db()
    assert (newer.status, newer.duplicate_of) == ("duplicate", oldest)
    assert oldest.evidence.count() == 2


def test_a_merge_of_many_is_undone_with_one_click_on_what_stays(
    operator: Client, make_issue: Callable[..., Issue]
):
    into, *others = (make_issue() for _number in range(4))
    ids = ",".join(str(issue.pk) for issue in others[:2])
    entered = {"ids": str(others[2].pk), "into": into.pk}
    operator.post(reverse("admin:issues_issue_merge"), entered)
    told = operator.post(
        reverse("admin:issues_issue_merge"), {"ids": ids, "into": into.pk}, follow=True
    ).text
    address = f"{reverse('admin:issues_issue_change', args=[into.pk])}?merged="
    link = next(part for part in told.split('href="') if f"{address}{others[0].pk}" in part)
    page = operator.get(link.split("#")[0].split('"')[0]).text
    rows = page.split('id="duplicates-title"')[1].split("</ul>")[0].split("<li>")[1:]
    checked = [row.split('value="')[1].split('"')[0] for row in rows if "checked" in row]

    undo = reverse("admin:issues_issue_undo_merges", args=[into.pk])
    operator.post(undo, {"issues": checked, "reason": "a mistake"})

    assert sorted(checked) == [str(issue.pk) for issue in others[:2]]
    assert list(into.duplicates.all()) == [others[2]]
    assert others[0].changes.filter(reason="a mistake").exists()


def test_an_undo_of_nothing_says_so(operator: Client, make_issue: Callable[..., Issue]):
    undo = reverse("admin:issues_issue_undo_merges", args=[make_issue().pk])

    assert "Check the issues" in operator.post(undo, {"issues": "x"}, follow=True).text


@pytest.mark.parametrize(
    "written",
    [
        "{id}",
        "#{id}",
        "http://testserver/admin/issues/issue/{id}/change/?x=1",
        "testserver/admin/issues/issue/{id}/change/",
        "/admin/issues/issue/{id}/change/",
        "https://testserver/api/tasks/{id}",
    ],
)
def test_an_issue_is_merged_into_one_that_is_named_by_number_or_address(
    operator: Client,
    make_issue: Callable[..., Issue],
    make_message: Callable[..., Message],
    written: str,
):
    issue, into = make_issue(message=make_message()), make_issue(message=make_message())
    page = reverse("admin:issues_issue_merge")
    operator.post(page, {"ids": issue.pk, "into": written.format(id=into.pk), "reason": "same"})

    issue.refresh_from_db()
    assert issue.duplicate_of == into
    assert into.changes.get(kind=Change.Kind.MERGED).reason == "same"


@pytest.mark.parametrize(
    "written",
    [
        "https://evil.example/admin/issues/issue/{id}/change/",
        "//evil.example/admin/issues/issue/{id}/change/",
        "https://testserver@evil.example/admin/issues/issue/{id}/change/",
        "https://evil.example/?next=http://testserver/admin/issues/issue/{id}/change/",
        "evil.example/admin/issues/issue/{id}/change/",
        "javascript:/admin/issues/issue/{id}/change/",
        "https://[/admin/issues/issue/{id}/change/",
    ],
)
def test_the_address_of_another_host_names_no_issue_of_ours(
    operator: Client,
    make_issue: Callable[..., Issue],
    make_message: Callable[..., Message],
    written: str,
):
    issue, into = make_issue(message=make_message()), make_issue(message=make_message())
    address = reverse("admin:issues_issue_merge")
    page = operator.post(address, {"ids": issue.pk, "into": written.format(id=into.pk)})

    assert "There is no such issue." in page.text
    issue.refresh_from_db()
    assert issue.duplicate_of is None


def test_merge_into_asks_for_the_issue_first(
    operator: Client, make_issue: Callable[..., Issue], rows: dict[type, Any]
):
    page = act(operator, "merge_into", [rows[Issue]])
    suggested = Issue.objects.exclude(pk=rows[Issue].pk).get()

    assert f'name="into" value="{suggested.pk}"' in page.content.decode()


@pytest.mark.parametrize("written", ["", "0", "999999999", "nonsense", "-1", "9" * 400])
def test_an_issue_that_does_not_exist_is_no_error(
    operator: Client, make_issue: Callable[..., Issue], written: str
):
    issue = make_issue()
    page = operator.post(reverse("admin:issues_issue_merge"), {"ids": issue.pk, "into": written})

    assert page.status_code == 200
    assert Issue.objects.get(pk=issue.pk).status == Issue.Status.NEW


def test_an_issue_is_not_merged_into_itself(operator: Client, make_issue: Callable[..., Issue]):
    issue = make_issue()
    page = operator.post(
        reverse("admin:issues_issue_merge"), {"ids": issue.pk, "into": issue.pk}, follow=True
    )

    assert "cannot be merged into itself" in page.content.decode()


def test_a_suggestion_is_merged_with_one_button_and_undone_with_another(
    operator: Client, rows: dict[type, Any]
):
    issue = rows[Issue]
    into = Issue.objects.exclude(pk=issue.pk).get()
    operator.post(reverse("admin:issues_issue_merge_suggested", args=[issue.pk, into.pk]))
    merged = into.evidence.count()
    issue.refresh_from_db()
    was = issue.status
    decide(operator, issue, "undo_merge")
    issue.refresh_from_db()

    assert (was, merged) == ("duplicate", 3)
    assert (issue.status, issue.evidence.count(), into.evidence.count()) == ("new", 2, 1)


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


def test_a_person_reclassifies_a_message(operator: Client, make_message: Callable[..., Message]):
    message = make_message(status="noise", category="info", priority="low")
    operator.post(
        reverse("admin:chat_messages_message_reclassify", args=[message.pk]),
        {"category": "bug", "priority": "critical"},
    )

    message.refresh_from_db()
    assert (message.category, message.priority, message.status) == (
        "bug",
        "critical",
        "actionable",
    )
    assert message.classifications.get().classifier == "person"


@pytest.mark.parametrize("data", [{}, {"category": "nonsense", "priority": "high"}])
def test_a_wrong_category_changes_nothing(
    operator: Client, make_message: Callable[..., Message], data: dict[str, str]
):
    message = make_message(status="noise", category="info", priority="low")
    address = reverse("admin:chat_messages_message_reclassify", args=[message.pk])

    assert operator.post(address, data, follow=True).status_code == 200
    assert Message.objects.get(pk=message.pk).category == "info"


def test_selected_messages_are_reclassified_and_the_others_are_named(
    operator: Client, make_message: Callable[..., Message]
):
    noise = make_message(status="noise", category="info", priority="low")
    fresh = make_message(status="received")
    page = act(operator, "process_again", [noise, fresh]).content.decode()

    noise.refresh_from_db()
    assert noise.status == "received"
    assert f"Message {fresh.pk} is “Received”" in page


def test_a_message_cannot_be_edited_or_added(
    administrator: Client, make_message: Callable[..., Message]
):
    message = make_message(text="as it was said")
    address = reverse("admin:chat_messages_message_change", args=[message.pk])

    assert administrator.post(address, {"text": "forged"}).status_code == 403
    assert administrator.get(reverse("admin:chat_messages_message_add")).status_code == 403
    assert Message.objects.get(pk=message.pk).text == "as it was said"


def test_a_failed_export_is_queued_again(operator: Client, make_export: Callable[..., TaskExport]):
    failed = make_export(status="failed", last_error="503")
    address = reverse("admin:exports_taskexport_retry", args=[failed.pk])
    page = operator.post(address, follow=True).content.decode()
    again = operator.post(address, follow=True).content.decode()

    failed.refresh_from_db()
    assert (failed.status, failed.last_error) == ("pending", "")
    assert "1 export queued." in page
    assert "only failed ones" in again


def test_a_reason_of_the_system_is_told_in_the_readers_language(make_issue: Callable[..., Issue]):
    sure = "confidence 0.97 is at least 0.90"
    change = make_issue().record(Change.Kind.STATUS, reason=sure)

    assert reason_in_words(change) == sure
    with translation.override("uk"):
        assert re.findall(r"\d,\d\d", reason_in_words(change)) == ["0,97", "0,90"]


def test_what_a_person_gave_as_a_reason_stays_as_it_is(make_issue: Callable[..., Issue]):
    change = make_issue().record(Change.Kind.STATUS, reason="confidence is 0.97, я певен")

    assert reason_in_words(change) == "confidence is 0.97, я певен"
