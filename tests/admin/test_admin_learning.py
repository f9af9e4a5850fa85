"""Locks, corrections and trainings as people meet them in the admin."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.issues.models import Issue
from apps.messages.decisions import reclassify
from apps.messages.models import Message, ModelVersion

VERSIONS = "admin:chat_messages_modelversion_changelist"


def post(client: Client, name: str, *args: Any, **data: Any) -> str:
    response = client.post(reverse(f"admin:{name}", args=args), data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def report(make_message: Callable[..., Message]) -> Message:
    return make_message(status="filed", category="bug", priority="low")


@pytest.fixture
def issue(make_issue: Callable[..., Issue], report: Message) -> Issue:
    return make_issue(
        message=report, entities={"technologies": [{"surface": "кафка", "normal": "Kafka"}]}
    )


@pytest.fixture
def corrected(make_message: Callable[..., Message], people: dict[str, User]) -> Message:
    message = make_message(status="noise", category="info", priority="low")
    reclassify(message, category="question", by=people["operator"])
    return message


def form_of(issue: Issue, **changes: Any) -> dict[str, Any]:
    names = ("title", "description", "category", "priority")
    named = {"named_technologies": "кафка"}
    return {**{name: getattr(issue, name) for name in names}, **named, **changes}


def test_only_what_a_person_chose_is_locked(operator: Client, corrected: Message):
    post(operator, "chat_messages_message_reclassify", corrected.pk, category="bug", priority="low")

    assert Message.objects.get().locked_fields == ["category"]


def test_a_priority_is_set_alone(operator: Client, report: Message):
    post(operator, "chat_messages_message_reclassify", report.pk, priority="high")

    message = Message.objects.get(pk=report.pk)
    assert (message.priority, message.locked_fields) == ("high", ["priority"])
    assert [row.field for row in message.corrections.all()] == ["priority"]


def test_the_present_category_changes_nothing(operator: Client, report: Message):
    page = post(
        operator, "chat_messages_message_reclassify", report.pk, category="bug", priority="low"
    )

    assert "so already" in page
    assert Message.objects.get(pk=report.pk).locked_fields == []


def test_the_page_of_a_message_shows_the_lock_and_who_set_it(operator: Client, corrected: Message):
    page = operator.get(
        reverse("admin:chat_messages_message_change", args=[corrected.pk])
    ).content.decode()

    assert "Set by a person" in page
    assert "Unlock: Category" in page
    assert "Information → Question" in page or "Info → Question" in page


def test_a_correction_is_taken_back_with_a_button(operator: Client, corrected: Message):
    correction = corrected.corrections.get()
    post(operator, "chat_messages_message_take_back", corrected.pk, correction.pk)

    message = Message.objects.get()
    assert (message.category, message.locked_fields) == ("info", [])


def test_a_correction_of_another_message_is_not_taken_back(
    operator: Client, corrected: Message, report: Message
):
    page = post(
        operator,
        "chat_messages_message_take_back",
        report.pk,
        corrected.corrections.get().pk,
    )

    assert "There is no such correction." in page
    assert corrected.corrections.count() == 1


def test_a_lock_is_opened_with_a_button(operator: Client, corrected: Message):
    post(operator, "chat_messages_message_unlock", corrected.pk, "category")

    assert Message.objects.get().locked_fields == []


@pytest.mark.parametrize("verb", ["unlock", "take_back"])
def test_a_viewer_opens_no_lock(viewer: Client, corrected: Message, verb: str):
    argument = "category" if verb == "unlock" else corrected.corrections.get().pk
    post(viewer, f"chat_messages_message_{verb}", corrected.pk, argument)

    assert Message.objects.get().locked_fields == ["category"]


def test_names_are_set_right_in_the_form_of_an_issue(
    operator: Client, issue: Issue, report: Message
):
    post(
        operator,
        "issues_issue_change",
        issue.pk,
        **form_of(issue, named_technologies="кафка; Redis"),
    )

    found = Issue.objects.get()
    assert found.entities["technologies"] == [
        {"surface": "кафка", "normal": "Kafka"},
        {"surface": "Redis", "normal": "Redis"},
    ]
    assert found.locked_fields == ["entities"]
    assert found.labels == ["Kafka", "Redis"]
    assert report.corrections.get().field == "entities"


def test_a_form_that_changes_nothing_locks_nothing(operator: Client, issue: Issue):
    post(operator, "issues_issue_change", issue.pk, **form_of(issue))

    assert Issue.objects.get().locked_fields == []


def test_an_issues_lock_is_opened_with_a_button(operator: Client, issue: Issue):
    post(operator, "issues_issue_change", issue.pk, **form_of(issue, title="Оплата"))
    assert Issue.objects.get().locked_fields == ["title"]

    page = post(operator, "issues_issue_unlock", issue.pk, "title")

    assert Issue.objects.get().locked_fields == []
    assert "left to the system again" in page


def test_not_an_issue_is_a_button_of_the_review_queue(
    operator: Client, issue: Issue, report: Message
):
    page = post(operator, "issues_issue_decide", issue.pk, "not_an_issue", reason="жарт")

    report.refresh_from_db()
    assert (Issue.objects.get().status, report.category) == ("rejected", "info")
    assert "(not an issue)" in page


def test_a_task_edited_through_the_api_is_locked(issue: Issue, people: dict[str, User]):
    client = Client()
    client.force_login(people["operator"])
    response = client.patch(
        f"/api/tasks/{issue.pk}", {"priority": "low"}, content_type="application/json"
    )

    assert response.status_code == 200
    assert Issue.objects.get().locked_fields == ["priority"]


def test_an_administrator_asks_for_a_training(administrator: Client, corrected: Message):
    page = post(administrator, "chat_messages_modelversion_train")
    again = administrator.get(reverse(VERSIONS))

    version = ModelVersion.objects.get()
    assert (version.status, str(version.requested_by)) == ("wanted", "administrator")
    assert "waits for its training" in page
    assert again.headers["Refresh"]
    assert "<progress" in again.content.decode()


def test_without_corrections_the_button_says_that_there_is_nothing_to_learn(
    administrator: Client,
):
    page = post(administrator, "chat_messages_modelversion_train")

    assert "there is nothing to learn" in page
    assert not ModelVersion.objects.exists()


@pytest.mark.parametrize("name", ["operator", "viewer"])
def test_only_administrators_train(
    client_of: Callable[[str], Client], corrected: Message, name: str
):
    client = client_of(name)
    page = post(client, "chat_messages_modelversion_train")

    assert "Only administrators" in page
    train = reverse("admin:chat_messages_modelversion_train")
    assert train not in client.get(reverse(VERSIONS)).content.decode()
    assert not ModelVersion.objects.exists()


def test_back_to_the_shipped_weights(administrator: Client):
    version = ModelVersion.objects.create(status="active", version="2-1")
    assert "Back to the shipped" in administrator.get(reverse(VERSIONS)).content.decode()

    post(administrator, "chat_messages_modelversion_shipped")

    version.refresh_from_db()
    assert version.status == "retired"


def test_weights_that_are_gone_are_not_activated(administrator: Client):
    version = ModelVersion.objects.create(status="retired", version="2-1")

    page = post(administrator, "chat_messages_modelversion_activate", version.pk)

    assert "weights of this version are gone" in page
    assert ModelVersion.objects.get().status == "retired"


def test_a_report_does_not_quote_messages_of_other_teams(
    operator: Client, all_rows: dict[type, Any], other_project: Any, source: Any
):
    version = all_rows[ModelVersion]
    Message.objects.update(text="кому не слід", project=other_project)

    page = operator.get(
        reverse("admin:chat_messages_modelversion_change", args=[version.pk])
    ).content.decode()

    assert "Worse than before" in page
    assert "кому не слід" not in page


@pytest.mark.parametrize("language", ["uk", "en"])
def test_the_report_shows_before_and_after_rounded(
    viewer: Client, all_rows: dict[type, Any], language: str
):
    viewer.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    version = all_rows[ModelVersion]

    page = viewer.get(
        reverse("admin:chat_messages_modelversion_change", args=[version.pk])
    ).content.decode()

    assert ("0,900" in page) if language == "uk" else ("0.900" in page)
    assert "Activate" not in page


def test_the_api_locks_only_what_it_was_told(corrected: Message, people: dict[str, User]):
    client = Client()
    client.force_login(people["operator"])
    response = client.patch(
        f"/api/messages/{corrected.pk}", {"priority": "high"}, content_type="application/json"
    )

    assert response.status_code == 200
    assert [row.field for row in corrected.corrections.all()] == ["priority", "category"]


def test_a_version_waits_before_it_is_trained(administrator: Client, corrected: Message):
    post(administrator, "chat_messages_modelversion_train")
    version = ModelVersion.objects.get()
    address = reverse("admin:chat_messages_modelversion_change", args=[version.pk])

    waiting = administrator.get(address).content.decode()
    ModelVersion.objects.update(report={"stage": "embedding", "done": 0, "total": 0})
    training = administrator.get(address).content.decode()

    assert version.corrections == 1
    assert "Waits for training" in waiting
    assert "It takes some minutes" not in waiting
    assert "In training" in training
    assert "Waits for training" not in training
    assert "Reading the corpus…" in training


def test_the_empty_list_says_what_makes_a_version(viewer: Client):
    page = viewer.get(reverse(VERSIONS)).content.decode()

    assert "a training makes one" in page
    assert "Create a new item" not in page
