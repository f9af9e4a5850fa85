"""What people say of a message, whose text stays as it was said."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from apps.messages.models import Message
from tests.admin.conftest import act


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
