"""A person is forgotten from the inbox, after the page said what goes."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from apps.messages.models import Message
from apps.sources.models import Author, Erasure
from tests.admin.conftest import act


def test_nobody_is_forgotten_before_it_is_confirmed(operator: Client, make_message: Any):
    message = make_message()

    page = act(operator, "forget", [message])

    assert "Олена" in page.content.decode()
    assert "This cannot be undone." in page.content.decode()
    assert not Erasure.objects.exists()


def test_a_confirmed_person_is_forgotten_and_the_log_does_not_tell_their_words(
    operator: Client, make_message: Any
):
    message = make_message()

    act(operator, "forget", [message, make_message()], confirmed="yes", person=shown(message))

    erasure = Erasure.objects.get()
    assert (erasure.author.external_id, erasure.user.username) == ("7", "operator")
    logged = LogEntry.objects.get()
    assert (logged.object_repr, logged.change_message) == ("7", "To be forgotten.")


def test_who_only_looks_forgets_nobody(viewer: Client, make_message: Any):
    message = make_message()

    act(viewer, "forget", [message], confirmed="yes", person=shown(message))

    assert not Erasure.objects.exists()
    assert Message.objects.exists()


def test_only_who_was_shown_is_forgotten(operator: Client, make_message: Any):
    message, other = make_message(), make_message(author_id="8")

    page = act(operator, "forget", [message])
    act(operator, "forget", [message, other], confirmed="yes", person=shown(message))

    assert f'name="person" value="{shown(message)}"' in page.content.decode()
    assert Erasure.objects.get().author.external_id == "7"


@pytest.mark.parametrize("data", [{}, {"confirmed": "yes"}])
def test_who_wrote_in_projects_of_others_is_forgotten_by_those_who_see_them(
    operator: Client,
    administrator: Client,
    make_message: Any,
    other_project: Any,
    data: dict[str, str],
):
    message = make_message()
    make_message(project=other_project)
    asked = {**data, "person": shown(message)}

    page = act(operator, "forget", [message], **asked)

    assert "in projects that you do not see" in page.content.decode()
    assert not Erasure.objects.exists()
    act(administrator, "forget", [message], **asked)
    assert Erasure.objects.exists() is bool(data)


def test_too_many_people_are_not_forgotten_in_part(operator: Client, make_message: Any):
    rows = [make_message(author_id=str(number)) for number in range(1, 23)]

    page = act(operator, "forget", rows)

    assert "At most 20 people" in page.content.decode()


def test_a_person_is_stored_again(operator: Client, source: Any):
    author = Author.known(source.pk, "7")
    author.opt_out()

    act(operator, "store_again", [author])

    author.refresh_from_db()
    assert author.opted_out_at is None
    assert operator.get(reverse("admin:sources_author_changelist")).status_code == 200


def shown(message: Message) -> str:
    return f"{message.source_id}:{message.author_id}"
