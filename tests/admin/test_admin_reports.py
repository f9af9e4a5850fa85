"""What the page of an issue says of its reports, and the reasons that its small buttons ask for."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.issues.admin.words import in_words
from apps.issues.decisions import merge, undo_merge
from apps.issues.models import Change, Evidence, Issue
from apps.messages.models import Message

INBOX = "admin:chat_messages_message_changelist"


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


def test_what_was_edited_since_the_export_shows_the_words_before_and_now(
    operator: Client, make_message: Callable[..., Message], make_issue: Callable[..., Issue]
):
    before = make_message("Каса не працює")
    issue = make_issue(message=before)
    issue.record(Change.Kind.EXPORT, tracker="JSON", id="7")
    for number, text in enumerate(["Каса повільна", "Каса працює"], start=1):
        after = make_message(text, external_id=before.external_id, edit=number)
        last = Message.objects.filter(external_id=before.external_id, edit=number - 1).get()
        issue.record(Change.Kind.EVIDENCE, message=after.pk, level="edit", replaced=last.pk)

    page = reports_on(operator, issue)

    shown = page.split("Edited since the export")[1]
    assert shown.index("Каса не працює") < shown.index("Каса працює")
    assert "Каса повільна" not in shown.split("</dl>")[0]


def test_an_edit_before_the_export_is_no_news(
    operator: Client, make_message: Callable[..., Message], make_issue: Callable[..., Issue]
):
    before = make_message("Каса не працює")
    issue = make_issue(message=before)
    after = make_message("Каса повільна", external_id=before.external_id, edit=1)
    issue.record(Change.Kind.EVIDENCE, message=after.pk, level="edit", replaced=before.pk)
    issue.record(Change.Kind.EXPORT, tracker="JSON", id="7")

    assert "Edited since" not in reports_on(operator, issue)


def test_a_report_says_that_it_is_gone_there_and_what_was_sent_with_it(
    operator: Client, make_message: Callable[..., Message], make_issue: Callable[..., Issue]
):
    report = make_message(
        "дивіться скріни", album="7", files=["log.txt"], deleted_at=timezone.now()
    )
    make_message("", kind="photo", album="7")
    page = reports_on(operator, make_issue(message=report))

    assert all(words in page for words in ("Deleted there", "and 1 more of its album", "log.txt"))
    assert "Deleted there" in operator.get(reverse(INBOX)).text
    assert "Deleted there" not in reports_on(operator, make_issue(message=make_message()))
