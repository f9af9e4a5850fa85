"""One issue is merged into another that people choose or name, and comes out again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.issues.models import Change, Issue
from apps.messages.models import Message
from apps.sources.models import Project
from tests.admin.conftest import act, decide


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
        "\u200e#{id}\u2069",
        "\ufeff http://testserver/admin/issues/issue/{id}/change/\u200b",
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


def test_what_cannot_take_any_of_them_is_asked_for_again_with_what_was_typed(
    administrator: Client, make_issue: Callable[..., Issue], other_project: Project
):
    issues = [make_issue(), make_issue()]
    foreign = make_issue(project=other_project)
    typed = {"ids": ",".join(str(one.pk) for one in issues), "into": foreign.pk, "reason": "same"}

    page = administrator.post(reverse("admin:issues_issue_merge"), typed).content.decode()

    assert page.count("Issues of different projects cannot be merged.") == 1
    assert 'value="same"' in page


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
