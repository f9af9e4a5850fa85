"""What a message names is on its page, with what it suggests, as plain text."""

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse


def page(client: Client, message: Any) -> str:
    address = reverse("admin:chat_messages_message_change", args=[message.pk])
    return client.get(address).content.decode()


def test_a_message_shows_who_should_do_it_and_how_soon(
    operator: Client, make_message: Callable[..., Any]
):
    shown = page(operator, make_message("Postgres впав, терміново! Хай Іван візьме"))

    assert "technologies: Postgres → PostgreSQL" in shown
    assert "suggested assignee: Іван" in shown
    assert "suggested priority: терміново → High" in shown


def test_a_message_shows_its_author_who_takes_it_as_plain_text(
    operator: Client, make_message: Callable[..., Any]
):
    shown = page(operator, make_message("беру на себе", author="<b>Олена</b>"))

    assert "suggested assignee: беру на себе → &lt;b&gt;Олена&lt;/b&gt;" in shown
