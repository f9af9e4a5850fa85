"""Sources and projects are deleted with all that belongs to them, and the page says how much that is."""

from django.test import Client
from django.urls import reverse

from apps.issues.models import Issue
from apps.messages.models import Message
from apps.sources.models import Author, Project, Source


def test_a_source_of_which_somebody_is_not_read_is_deleted(administrator: Client, make_message):
    source = make_message().source
    Author.objects.create(source=source, external_id="7")

    administrator.post(reverse("admin:sources_source_delete", args=[source.pk]), {"post": "yes"})

    assert not Source.objects.exists()
    assert not Message.objects.exists()


def test_many_messages_are_counted_and_not_listed(administrator: Client, make_message):
    messages = [make_message(text=f"Рядок {number}") for number in range(3)]

    page = administrator.get(
        reverse("admin:sources_source_delete", args=[messages[0].source.pk])
    ).content.decode()

    assert "Messages: 3" in page
    assert "Рядок" not in page


def test_a_project_is_deleted_from_the_list(administrator: Client, make_issue):
    project = make_issue().project
    chosen = {"action": "delete_selected", "_selected_action": [project.pk]}
    address = reverse("admin:sources_project_changelist")

    page = administrator.post(address, chosen).content.decode()
    administrator.post(address, {**chosen, "post": "yes"})

    assert "Issues: 1" in page
    assert not Project.objects.filter(pk=project.pk).exists()
    assert not Issue.objects.exists()


def test_who_may_not_delete_sources_is_told(operator: Client, make_message):
    source = make_message().source
    operator.post(reverse("admin:sources_source_delete", args=[source.pk]), {"post": "yes"})

    assert Source.objects.filter(pk=source.pk).exists()
