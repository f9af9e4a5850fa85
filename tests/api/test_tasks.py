import pytest

from apps.issues import decisions
from apps.issues.models import Change, Evidence, Issue


def body(**changes):
    return {
        "title": "The cart is empty",
        "description": "After payment",
        "category": "bug",
        "priority": "high",
        "source": "api",
        **changes,
    }


def test_posted_task_is_new_and_shown_under_the_names_of_the_contract(api, project, member):
    response = api.post("/api/tasks", body(), format="json")

    issue = Issue.objects.get()
    shown = response.json()
    assert response.status_code == 201
    assert shown["id"] == issue.pk
    assert {name: shown[name] for name in body()} == body()
    assert (shown["status"], shown["project"], shown["reports"]) == ("new", "shop", 0)
    assert shown["created_at"]
    assert issue.changes.get().user == member


def test_urgent_is_understood_as_critical(api, project):
    assert (
        api.post("/api/tasks", body(priority="urgent"), format="json").json()["priority"]
        == "critical"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", None),
        ("title", "x" * 201),
        ("title", "a\0"),
        ("title", {"a": 1}),
        ("description", "x" * 20_001),
        ("description", "\0"),
        ("category", "chore"),
        ("category", ["bug"]),
        ("priority", "p1"),
        ("priority", {}),
        ("source", "x" * 31),
    ],
)
def test_bad_field_is_named_and_nothing_is_made(api, project, field, value):
    response = api.post("/api/tasks", body(**{field: value}), format="json")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]
    assert not Issue.objects.exists()


def test_list_shows_only_own_projects(api, issue, make_issue, other_project):
    make_issue(project=other_project)

    listed = api.get("/api/tasks").json()

    assert [row["id"] for row in listed["results"]] == [issue.pk]


@pytest.mark.parametrize("number", ["1", "9" * 19, "9" * 30, "9" * 5000, "abc", "-1", "1%00"])
@pytest.mark.parametrize("tail", ["", "/", "/evidence", "/history", "/status", "/merge"])
def test_task_that_is_not_ours_does_not_exist(api, make_issue, other_project, number, tail):
    if number == "1":
        number = str(make_issue(project=other_project).pk)
    method = {"/status": api.put, "/merge": api.post}.get(tail, api.get)

    response = method(f"/api/tasks/{number}{tail}", {"status": "approved"}, format="json")

    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_first_message_tells_the_source_and_reports_are_counted(api, say, project, make_issue):
    issue = make_issue(message=say(project, source="telegram"))
    Evidence.objects.create(issue=issue, message=say(project, source="mail"), level="exact")

    shown = api.get(f"/api/tasks/{issue.pk}").json()

    assert (shown["source"], shown["reports"]) == ("telegram", 2)


def test_list_costs_the_same_for_one_and_for_many(
    api, say, project, make_issue, django_assert_max_num_queries
):
    for _ in range(5):
        make_issue(message=say(project))

    with django_assert_max_num_queries(2):  # the page, and how many there are
        assert len(api.get("/api/tasks").json()["results"]) == 5


def test_filters_narrow_the_list(api, say, project, make_issue):
    wanted = make_issue("Кошик 50%", message=say(project, source="mail"))
    Issue.objects.filter(pk=wanted.pk).update(status="approved", priority="critical")
    make_issue("50 other", category="feature")

    for query in (
        {"status": "approved"},
        {"status": "open"},
        {"priority": "urgent"},
        {"category": "bug"},
        {"source": "mail"},
        {"q": "50%"},
        {"q": "кошИК"},
    ):
        rows = api.get("/api/tasks", query).json()["results"]
        assert [row["id"] for row in rows] == [wanted.pk], query


def test_edit_changes_what_is_named_and_is_in_the_history(api, issue, member):
    response = api.patch(f"/api/tasks/{issue.pk}", {"priority": "low"}, format="json")

    change = issue.changes.get()
    assert response.json()["priority"] == "low"
    assert response.json()["title"] == "The cart is empty"
    assert (change.kind, change.user) == (Change.Kind.EDIT, member)


def test_edit_does_not_change_the_status(api, issue):
    response = api.patch(f"/api/tasks/{issue.pk}", {"status": "done"}, format="json")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == ["status"]


@pytest.mark.parametrize("method", ["put", "patch"])
def test_status_moves_and_says_who_and_why(api, issue, member, method):
    response = getattr(api, method)(
        f"/api/tasks/{issue.pk}/status", {"status": "approved", "reason": "real"}, format="json"
    )

    issue.refresh_from_db()
    change = issue.changes.get()
    assert response.json() == {
        "message": "Task status updated",
        "task_id": issue.pk,
        "status": "approved",
    }
    assert issue.status == "approved"
    assert (change.user, change.reason) == (member, "real")


def test_status_may_come_in_the_address(api, issue):
    response = api.put(f"/api/tasks/{issue.pk}/status?status=cancelled")

    assert response.json()["status"] == "rejected"


@pytest.mark.parametrize(
    ("older", "ours"),
    [("open", "approved"), ("cancelled", "rejected"), ("pending", "new")],
)
def test_older_status_words_are_understood(api, issue, older, ours):
    response = api.put(f"/api/tasks/{issue.pk}/status", {"status": older}, format="json")

    assert response.json()["status"] == ours


def test_same_status_again_is_no_change(api, issue):
    response = api.put(f"/api/tasks/{issue.pk}/status", {"status": "new"}, format="json")

    assert response.status_code == 200
    assert not issue.changes.exists()


@pytest.mark.parametrize("status", ["done", "in_progress", "duplicate"])
def test_wrong_move_is_a_conflict(api, issue, status):
    response = api.put(f"/api/tasks/{issue.pk}/status", {"status": status}, format="json")

    issue.refresh_from_db()
    assert response.status_code == 409
    assert response.json()["code"] == "wrong_transition"
    assert issue.status == "new"


@pytest.mark.parametrize("given", [{}, {"status": ""}, {"status": "gone"}, {"status": None}, []])
def test_status_must_be_one_of_ours(api, issue, given):
    response = api.put(f"/api/tasks/{issue.pk}/status", given, format="json")

    assert response.status_code == 400


def test_evidence_and_history_tell_why(api, say, project, make_issue, member):
    message = say(project, "The cart is empty")
    issue = make_issue(message=message)
    decisions.approve(issue, by=member)

    [evidence] = api.get(f"/api/tasks/{issue.pk}/evidence").json()["results"]
    [change] = api.get(f"/api/tasks/{issue.pk}/history").json()["results"]

    assert (evidence["message_id"], evidence["level"]) == (message.pk, "opened")
    assert (evidence["content"], evidence["chat_title"]) == ("The cart is empty", "Support")
    assert (change["kind"], change["user"]) == ("status", "olena")
    assert change["details"] == {"before": "new", "after": "approved"}


@pytest.mark.parametrize("title", ["", "   ", "\u202e\u200b", "\u2060"])
def test_a_title_that_nobody_can_see_is_refused(api, title):
    answer = api.post(
        "/api/tasks", {"title": title, "category": "bug", "priority": "low"}, format="json"
    )

    assert answer.status_code == 400
    assert "title" in answer.json()["errors"]
