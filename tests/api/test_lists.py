"""What there is: read by members, and without a secret."""

import pytest

from apps.exports.models import TaskExport, Tracker
from apps.sources.models import Chat, Source

SECRET = "123:never-shown"


@pytest.fixture
def source(project):
    return Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"token": SECRET}, last_error=SECRET
    )


@pytest.fixture
def foreign(other_project, make_issue):
    """Everything of a project that is not ours."""
    source = Source.objects.create(project=other_project, kind="telegram", name="Theirs")
    Chat.objects.create(source=source, external_id="-1", title="Theirs")
    tracker = Tracker.objects.create(project=other_project, kind="json", name="Theirs")
    return TaskExport.objects.create(issue=make_issue(project=other_project), tracker=tracker)


@pytest.mark.parametrize("address", ["sources", "chats", "trackers", "exports", "projects"])
def test_things_of_others_do_not_exist(api, project, foreign, address):
    listed = api.get(f"/api/{address}").content.decode()

    assert "Theirs" not in listed
    assert "bank" not in listed
    assert api.get("/api/projects/bank").status_code == 404
    assert api.get(f"/api/exports/{foreign.pk}").status_code == 404
    assert api.get(f"/api/trackers/{foreign.tracker_id}").status_code == 404
    assert api.post(f"/api/exports/{foreign.pk}/retry").status_code == 404


def test_source_is_shown_without_its_settings(api, source):
    listed = api.get("/api/sources")

    assert [row["name"] for row in listed.json()["results"]] == ["Bot"]
    assert SECRET not in listed.content.decode()
    assert source.webhook_secret not in listed.content.decode()


def test_chat_belongs_to_the_project_that_it_is_routed_to(api, project, other_project, source):
    theirs = Source.objects.create(project=other_project, kind="telegram", name="Theirs")
    Chat.objects.create(source=source, external_id="-1", title="ours")
    Chat.objects.create(source=source, external_id="-2", title="given away", project=other_project)
    Chat.objects.create(source=theirs, external_id="-3", title="taken over", project=project)

    rows = api.get("/api/chats").json()["results"]

    assert {row["title"]: row["project"] for row in rows} == {"ours": "shop", "taken over": "shop"}


def test_export_tells_where_the_task_went(api, make_export, tracker):
    export = make_export(status="created", external_id="TT-1", external_url="https://t.example/1")
    tracker.config = {"api_key": SECRET}
    tracker.save()

    [row] = api.get("/api/exports", {"task": export.issue_id, "status": "created"}).json()[
        "results"
    ]

    assert (row["external_id"], row["external_url"]) == ("TT-1", "https://t.example/1")
    assert (row["task_id"], row["tracker"], row["project"]) == (export.issue_id, "JSON", "shop")
    assert SECRET not in api.get("/api/trackers").content.decode()


def test_failed_export_is_sent_again(api, make_export):
    export = make_export(status="failed")

    response = api.post(f"/api/exports/{export.pk}/retry")

    assert response.json()["status"] == "pending"


@pytest.mark.parametrize("status", ["pending", "created"])
def test_export_that_did_not_fail_is_not_sent_again(api, make_export, status):
    response = api.post(f"/api/exports/{make_export(status=status).pk}/retry")

    assert (response.status_code, response.json()["code"]) == (409, "wrong_transition")


@pytest.mark.parametrize(
    "query", ["task=x", "task=1e400", f"task={10**30}", "status=gone", "tracker=%00"]
)
def test_bad_filter_of_exports_is_refused(api, project, query):
    assert api.get(f"/api/exports?{query}").status_code == 400


def test_chats_that_wait_for_a_yes_are_found(api, project):
    source = Source.objects.create(project=project, kind="telegram", name="Bot")
    for state in ("waiting", "on", "off"):
        Chat.objects.create(source=source, external_id=state, state=state)

    found = api.get("/api/chats?state=waiting").json()["results"]

    assert [(row["external_id"], row["state"], row["is_monitored"]) for row in found] == [
        ("waiting", "waiting", False)
    ]
