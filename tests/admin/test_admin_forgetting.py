"""A person is forgotten from the inbox, after the page said what goes."""

from typing import Any

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

    act(operator, "forget", [message, make_message()], confirmed="yes")

    erasure = Erasure.objects.get()
    assert (erasure.author.external_id, erasure.user.username) == ("7", "operator")
    logged = LogEntry.objects.get()
    assert (logged.object_repr, logged.change_message) == ("7", "To be forgotten.")


def test_who_only_looks_forgets_nobody(viewer: Client, make_message: Any):
    act(viewer, "forget", [make_message()], confirmed="yes")

    assert not Erasure.objects.exists()
    assert Message.objects.exists()


def test_a_person_is_stored_again(operator: Client, source: Any):
    author = Author.known(source.pk, "7")
    author.opt_out()

    act(operator, "store_again", [author])

    author.refresh_from_db()
    assert author.opted_out_at is None
    assert operator.get(reverse("admin:sources_author_changelist")).status_code == 200
