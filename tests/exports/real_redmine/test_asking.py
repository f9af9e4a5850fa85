"""What a real Redmine says when it is asked: changes, what is gone, what there is to choose."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest


def number_of(made):
    return int(made.id.removeprefix("#"))


def test_what_changed_is_told_with_what_was_closed(server, redmine, payload):
    tracker = redmine()
    before = datetime.now(UTC) - timedelta(seconds=2)
    keys = [uuid4() for _ in range(3)]
    made = [tracker.create(payload, key=key) for key in keys]
    tracker.close(made[0], key=keys[0])
    tracker.api.put(
        f"/issues/{number_of(made[1])}.json",
        {"issue": {"status_id": server.id_of("issue_statuses", "In Progress")}},
    )

    states = {state.id: state for state in tracker.changed(before).states}

    assert [states[one.id].status for one in made] == ["done", "in_progress", "approved"]
    assert [states[one.id].key for one in made] == keys
    assert tracker.changed(datetime(2040, 1, 1, tzinfo=UTC)).states == []


def test_more_changes_than_a_page_has_come_oldest_first(server, redmine, payload, monkeypatch):
    monkeypatch.setattr("apps.exports.trackers.redmine.mirror.LONG_PAGE", 1)
    tracker = redmine()
    keys = [uuid4() for _ in range(3)]
    made = [tracker.create(payload, key=key) for key in keys]
    server.sql(  # more of one second than a page has, and one later
        "UPDATE issues SET updated_on = datetime('2031-01-01', '+' || (id % 2) || ' seconds') "
        "WHERE id IN (SELECT id FROM issues ORDER BY id DESC LIMIT 3)"
    )

    states = tracker.changed(datetime(2030, 1, 1, tzinfo=UTC)).states

    assert {state.id for state in states} == {one.id for one in made}
    assert states == sorted(states, key=lambda state: state.updated_at)


def test_what_was_deleted_is_gone_and_what_is_hidden_is_not(server, redmine, payload):
    tracker = redmine()
    keys = [uuid4() for _ in range(3)]
    made = {key: tracker.create(payload, key=key) for key in keys}
    gone, hidden, there = keys
    redmine("boss").api.delete(f"/issues/{number_of(made[gone])}.json")
    secret = server.sql("SELECT id FROM projects WHERE identifier = 'secret'")[0][0]
    server.sql("UPDATE issues SET project_id = ? WHERE id = ?", secret, number_of(made[hidden]))

    states = tracker.states(made)

    assert states[hidden] is None
    assert {key: state.is_gone for key, state in states.items() if state} == {
        gone: True,
        there: False,
    }


@pytest.mark.parametrize("user", ["bot", "boss"])
def test_choices_are_what_the_project_has(redmine, payload, user):
    """Whoever is no administrator learns of the fields from issues."""
    redmine().create(payload, key=uuid4())

    offered = redmine(user).choices()

    labels = {name: [choice.label for choice in offered[name]] for name in offered}
    assert labels["project"][:2] == ["Other", "Payments"]
    assert labels["tracker"] == ["Bug", "Feature", "Support"]
    assert labels["priority_high"] == ["Low", "Normal", "High", "Urgent", "Immediate"]
    assert labels["status"][0] == "New"
    assert labels["rejected_statuses"] == ["Closed", "Rejected"]
    assert (labels["category"], labels["version"]) == (["Checkout"], ["2.0"])
    assert {"Bot Robot", "Newcomer Robot"} < set(labels["assignee"])
    assert labels["priorities"] == labels["priority_high"]
    assert set(labels["fields"]) == {"Component", "No filter"}
    assert "TaskTracker id" in labels["key_field"]
    assert ("Component" in labels["key_field"]) == (user == "bot")  # who may not know what it is


@pytest.mark.parametrize(
    ("field", "sentence", "remedy"),
    [
        ("TaskTracker id", "finds issues by the field", False),
        ("No filter", "does not filter by the field", True),
        (None, "invisibly in the description", False),
    ],
)
def test_a_check_proves_that_the_key_is_found(server, redmine, payload, field, sentence, remedy):
    tracker = redmine(key_field=server.id_of("custom_fields", field) if field else "")
    tracker.create(payload, key=uuid4())

    who, where, how = tracker.check()

    assert who.sentence == "Redmine knows us as Bot Robot."
    assert where.sentence == "Issues go to the project Payments."
    assert sentence in how.sentence
    assert bool(how.remedy) == remedy
    assert "Custom fields" in f"{how.sentence}{how.remedy}" or field == "TaskTracker id"


@pytest.mark.parametrize(("user", "is_told"), [("bot", True), ("boss", False)])
def test_who_is_no_administrator_is_told_when_the_field_is_offered(redmine, user, is_told):
    *_others, how = redmine(user, key_field="").check()

    assert ("once an issue has it" in how.sentence) == is_told


def test_who_sees_no_project_learns_what_helps(redmine):
    findings = redmine("stranger", project="").check()

    assert "member" in findings[1].remedy


def test_the_status_in_which_issues_of_a_tracker_begin_is_no_work_yet(server, redmine, payload):
    begun = server.id_of("issue_statuses", "In Progress")
    bug = server.id_of("trackers", "Bug")
    (before,) = server.sql("SELECT default_status_id FROM trackers WHERE id = ?", bug)
    server.sql("UPDATE trackers SET default_status_id = ? WHERE id = ?", begun, bug)
    try:
        tracker, key = redmine(tracker=bug), uuid4()
        made = tracker.create(payload, key=key)
        # The workflow of this role begins elsewhere.
        wanted = {"issue": {"status_id": begun}}
        redmine("boss").api.put(f"/issues/{number_of(made)}.json", wanted)
        (state,) = tracker.states({key: made}).values()
    finally:
        server.sql("UPDATE trackers SET default_status_id = ? WHERE id = ?", before[0], bug)

    assert (state.status, state.status_name) == ("approved", "In Progress")
