"""What the admin asks before a word is taken back, and says when a merge is undone or an issue deleted."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from apps.exports.models import TaskExport
from apps.issues.decisions import merge, not_duplicate, start
from apps.issues.models import Change, Issue

MERGE = "admin:issues_issue_merge"


@pytest.fixture
def pair(make_issue: Callable[..., Issue], people: dict[str, Any]) -> tuple[Issue, ...]:
    """A closed issue and one that somebody told apart from it."""
    closed, issue = make_issue(status="done"), make_issue()
    not_duplicate(issue, closed, by=people["administrator"])
    return closed, issue


@pytest.mark.parametrize("is_back", [True, False])
def test_the_click_that_merges_despite_a_word_keeps_what_was_entered(
    operator: Client, pair: tuple[Issue, ...], is_back: bool
):
    closed, issue = pair
    entered = {"ids": issue.pk, "into": closed.pk, "reason": '"same" page'}
    entered |= {"is_back": "on"} if is_back else {}
    page = unescape(operator.post(reverse(MERGE), entered, follow=True).content.decode())
    despite = " ".join(page.split('id="apart-title"')[1].split("</form>")[0].split())

    assert 'name="reason" value=""same" page"' in despite
    assert ('name="is_back" value="on"' in despite) is is_back


def test_a_choice_in_the_list_does_not_reopen_what_is_closed(
    operator: Client, pair: tuple[Issue, ...]
):
    chosen = {"action": "merge_into_oldest", "_selected_action": [issue.pk for issue in pair]}
    page = operator.post(reverse("admin:issues_issue_changelist"), chosen, follow=True)
    despite = page.content.decode().split('id="apart-title"')[1].split("</form>")[0]

    assert 'name="is_back"' not in despite


def test_an_undone_merge_says_what_it_could_not_take_away(
    operator: Client, make_issue: Callable[..., Issue], people: dict[str, Any]
):
    issue, into = make_issue(status="approved"), make_issue()
    merge(issue, into=into, by=people["operator"])
    into.refresh_from_db()
    start(into, by=people["operator"])
    undo = reverse("admin:issues_issue_decide", args=[issue.pk, "undo_merge"])

    page = operator.post(undo, follow=True).content.decode()

    assert f"Issue {into.pk}: its status stays “In progress”" in page


def test_an_issue_that_has_duplicates_is_not_deleted(
    administrator: Client, make_issue: Callable[..., Issue], people: dict[str, Any]
):
    issue, into = make_issue(), make_issue()
    merge(issue, into=into, by=people["administrator"])
    address = reverse("admin:issues_issue_delete", args=[into.pk])

    for page in (administrator.get(address), administrator.post(address, {"post": "yes"})):
        told = {str(message) for message in get_messages(page.wsgi_request)}
        assert told == {f"#{into.pk} has the reports of its duplicates: undo those merges first."}
    chosen = {"action": "delete_selected", "_selected_action": [into.pk], "post": "yes"}
    administrator.post(reverse("admin:issues_issue_changelist"), chosen)
    assert Issue.objects.count() == 2


def test_an_issue_without_duplicates_is_deleted(
    administrator: Client, make_issue: Callable[..., Issue]
):
    address = reverse("admin:issues_issue_delete", args=[make_issue().pk])
    administrator.post(address, {"post": "yes"})

    assert not Issue.objects.exists()


def test_a_project_with_merged_issues_is_deleted(
    administrator: Client, make_issue: Callable[..., Issue], people: dict[str, Any]
):
    issue, into = make_issue(), make_issue()
    merge(issue, into=into, by=people["administrator"])
    project = into.project
    address = reverse("admin:sources_project_delete", args=[project.pk])
    administrator.post(address, {"post": "yes"})

    assert not Issue.objects.exists()
    assert not Change.objects.exists()


def test_an_export_that_nobody_wants_says_so_in_words(
    operator: Client, make_export: Callable[..., TaskExport]
):
    export = make_export(status="failed", last_error="not_wanted")
    pages = [
        reverse("admin:exports_taskexport_changelist"),
        reverse("admin:exports_taskexport_change", args=[export.pk]),
        reverse("admin:issues_issue_change", args=[export.issue_id]),
    ]

    for address in pages:
        page = operator.get(address).content.decode()
        assert "Nobody wants it" in page
        assert "not_wanted" not in page
