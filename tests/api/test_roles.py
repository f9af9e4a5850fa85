"""Whoever may change nothing in the admin only looks here; members without a group work through the API."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient


@pytest.fixture
def viewer(project):
    user = get_user_model().objects.create_user("viewer")
    user.groups.add(Group.objects.get(name="Viewer"))
    project.members.add(user)
    return user


@pytest.fixture
def client_of(db):
    def make(user):
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")
        return client

    return make


def test_a_viewer_reads_issues(viewer, client_of, make_issue):
    make_issue()

    assert client_of(viewer).get("/api/tasks").json()["count"] == 1


def test_a_viewer_changes_nothing(viewer, client_of, make_issue):
    issue = make_issue()

    answer = client_of(viewer).put(
        f"/api/tasks/{issue.pk}/status", {"status": "approved"}, format="json"
    )

    assert answer.status_code == 403
    issue.refresh_from_db()
    assert issue.status == "new"


def test_a_viewer_who_is_an_operator_too_decides(viewer, client_of, make_issue):
    viewer.groups.add(Group.objects.get(name="Operator"))
    issue = make_issue()

    answer = client_of(viewer).put(
        f"/api/tasks/{issue.pk}/status", {"status": "approved"}, format="json"
    )

    assert answer.status_code == 200


def approve(client, issue):
    body = {"status": "approved"}
    return client.put(f"/api/tasks/{issue.pk}/status", body, format="json").status_code


def test_another_group_without_rights_gives_a_viewer_none(viewer, client_of, make_issue):
    viewer.groups.add(Group.objects.create(name="Telegram"))

    assert approve(client_of(viewer), make_issue()) == 403


def test_a_group_that_may_change_issues_decides(viewer, client_of, make_issue):
    group = Group.objects.create(name="Triage")
    group.permissions.add(Permission.objects.get(codename="change_issue"))
    viewer.groups.set([group])

    assert approve(client_of(viewer), make_issue()) == 200


def test_it_changes_nothing_else(viewer, client_of, make_message):
    group = Group.objects.create(name="Triage")
    group.permissions.add(Permission.objects.get(codename="change_issue"))
    viewer.groups.set([group])
    message = make_message(status="noise", category="info")

    client = client_of(viewer)

    body = {"category": "bug"}
    assert client.patch(f"/api/messages/{message.pk}", body, format="json").status_code == 403
    assert client.post("/api/analyze-day", {}, format="json").status_code != 403


def test_who_enters_the_admin_without_rights_only_looks(viewer, client_of, make_issue):
    viewer.groups.clear()
    viewer.is_staff = True
    viewer.save()

    assert approve(client_of(viewer), make_issue()) == 403


def test_a_member_without_a_group_decides(viewer, client_of, make_issue):
    viewer.groups.clear()

    assert approve(client_of(viewer), make_issue()) == 200


@pytest.mark.parametrize("verb", ["merge", "undo_merge", "split", "not_duplicate", "related"])
def test_a_viewer_says_nothing_of_two_issues(viewer, client_of, make_issue, verb):
    issue, other = make_issue(), make_issue()
    client = client_of(viewer)

    body = {"into": other.pk, "other": other.pk, "message": 1}
    answer = client.post(f"/api/tasks/{issue.pk}/{verb}", body, format="json")

    assert answer.status_code == 403
    assert client.get(f"/api/tasks/{issue.pk}/relations").json()["count"] == 0
    assert client.delete(f"/api/tasks/{issue.pk}/relations/1").status_code == 403
