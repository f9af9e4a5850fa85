"""The task before it is sent, tasks as files, and the policy that decides about them."""

import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import jsonschema
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.exports.admin.policy_form import KINDS
from apps.exports.models import ExportPolicy, TaskExport, Tracker
from apps.issues.models import Issue
from tests.admin.conftest import HOSTILE, act

SCHEMA = json.loads((resources.files("apps.exports.trackers") / "issue.schema.json").read_text())
CATALOGUE = {
    "labels": [["l-bug", "Bug"], ["l-pay", "Payments"]],
    "priorities": [["0", "No priority"], ["1", "Urgent"]],
    "assignee": [["u-1", "Olena"]],
}


@pytest.fixture(autouse=True)
def export_folder(settings, tmp_path):
    settings.EXPORT_DIR = tmp_path


@pytest.fixture
def linear(project) -> Tracker:
    """Nobody is asked: what it has was told before."""
    return Tracker.objects.create(
        project=project,
        kind="linear",
        name="Linear",
        config={"api_key": "lin_api_very-secret", "team": "t-1"},
        catalogue={"team": [["t-1", "Core (COR)"]], **CATALOGUE},
    )


def preview_page(issue: Issue) -> str:
    return reverse("admin:exports_taskexport_preview", args=[issue.pk])


def test_a_preview_shows_the_task_with_names_instead_of_ids(
    operator: Client, make_issue, make_message, linear
):
    issue = make_issue(message=make_message("@all <b>502</b>"))

    page = operator.get(preview_page(issue)).content.decode()

    assert "Core (COR)" in page
    assert "High" in page
    assert "@all &lt;b&gt;502&lt;/b&gt;" in page
    assert "Approve and send to Linear" in page
    assert "very-secret" not in page
    assert not TaskExport.objects.exists()


def test_sending_is_written_down(operator: Client, make_issue, linear, people: dict[str, User]):
    issue = make_issue()

    response = operator.post(preview_page(issue), {"tracker": linear.pk}, follow=True)

    issue.refresh_from_db()
    assert "on its way to Linear" in response.content.decode()
    assert (issue.status, issue.exports.get().tracker) == ("approved", linear)
    assert people["operator"].logentry_set.count() == 1


@pytest.mark.parametrize("role", ["viewer", "outsider"])
def test_who_may_not_send_it_sends_nothing(
    client_of: Callable[[str], Client], project, make_issue, linear, role: str
):
    issue = make_issue()
    if role == "outsider":
        project.members.clear()
    client = client_of("viewer" if role == "viewer" else "operator")

    client.post(preview_page(issue), {"tracker": linear.pk})

    assert (
        "send to" not in client.get(preview_page(issue)).content.decode().lower().split("main")[-1]
    )
    assert not TaskExport.objects.exists()


def test_a_tracker_whose_settings_do_not_suffice_says_so(operator: Client, make_issue, linear):
    linear.config = {"api_key": "lin_api_x"}
    linear.save()

    assert "No team is chosen" in operator.get(preview_page(make_issue())).content.decode()


def test_what_is_held_is_sent_from_the_list(operator: Client, make_issue, linear):
    held = [
        TaskExport.objects.create(issue=make_issue(status="approved"), tracker=linear, held=reason)
        for reason in ("by_hand", "too_many", "")
    ]

    page = act(operator, "release_selected", held).content.decode()

    assert "2 exports queued" in page
    assert not TaskExport.objects.exclude(held="").exists()


def test_what_nobody_wants_is_not_exported_again(operator: Client, make_issue, linear):
    export = TaskExport.objects.create(
        issue=make_issue(status="rejected"),
        tracker=linear,
        status="failed",
        last_error="not_wanted",
    )

    page = act(operator, "retry_selected", [export]).content.decode()

    assert "queued" not in page
    assert "Nobody wants it" in page
    export.refresh_from_db()
    assert export.status == "failed"


def test_an_export_for_which_another_tracker_stands_in_is_not_called_unheld(
    operator: Client, make_issue, linear
):
    other = Tracker.objects.create(project=linear.project, kind="json", name="Another")
    ExportPolicy.objects.create(project=linear.project, tracker=linear, fallback=other)
    issue = make_issue(status="approved")
    TaskExport.objects.create(issue=issue, tracker=other, status="created", external_id="7")
    held = TaskExport.objects.create(issue=issue, tracker=linear, held="away")

    page = act(operator, "release_selected", [held]).content.decode()

    assert "not held" not in page
    assert "task is in Another" in page


def test_of_several_that_are_held_the_tracker_of_the_policy_gets_the_task(
    operator: Client, make_issue, linear
):
    first = Tracker.objects.create(project=linear.project, kind="json", name="Another")
    ExportPolicy.objects.create(project=linear.project, tracker=linear)
    issue = make_issue(status="approved")
    held = [
        TaskExport.objects.create(issue=issue, tracker=tracker, held="by_hand")
        for tracker in (first, linear)
    ]

    page = act(operator, "release_selected", held).content.decode()

    assert "1 export queued" in page
    assert "task is in Linear" in page
    assert [one.status for one in TaskExport.objects.order_by("pk")] == ["failed", "pending"]


