"""Who answered about a message, as its page tells it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.messages.decisions import reclassify, take_back
from apps.messages.models import Classification, Message
from apps.sources.models import Project


def answer(message: Message, classifier: str = "local", **changes: Any) -> Classification:
    values = {"category": "bug", "priority": "low", "confidence": 0.8, "version": "1"}
    return Classification.objects.create(
        message=message, classifier=classifier, **{**values, **changes}
    )


def page_of(client: Client, message: Message) -> str:
    address = reverse("admin:chat_messages_message_change", args=[message.pk])
    return client.get(address).content.decode()


@pytest.fixture
def remembered(make_message: Callable[..., Message]) -> tuple[Message, Message]:
    """A corrected message, and one that was read like it."""
    taught = make_message("Чек на касі друкується двічі")
    message = make_message(category="bug", priority="low", decided_by="memory", confidence=0.94)
    answer(message, "memory", raw={"correction_of": taught.pk, "nearness": 0.9})
    return taught, message


def test_an_answer_of_the_memory_links_to_what_it_was_taken_from(
    viewer: Client, remembered: tuple[Message, Message]
):
    taught, message = remembered
    page = page_of(viewer, message)

    assert reverse("admin:chat_messages_message_change", args=[taught.pk]) in page
    assert "друкується двічі" in page


def test_a_message_that_has_left_for_another_team_is_not_quoted(
    viewer: Client, remembered: tuple[Message, Message], other_project: Project
):
    taught, message = remembered
    Message.objects.filter(pk=taught.pk).update(project=other_project)

    assert "друкується двічі" not in page_of(viewer, message)
    told = viewer.get(f"/api/messages/{message.pk}").json()["classifications"]
    assert [row["taken_from"] for row in told] == [None]


def test_the_api_names_what_the_memory_took_its_answer_from(
    viewer: Client, remembered: tuple[Message, Message]
):
    taught, message = remembered
    answer(message)

    told = viewer.get(f"/api/messages/{message.pk}").json()["classifications"]
    assert [row["taken_from"] for row in told] == [taught.pk, None]


def test_a_persons_answer_names_the_person(
    viewer: Client, people: dict[str, User], make_message: Callable[..., Message]
):
    message = make_message(status="noise", category="info", priority="low")
    reclassify(message, category="question", by=people["operator"])
    page = page_of(viewer, message)

    assert 'by hand <span class="quiet">operator</span>' in page


def test_the_page_shows_which_answer_decides_now(
    viewer: Client, people: dict[str, User], make_message: Callable[..., Message]
):
    message = make_message(
        status="noise", category="info", priority="low", decided_by="local", confidence=0.8
    )
    local = answer(message, category="info")
    reclassify(message, category="question", by=people["operator"])
    take_back(message.corrections.get(), by=people["operator"])

    address = reverse("admin:chat_messages_message_change", args=[message.pk])
    told = viewer.get(address).context["answers"]
    assert [row["row"] for row in told if row["stands"]] == [local]


@pytest.mark.parametrize("is_provisional", [True, False])
def test_only_what_nobody_was_sure_of_asks_for_a_person(
    viewer: Client, make_message: Callable[..., Message], is_provisional: bool
):
    message = make_message(category="bug", priority="low", is_provisional=is_provisional)

    assert ("a person should look" in page_of(viewer, message)) is is_provisional
