"""A real Redmine takes an issue once."""

import html
import re
from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest

from apps.exports.trackers.redmine.api import NotAllowed


def test_an_issue_has_our_key_and_everything_that_was_chosen(server, redmine, payload):
    key = uuid4()
    tracker = redmine(
        tracker=server.id_of("trackers", "Support"),
        category=server.id_of("issue_categories", "Checkout"),
        version=server.id_of("versions", "2.0"),
        assignee="me",
        custom_fields={server.id_of("custom_fields", "Component"): "API"},
    )

    made = tracker.create(payload, key=key)

    number = int(made.id.removeprefix("#"))
    issue = tracker.api.get(f"/issues/{number}.json")["issue"]
    assert made.url == f"{server.url}/issues/{number}"
    assert made.remark == ""
    assert (issue["subject"], issue["priority"]["name"]) == ("Прод лежить 🔥", "Immediate")
    assert (issue["tracker"]["name"], issue["category"]["name"]) == ("Support", "Checkout")
    assert (issue["fixed_version"]["name"], issue["due_date"]) == ("2.0", "2026-03-05")
    assert {one["name"]: one["value"] for one in issue["custom_fields"]} == {
        "TaskTracker id": str(key),
        "No filter": None,
        "Component": "API",
    }


@pytest.mark.parametrize("field", ["TaskTracker id", "No filter", None])
def test_the_same_key_twice_is_one_issue(server, redmine, payload, field):
    tracker = redmine(key_field=server.id_of("custom_fields", field) if field else "")
    key = uuid4()

    first = tracker.create(payload, key=key)

    assert tracker.create(payload, key=key) == first
    assert tracker.create(payload, key=uuid4()) != first
    assert tracker.find(uuid4()) is None


def test_of_what_was_made_twice_the_first_one_stays(redmine, payload):
    """Also when somebody has copied it: that one is not ours."""
    tracker, key = redmine(), uuid4()
    fields = tracker.preview(payload, key=key).sent
    first, second = (tracker.api.post("/issues.json", fields)["issue"]["id"] for _ in range(2))
    copy = redmine("boss").api.post("/issues.json", fields)["issue"]["id"]

    found = tracker.create(payload, key=key)

    assert (found.id, f"#{second}" in found.remark) == (f"#{first}", True)
    assert tracker.find(key) == found
    issues = [tracker.api.get(f"/issues/{one}.json")["issue"] for one in (first, second, copy)]
    assert [one["status"]["name"] for one in issues] == ["New", "Closed", "New"]
    (relation,) = tracker.api.get(f"/issues/{second}/relations.json")["relations"]
    assert (relation["relation_type"], relation["issue_to_id"]) == ("duplicates", first)


def test_what_our_own_account_has_copied_stays_open(redmine, payload):
    """As Redmine's own page copies: it relates the two."""
    tracker, key = redmine("boss"), uuid4()
    fields = tracker.preview(payload, key=key).sent
    first, copy = (tracker.api.post("/issues.json", fields)["issue"]["id"] for _ in range(2))
    relation = {"issue_to_id": copy, "relation_type": "copied_to"}
    tracker.api.post(f"/issues/{first}/relations.json", {"relation": relation})

    found = tracker.find(key)

    assert (found.id, f"#{copy}" in found.remark) == (f"#{first}", True)
    assert tracker.api.issue(copy)["status"]["name"] == "New"


@pytest.mark.parametrize("field", ["TaskTracker id", None])
def test_what_was_made_and_closed_since_is_found(server, redmine, payload, field):
    tracker = redmine(key_field=server.id_of("custom_fields", field) if field else "")
    key = uuid4()
    made = tracker.create(payload, key=key)

    tracker.close(made, key=key)

    assert tracker.create(payload, key=key) == made


def test_without_the_right_to_search_the_last_ones_are_looked_through(
    redmine, payload, monkeypatch
):
    tracker = redmine(key_field="")
    key = uuid4()
    made = tracker.create(payload, key=key)
    monkeypatch.setattr(tracker.api, "get", without_search(tracker.api.get))

    assert tracker.find(key) == made


def without_search(get):
    def refusing(path, **query):
        if path == "/search.json":
            raise NotAllowed("no")
        return get(path, **query)

    return refusing


def test_a_due_date_that_is_over_is_taken(redmine, payload):
    late = replace(payload, due_on=date(2020, 1, 1))

    assert redmine().create(late, key=uuid4()).remark == ""


def test_what_redmine_leaves_out_is_said(server, redmine, payload):
    """Its key is one of those; it is found by the mark all the same."""
    key = uuid4()
    tracker = redmine("newcomer", assignee="1")

    made = tracker.create(payload, key=key)

    field = server.id_of("custom_fields", "TaskTracker id")
    for word in ("priority", "assignee", f"custom field {field}"):
        assert word in made.remark
    assert tracker.find(key) == made


@pytest.mark.parametrize(
    ("text_format", "setting"), [("markdown", "common_mark"), ("textile", "textile")]
)
def test_what_people_wrote_is_shown_and_obeyed_by_nobody(
    server, redmine, payload, text_format, setting
):
    server.set("text_formatting", setting)
    tracker = redmine(text_format=text_format, key_field="")
    first = tracker.create(payload, key=uuid4()).id
    words = f"{first} @bot {{{{child_pages}}}} [[Wiki]] *b* _i_ !http://a.b/x.png! h1. commit:abc user:bot"
    attack = replace(payload, description=words, quotes=(replace(payload.quotes[0], text=words),))
    made = tracker.create(attack, key=uuid4())

    page = server.page_of(made.url)

    assert html.unescape(page).count(words.partition("[[Wiki")[2]) == 2
    assert not re.search(
        r"<(?:strong|em|img|h1)\b|user-mention|wiki-page|/users/|issue tracker", page
    )
    assert page.count("<a") == 1  # to the message
    assert "tasktracker:" not in page
