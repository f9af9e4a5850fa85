"""Sending, previewing and downloading tasks through the API."""

import json
from importlib import resources

import jsonschema
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import AsyncClient
from rest_framework.test import APIClient

from apps.exports.models import ExportPolicy, TaskExport, Tracker

SCHEMA = json.loads((resources.files("apps.exports.trackers") / "issue.schema.json").read_text())


def test_an_approved_task_is_sent_by_hand(api, make_issue, tracker, project):
    ExportPolicy.objects.create(project=project, tracker=tracker, when="by_hand")
    issue = make_issue(status="approved")
    export = TaskExport.objects.create(issue=issue, tracker=tracker, held="by_hand")
    body = {"task": issue.pk, "tracker": tracker.pk}
    shown = api.get("/api/exports", {"task": issue.pk}).json()["results"][0]["held"]

    sent = api.post("/api/exports", body, format="json")
    again = api.post("/api/exports", body, format="json")

    export.refresh_from_db()
    assert (shown, sent.status_code, sent.json()["held"]) == ("by_hand", 201, "")
    assert export.due_at is not None
    assert (again.status_code, again.json()["code"]) == (409, "cannot_send")


def test_nobody_sends_what_is_new_foreign_or_not_theirs_to_decide(
    api, make_issue, tracker, project, other_project
):
    theirs = Tracker.objects.create(project=other_project, kind="json", name="Theirs")
    viewer = get_user_model().objects.create_user("viewer")
    viewer.groups.add(Group.objects.get(name="Viewer"))
    project.members.add(viewer)
    looking = APIClient()
    looking.force_authenticate(viewer)
    approved, new = make_issue(status="approved").pk, make_issue().pk
    tries = [
        (api, approved, theirs.pk, 404),
        (api, make_issue(status="approved", project=other_project).pk, tracker.pk, 404),
        (api, new, tracker.pk, 409),
        (looking, approved, tracker.pk, 403),
        (api, "x", tracker.pk, 400),
    ]

    for client, task, to, code in tries:
        answer = client.post("/api/exports", {"task": task, "tracker": to}, format="json")
        assert answer.status_code == code, (task, to)
    assert not TaskExport.objects.exists()


def test_a_preview_makes_nothing(api, make_issue, tracker):
    issue = make_issue("Прод лежить")

    shown = api.get("/api/exports/preview", {"task": issue.pk, "tracker": tracker.pk}).json()
    refused = api.get("/api/exports/preview", {"task": issue.pk})

    assert (shown["title"], shown["sent"]["id"], shown["why_not"]) == ("Прод лежить", issue.pk, "")
    assert refused.status_code == 400
    assert not TaskExport.objects.exists()


def test_a_document_and_a_feed_fit_the_schema(api, make_issue, make_export, other_project):
    ours = [make_export(make_issue(), status="created") for _ in range(2)]
    make_export(make_issue(), status="pending")
    theirs = Tracker.objects.create(project=other_project, kind="json", name="Theirs")
    foreign = TaskExport.objects.create(
        issue=make_issue(project=other_project), tracker=theirs, status="created"
    )

    feed = api.get("/api/exports/feed")
    told = [json.loads(line) for line in b"".join(feed.streaming_content).splitlines()]
    document = api.get(f"/api/exports/{ours[0].pk}/document").json()

    assert [one["uuid"] for one in told] == [str(one.uuid) for one in ours]
    assert document == told[0]
    for one in told:
        jsonschema.validate(one, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert api.get(f"/api/exports/{foreign.pk}/document").status_code == 404


def test_what_has_moved_away_is_shown_so_and_not_fed(api, make_export):
    make_export(status="created", is_live=False)

    [row] = api.get("/api/exports").json()["results"]
    assert row["is_live"] is False
    assert b"".join(api.get("/api/exports/feed").streaming_content) == b""


def test_a_feed_is_streamed_by_an_asynchronous_server(member, make_export):
    export = make_export(status="created")
    client = AsyncClient()
    client.force_login(member)

    async def read() -> bytes:
        feed = await client.get("/api/exports/feed")
        return b"".join([part async for part in feed.streaming_content])

    assert json.loads(async_to_sync(read)())["uuid"] == str(export.uuid)
