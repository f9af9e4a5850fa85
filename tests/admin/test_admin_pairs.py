"""What people say of two issues in the admin: one of them goes, they stay apart, or they are related."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.exports.models import TaskExport
from apps.issues.admin.words import in_words
from apps.issues.decisions import merge, not_duplicate, related
from apps.issues.models import Change, Evidence, Issue, Match, Relation
from apps.messages.models import Message
from apps.sources.models import Project
from tests.admin.conftest import act, page_of

LIST = "admin:issues_issue_changelist"
MERGE = "admin:issues_issue_merge"


@pytest.fixture
def pair(
    make_issue: Callable[..., Issue], make_message: Callable[..., Message]
) -> tuple[Issue, ...]:
    """An older issue, and a newer one that the search finds a little like it."""
    reported = {"category": "bug", "priority": "high"}
    older = make_issue("Оплата падає", message=make_message("Оплата падає", **reported))
    newer = make_issue("Payment fails", message=make_message("Payment fails", **reported))
    Match.objects.create(
        message=newer.evidence.get().message,
        issue=older,
        like=older.evidence.get().message,
        level="judged",
        score=0.71,
        threshold=0.93,
        outcome=Match.Outcome.SUGGESTED,
        explanation={"cosine": 0.66},
    )
    return older, newer


def post(client: Client, name: str, *args: Any, **data: Any) -> str:
    address = reverse(f"admin:issues_issue_{name}", args=args)
    return str(client.post(address, data, follow=True).content.decode())


def test_a_suggestion_shows_its_score_its_reasons_and_what_it_resembles(
    operator: Client, pair: tuple[Issue, ...]
):
    page = page_of(operator, pair[1])

    for words in ("score 0.71, threshold 0.93", "Nearness of meaning: 0.66", "Оплата падає"):
        assert words in page
    assert "data-suggestion" in page


def test_the_queue_shows_suggestions_and_narrows_to_them(
    operator: Client, pair: tuple[Issue, ...], make_issue: Callable[..., Issue]
):
    make_issue("Without a suggestion")
    everything = operator.get(reverse(LIST)).content.decode()
    narrowed = operator.get(reverse(LIST), {"suggested": "yes"}).content.decode()

    assert (
        reverse("admin:issues_issue_merge_suggested", args=[pair[1].pk, pair[0].pk]) in everything
    )
    assert "Payment fails" in narrowed
    assert "Without a suggestion" not in narrowed


def test_a_suggestion_that_is_no_duplicate_disappears_for_good(
    operator: Client, pair: tuple[Issue, ...]
):
    older, newer = pair
    post(operator, "say_of", newer.pk, "not_duplicate", older.pk)

    assert "Perhaps the same as" not in page_of(operator, newer)
    for issue in pair:
        assert "Not a duplicate of" in page_of(operator, issue)
        [change] = issue.changes.filter(kind=Change.Kind.APART)
        assert change.details["score"] == 0.71


def test_a_suggestion_that_is_closed_asks_whether_it_is_back(
    operator: Client, pair: tuple[Issue, ...]
):
    older, newer = pair
    Issue.objects.filter(pk=older.pk).update(status="done")
    page = page_of(operator, newer)
    post(operator, "merge_suggested", newer.pk, older.pk)

    older.refresh_from_db()
    newer.refresh_from_db()
    assert "Is it back?" in page
    assert (older.status, newer.duplicate_of) == ("approved", older)


def test_what_was_told_apart_is_merged_only_after_one_click_takes_it_back(
    operator: Client, pair: tuple[Issue, ...], people: dict[str, Any]
):
    older, newer = pair
    not_duplicate(newer, older, by=people["administrator"], reason="other bank")
    refused = post(operator, "merge", ids=newer.pk, into=older.pk)
    newer.refresh_from_db()
    before = newer.duplicate_of
    post(operator, "merge", ids=newer.pk, into=older.pk, despite="1")

    newer.refresh_from_db()
    assert "administrator said on" in refused
    assert "other bank" in refused
    assert 'name="despite"' in refused
    assert (before, newer.duplicate_of) == (None, older)
    assert not Relation.objects.exists()


def test_selected_issues_that_were_told_apart_are_named_with_the_click(
    operator: Client, pair: tuple[Issue, ...], people: dict[str, Any]
):
    not_duplicate(*pair, by=people["administrator"])

    assert 'name="despite"' in act(operator, "merge_into_oldest", list(pair)).text


@pytest.mark.parametrize(
    ("action", "kind"), [("mark_not_duplicates", "apart"), ("mark_related", "related")]
)
def test_it_is_said_of_every_two_of_the_selected(
    operator: Client, make_issue: Callable[..., Issue], action: str, kind: str
):
    page = act(operator, action, [make_issue(), make_issue(), make_issue()]).text

    assert list(Relation.objects.values_list("kind", flat=True)) == [kind] * 3
    assert "Said of 3 pairs." in page


def test_of_too_many_issues_nothing_is_said_of_every_two(
    operator: Client, make_issue: Callable[..., Issue]
):
    page = act(operator, "mark_not_duplicates", [make_issue() for _number in range(11)]).text

    assert "Select at most 10 issues" in page
    assert not Relation.objects.exists()


def test_nothing_is_said_of_one_issue(operator: Client, make_issue: Callable[..., Issue]):
    assert "at least two" in act(operator, "mark_related", [make_issue()]).text


@pytest.mark.parametrize("written", ["https://jira.example/browse/X-12", "X-12"])
def test_an_issue_is_named_by_its_task_in_a_tracker(
    operator: Client,
    make_issue: Callable[..., Issue],
    make_export: Callable[..., TaskExport],
    written: str,
):
    issue, into = make_issue(), make_issue()
    make_export(into, external_id="X-12", external_url="https://jira.example/browse/X-12")
    post(operator, "say", issue.pk, other=written, kind="merge", reason="same")

    issue.refresh_from_db()
    assert issue.duplicate_of == into


@pytest.mark.parametrize("written", ["https://other.example/issue/{id}", "X-12", "", "\0"])
def test_an_address_that_is_not_ours_names_nothing(
    operator: Client, make_issue: Callable[..., Issue], written: str
):
    issue, other = make_issue(), make_issue()
    page = post(operator, "say", issue.pk, other=written.format(id=other.pk), kind="merge")

    assert "There is no such issue." in page
    assert Issue.objects.get(pk=issue.pk).status == "new"


def test_the_task_of_a_foreign_issue_names_nothing(
    operator: Client,
    make_issue: Callable[..., Issue],
    make_export: Callable[..., TaskExport],
    other_project: Project,
):
    foreign = make_issue(project=other_project)
    make_export(foreign, external_id="X-12")

    page = post(operator, "say", make_issue().pk, other="X-12", kind="related")

    assert "There is no such issue." in page


def test_related_issues_are_on_both_pages_until_it_is_taken_back(
    operator: Client, pair: tuple[Issue, ...]
):
    older, newer = pair
    post(operator, "say", newer.pk, other=f"#{older.pk}", kind="related", reason="one release")
    shown = [page_of(operator, issue) for issue in pair]
    post(operator, "take_back", older.pk, "related", newer.pk)

    assert all("Related to" in page and "one release" in page for page in shown)
    assert not Relation.objects.exists()
    told = [in_words(change) for change in newer.changes.filter(kind=Change.Kind.RELATED)]
    assert [words.split(" (")[0] for words in told] == [
        f"Related to issue {older.pk}",
        f"No longer related to issue {older.pk}",
    ]


def test_the_newer_one_stays_when_it_is_chosen_and_the_page_says_so(
    operator: Client, pair: tuple[Issue, ...]
):
    older, newer = pair
    page = post(operator, "merge", ids=older.pk, into=newer.pk)

    older.refresh_from_db()
    assert older.duplicate_of == newer
    assert f"#{newer.pk} stays" in page
    assert "The newer one stays because you chose it" in page


def test_both_pages_name_the_task_that_stays_in_the_tracker(
    operator: Client, pair: tuple[Issue, ...], make_export: Callable[..., TaskExport]
):
    older, newer = pair
    make_export(newer, status="created", external_id="X-12")
    told = post(operator, "merge_suggested", newer.pk, older.pk)

    assert "its task X-12 in JSON stays" in told
    for issue in pair:
        assert "its task X-12 in JSON stays" in page_of(operator, issue)


def test_the_checked_reports_are_split_out_together(
    operator: Client, pair: tuple[Issue, ...], make_message: Callable[..., Message]
):
    older, newer = pair
    merge(newer, into=older, by=None)
    third = make_message("third", category="bug", priority="low")
    Evidence.objects.create(issue=older, message=third, level="fuzzy")
    leaving = [third.pk, older.evidence.exclude(message=third).last().message_id]
    nothing = post(operator, "split_checked", older.pk)
    post(operator, "split_checked", older.pk, messages=leaving, reason="other")

    assert "Check the reports" in nothing
    assert Evidence.objects.get(message=third).issue.evidence.count() == 2
    assert older.evidence.count() == 1


@pytest.mark.parametrize("button", ["split", "detach"])
def test_a_report_that_somebody_else_has_moved_meanwhile_leaves_one_on_the_page(
    operator: Client, pair: tuple[Issue, ...], button: str
):
    older, newer = pair
    moved = newer.evidence.get().message_id
    address = reverse(f"admin:issues_issue_{button}", args=[older.pk, moved])

    answer = operator.post(address, follow=True)

    assert answer.redirect_chain[-1][0] == reverse("admin:issues_issue_change", args=[older.pk])
    assert f"Issue {older.pk} was changed by somebody else" in answer.content.decode()


def test_of_the_checked_reports_those_that_are_still_there_are_split_out(
    operator: Client, pair: tuple[Issue, ...], make_message: Callable[..., Message]
):
    older, newer = pair
    third = make_message("third", category="bug", priority="low")
    Evidence.objects.create(issue=older, message=third, level="fuzzy")
    checked = [third.pk, newer.evidence.get().message_id]

    told = post(operator, "split_checked", older.pk, messages=checked)

    assert Evidence.objects.get(message=third).issue not in (older, newer)
    assert f"Issue {older.pk} was changed by somebody else" in told


def test_a_viewer_sees_what_was_said_and_says_nothing(
    viewer: Client, pair: tuple[Issue, ...], people: dict[str, Any]
):
    older, newer = pair
    related(newer, older, by=people["operator"])
    page = page_of(viewer, newer)
    for name, args in (
        ("say", [newer.pk]),
        ("say_of", [newer.pk, "not_duplicate", older.pk]),
        ("take_back", [newer.pk, "related", older.pk]),
        ("merge_suggested", [newer.pk, older.pk]),
        ("split_checked", [newer.pk]),
        ("merge", []),
    ):
        post(viewer, name, *args, other=older.pk, kind="merge", ids=newer.pk, into=older.pk)

    assert "Related to" in page
    assert "No longer related" not in page
    assert Relation.objects.count() == 1
    assert Issue.objects.filter(status="new").count() == 2


def test_the_page_of_a_duplicate_says_where_its_reports_are(
    operator: Client, pair: tuple[Issue, ...]
):
    older, newer = pair
    merge(newer, into=older, by=None)

    page = page_of(operator, newer)

    assert "Its reports are in the issue that it was merged into." in page
    assert "No message is attached." not in page
    assert "Other issues" not in page


def test_foreign_issues_are_not_named_in_what_is_said(
    operator: Client, make_issue: Callable[..., Issue], other_project: Project
):
    foreign = make_issue("kvit-secret", project=other_project)
    post(operator, "say_of", make_issue().pk, "related", foreign.pk)

    assert not Relation.objects.exists()


def test_many_issues_on_the_merge_page_take_no_more_queries(
    operator: Client, pair: tuple[Issue, ...], make_issue: Callable[..., Issue], people: Any
):
    older, newer = pair
    not_duplicate(newer, older, by=people["administrator"])
    counts, told = [], []
    for count in (1, 20):
        ids = ",".join(str(one.pk) for one in [newer, *(make_issue() for _ in range(count))])
        with CaptureQueriesContext(connection) as queries:
            page = operator.get(reverse(MERGE), {"ids": ids, "into": str(older.pk)})
        counts.append(len(queries))
        told.append(page.content.decode().count("administrator said on"))

    assert counts[0] == counts[1]
    assert told == [1, 1]


def test_a_date_in_english_can_be_read_in_one_way_only(operator: Client, pair: tuple[Issue, ...]):
    assert "2 Mar 2026, " in page_of(operator, pair[1])
