"""Merges, splits, relations and suggestions over the API."""

import pytest

from apps.issues.models import Evidence, Issue, Match


def test_merged_task_is_a_duplicate_and_its_reports_move(api, say, project, make_issue):
    issue = make_issue("Again", message=say(project))
    into = make_issue("First", message=say(project))

    response = api.post(f"/api/tasks/{issue.pk}/merge", {"into": into.pk}, format="json")

    assert response.json()["status"] == "duplicate"
    assert response.json()["duplicate_of_id"] == into.pk
    assert into.evidence.count() == 2


def test_task_cannot_be_merged_into_itself(api, issue):
    response = api.post(f"/api/tasks/{issue.pk}/merge", {"into": issue.pk}, format="json")

    assert response.status_code == 409
    assert response.json() == {
        "detail": "An issue cannot be merged into itself.",
        "code": "cannot_merge",
    }


@pytest.mark.parametrize("into", [10**30, 0, -1, "x", None, 2**63 - 1])
def test_task_to_merge_into_must_be_ours(api, issue, make_issue, other_project, into):
    foreign = make_issue(project=other_project)

    refused = api.post(f"/api/tasks/{issue.pk}/merge", {"into": into}, format="json")
    hidden = api.post(f"/api/tasks/{issue.pk}/merge", {"into": foreign.pk}, format="json")

    assert refused.status_code in {400, 404}
    assert hidden.status_code == 404


def test_report_is_split_into_a_task_of_its_own(api, say, project, make_issue):
    message = say(project, "The button is grey")
    Message = type(message)
    Message.objects.filter(pk=message.pk).update(category="bug", priority="low", status="filed")
    issue = make_issue(message=say(project))
    Evidence.objects.create(issue=issue, message=message, level="fuzzy")

    response = api.post(f"/api/tasks/{issue.pk}/split", {"message": message.pk}, format="json")

    assert response.status_code == 201
    made = Issue.objects.get(pk=response.json()["id"])
    assert made.pk != issue.pk
    assert [row.message_id for row in made.evidence.all()] == [message.pk]


def test_only_report_cannot_be_split_off(api, say, project, make_issue):
    message = say(project)
    issue = make_issue(message=message)

    response = api.post(f"/api/tasks/{issue.pk}/split", {"message": message.pk}, format="json")

    assert (response.status_code, response.json()["code"]) == (409, "cannot_split")


def test_message_of_another_task_cannot_be_split_off(api, say, project, issue):
    response = api.post(f"/api/tasks/{issue.pk}/split", {"message": say(project).pk}, format="json")

    assert response.status_code == 404


def test_a_merge_is_undone_and_never_repeated(api, say, project, make_issue):
    issue, into = make_issue(message=say(project, "one")), make_issue(message=say(project, "two"))
    api.post(f"/api/tasks/{issue.pk}/merge", {"into": into.pk}, format="json")

    undone = api.post(f"/api/tasks/{issue.pk}/undo_merge", {"reason": "no"}, format="json")
    again = api.post(f"/api/tasks/{issue.pk}/merge", {"into": into.pk}, format="json")

    assert (undone.json()["status"], undone.json()["reports"]) == ("new", 1)
    assert (again.status_code, again.json()["code"]) == (409, "told_apart")
    assert "olena" in again.json()["detail"]


def test_only_a_merge_can_be_undone(api, issue):
    response = api.post(f"/api/tasks/{issue.pk}/undo_merge", {}, format="json")

    assert (response.status_code, response.json()["code"]) == (409, "wrong_transition")


@pytest.mark.parametrize(("verb", "kind"), [("not_duplicate", "apart"), ("related", "related")])
def test_what_is_said_of_two_tasks_is_listed_and_taken_back(
    api, say, project, make_issue, verb, kind
):
    issue, other = make_issue(message=say(project, "one")), make_issue(message=say(project, "two"))

    said = api.post(f"/api/tasks/{issue.pk}/{verb}", {"other": other.pk}, format="json")
    [row] = api.get(f"/api/tasks/{other.pk}/relations").json()["results"]
    gone = api.delete(f"/api/tasks/{other.pk}/relations/{row['id']}")

    assert said.json()["id"] == issue.pk
    assert (row["kind"], row["task_id"], row["user"]) == (kind, issue.pk, "olena")
    assert gone.status_code == 204
    assert api.get(f"/api/tasks/{issue.pk}/relations").json()["count"] == 0
    assert api.delete(f"/api/tasks/{other.pk}/relations/{row['id']}").status_code == 404


def test_nothing_is_said_of_a_task_that_is_not_ours(api, issue, make_issue, other_project):
    foreign = make_issue(project=other_project)

    for verb in ("not_duplicate", "related"):
        ours = api.post(f"/api/tasks/{issue.pk}/{verb}", {"other": foreign.pk}, format="json")
        theirs = api.post(f"/api/tasks/{foreign.pk}/{verb}", {"other": issue.pk}, format="json")
        itself = api.post(f"/api/tasks/{issue.pk}/{verb}", {"other": issue.pk}, format="json")

        assert (ours.status_code, theirs.status_code) == (404, 404)
        assert (itself.status_code, itself.json()["code"]) == (409, "cannot_relate")


@pytest.mark.parametrize("given", [{}, {"messages": []}, {"messages": [0]}, {"messages": "x"}])
def test_a_split_must_say_which_message_leaves(api, issue, given):
    response = api.post(f"/api/tasks/{issue.pk}/split", given, format="json")

    assert response.status_code == 400


def test_several_reports_are_split_into_one_task(api, say, project, make_issue):
    issue = make_issue(message=say(project, "stays"))
    leaving = [say(project, text) for text in ("one", "two")]
    for message in leaving:
        Evidence.objects.create(issue=issue, message=message, level="fuzzy")
    numbers = [message.pk for message in leaving]

    response = api.post(f"/api/tasks/{issue.pk}/split", {"messages": numbers}, format="json")
    [row] = api.get(f"/api/tasks/{issue.pk}/relations").json()["results"]

    assert response.json()["reports"] == 2
    assert (row["kind"], row["task_id"]) == ("apart", response.json()["id"])


def test_suggestions_tell_why(api, say, project, make_issue):
    older = make_issue("Older", message=say(project, "one"), status="done")
    issue = make_issue(message=say(project, "two"))
    Match.objects.create(
        message=issue.evidence.get().message,
        issue=older,
        level="judged",
        score=0.7,
        threshold=0.8,
        outcome="suggested",
        explanation={"cosine": 0.6},
    )

    [row] = api.get(f"/api/tasks/{issue.pk}/suggestions").json()["results"]

    assert (row["task_id"], row["score"], row["threshold"]) == (older.pk, 0.7, 0.8)
    assert (row["is_back"], row["explanation"]) == (True, {"cosine": 0.6})
