"""Sources and projects are deleted with all that belongs to them, and the page says how much that is."""

from django.test import Client
from django.urls import reverse

from apps.exports.models import ExportPolicy, TaskExport, Tracker
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


def test_nobody_deletes_an_export(administrator: Client, make_export):
    export = make_export(status="created")

    administrator.post(
        reverse("admin:exports_taskexport_delete", args=[export.pk]), {"post": "yes"}
    )
    administrator.post(
        reverse("admin:exports_taskexport_changelist"),
        {"action": "delete_selected", "_selected_action": [export.pk], "post": "yes"},
    )

    assert TaskExport.objects.filter(pk=export.pk).exists()


def test_an_issue_with_an_export_is_not_deleted(administrator: Client, make_export):
    export = make_export(status="created")
    address = reverse("admin:issues_issue_delete", args=[export.issue_id])

    page = administrator.get(address).content.decode()
    administrator.post(address, {"post": "yes"})

    assert "export" in page
    assert TaskExport.objects.filter(pk=export.pk).exists()


def test_a_tracker_is_deleted_with_its_exports(administrator: Client, make_export):
    tracker = make_export(status="created").tracker
    address = reverse("admin:exports_tracker_delete", args=[tracker.pk])

    page = administrator.get(address).content.decode()
    administrator.post(address, {"post": "yes"})

    assert "Exports: 1" in page
    assert not Tracker.objects.exists()
    assert not TaskExport.objects.exists()


def test_trackers_are_deleted_from_the_list(administrator: Client, make_export):
    tracker = make_export().tracker
    chosen = {"action": "delete_selected", "_selected_action": [tracker.pk], "post": "yes"}

    administrator.post(reverse("admin:exports_tracker_changelist"), chosen)

    assert not Tracker.objects.exists()


def test_a_tracker_that_a_policy_names_is_not_deleted(administrator: Client, make_export):
    tracker = make_export().tracker
    policy = ExportPolicy.objects.create(project=tracker.project, tracker=tracker)
    address = reverse("admin:exports_tracker_delete", args=[tracker.pk])

    page = administrator.get(address).content.decode()
    administrator.post(address, {"post": "yes"})

    assert str(policy) in page
    assert Tracker.objects.filter(pk=tracker.pk).exists()


def test_a_project_is_deleted_with_its_exports(administrator: Client, make_export):
    export = make_export(status="created")
    project = export.tracker.project
    ExportPolicy.objects.create(project=project, tracker=export.tracker)

    administrator.post(reverse("admin:sources_project_delete", args=[project.pk]), {"post": "yes"})

    assert not Project.objects.filter(pk=project.pk).exists()
    assert not TaskExport.objects.exists()