def test_a_feed_has_a_line_for_each_created_task(
    operator: Client, rows: dict[type, Any], make_issue, make_message
):
    tracker = rows[Tracker]
    for text in ("Прод лежить", HOSTILE + "\u2028x"):
        issue = make_issue(text[:200], message=make_message(text), status="approved")
        TaskExport.objects.create(
            issue=issue, tracker=tracker, status="created", external_url="file:///etc/passwd"
        )
    response = operator.get(reverse("admin:exports_tracker_feed", args=[tracker.pk]))
    text = b"".join(response.streaming_content).decode()

    assert response["Content-Disposition"].endswith('.jsonl"')
    told = [json.loads(line) for line in text.splitlines()]
    assert len(told) == 2
    assert told[0]["title"] == "Прод лежить"
    for one in told:
        jsonschema.validate(one, SCHEMA, format_checker=jsonschema.FormatChecker())


def test_a_document_is_made_from_our_rows(operator: Client, rows: dict[type, Any]):
    export = rows[TaskExport]
    TaskExport.objects.update(external_url="file:///etc/passwd", status="created")

    response = operator.get(reverse("admin:exports_taskexport_document", args=[export.pk]))

    told = json.loads(response.content)
    assert (told["uuid"], told["id"]) == (str(export.uuid), export.issue_id)
    assert response["Content-Disposition"] == f'attachment; filename="{export.uuid}.json"'


@pytest.mark.parametrize(
    "name", ["exports_taskexport_document", "exports_tracker_feed", "exports_taskexport_preview"]
)
def test_nothing_of_another_project_is_downloaded(
    operator: Client, make_rows, other_project, rows: dict[type, Any], name: str
):
    foreign = make_rows(other_project)
    row = {"document": TaskExport, "feed": Tracker, "preview": Issue}[name.rpartition("_")[2]]

    assert operator.get(reverse(f"admin:{name}", args=[foreign[row].pk])).status_code == 302


def test_a_project_leads_to_its_policy(operator: Client, project, linear):
    address = reverse("admin:exports_exportpolicy_of", args=[project.pk])
    first = operator.get(address)["Location"]
    values = {"project": project.pk, "when": "by_hand", "on_recovery": "link"}
    saved = operator.post(first, {**values, "tracker": linear.pk, "masks_pii": "on"})
    policy = ExportPolicy.objects.get()

    assert first.endswith(f"/add/?project={project.pk}")
    assert operator.get(address)["Location"] == saved["Location"]
    assert (policy.tracker, policy.when, policy.masks_pii) == (linear, "by_hand", True)


def test_a_policy_maps_what_the_trackers_offer(operator: Client, project, linear):
    policy = ExportPolicy.objects.create(
        project=project, extra_labels=["Gone"], priorities={"low": "No priority"}
    )
    address = reverse("admin:exports_exportpolicy_change", args=[policy.pk])
    page = operator.get(address).content.decode()
    values = {
        "when": "approved",
        "on_recovery": "move",
        "priorities__critical": "Urgent",
        "category_labels__bug": ["Bug"],
        "extra_labels__all": ["Gone", "Payments"],
        "entity_fields__projects": "=",
        "entity_fields__assignees": "@",
        "title_template": "{titel}",
    }
    refused = operator.post(address, values).content.decode()
    operator.post(address, {**values, "title_template": "[{category}] {title}"})
    policy.refresh_from_db()

    assert "Gone (no longer there)" in page
    assert "There is no {titel}" in refused
    assert policy.priorities == {"critical": "Urgent"}
    assert policy.category_labels == {"bug": ["Bug"]}
    assert policy.extra_labels == ["Gone", "Payments"]
    assert policy.entity_fields == {"projects": "=", "assignees": "@"}
    assert policy.title_template == "[{category}] {title}"


def test_a_policy_asks_only_for_what_has_something_to_choose(operator: Client, project, linear):
    linear.catalogue = {"assignee": [["5", "Olena"]]}
    linear.save()
    policy = ExportPolicy.objects.create(project=project)
    address = reverse("admin:exports_exportpolicy_change", args=[policy.pk])
    page = operator.get(address).content.decode()

    assert {name for name in KINDS if f"entity_fields__{name}" in page} == {"assignees"}


def test_a_policy_offers_only_trackers_of_its_project(
    operator: Client, people: dict[str, User], project, linear, other_project
):
    other_project.members.add(people["operator"])
    theirs = Tracker.objects.create(project=other_project, kind="json", name="Theirs")
    policy = ExportPolicy.objects.create(project=project)
    address = reverse("admin:exports_exportpolicy_change", args=[policy.pk])

    assert "Theirs" not in operator.get(address).content.decode()
    operator.post(address, {"when": "approved", "on_recovery": "link", "tracker": theirs.pk})
    policy.refresh_from_db()
    assert policy.tracker is None


def test_an_approved_issue_without_a_task_says_so(operator: Client, make_issue):
    issue = make_issue(status="approved")

    page = operator.get(reverse("admin:issues_issue_change", args=[issue.pk])).content.decode()

    assert "in no tracker" in page
    assert preview_page(issue) in page
    listed = reverse("admin:issues_issue_changelist") + "?in_trackers=none"
    assert issue.title in operator.get(listed).content.decode()


def test_a_preview_names_the_others_that_get_the_task_too(operator: Client, make_issue, linear):
    issue = make_issue()
    Tracker.objects.create(project=linear.project, kind="json", name="Archive")
    address = f"{preview_page(issue)}?tracker={linear.pk}"
    assert "to these as well: Archive" in operator.get(address).content.decode()

    ExportPolicy.objects.create(project=linear.project, tracker=linear)

    assert "to these as well" not in operator.get(address).content.decode()
