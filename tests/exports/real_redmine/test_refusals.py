"""Each of Redmine's ways to say no has a sentence about what to do."""

from uuid import uuid4

import pytest

from apps.exports.trackers.base import Doubtful
from apps.exports.trackers.redmine.api import Invalid, Missing
from tasktracker.lib.workflow import GiveUp

NOBODY = "0" * 40


@pytest.mark.parametrize(
    ("user", "changes", "words"),
    [
        ("bot", {"api_key": NOBODY}, "Look at the API key"),
        ("boss", {"switch_user": "nobody"}, "user to act for"),
        ("bot", {"api_key": "", "login": "bot", "password": "wrong"}, "Look at the API key"),
        (
            "bot",
            {"api_key": "", "login": "twice", "password": "correct horse twice"},
            "two-factor",
        ),
        (
            "bot",
            {"api_key": "", "login": "hasty", "password": "correct horse hasty"},
            "change its password",
        ),
    ],
    ids=["key", "switch", "password", "two-factor", "hasty"],
)
def test_who_is_not_let_in_learns_why(redmine, user, changes, words):
    with pytest.raises(GiveUp, match=words) as caught:
        redmine(user, **changes).check()

    assert "correct horse" not in str(caught.value)


def test_a_login_with_a_password_does(redmine, payload):
    tracker = redmine(api_key="", login="bot", password="correct horse bot")

    assert tracker.create(payload, key=uuid4()).id.startswith("#")


def test_an_administrator_acts_for_another(redmine, payload):
    tracker = redmine("boss", switch_user="bot")

    made = tracker.create(payload, key=uuid4())

    issue = tracker.api.get(f"/issues/{made.id.removeprefix('#')}.json")["issue"]
    assert issue["author"]["name"] == "Bot Robot"


def test_a_closed_api_is_named(server, redmine):
    server.set("rest_api_enabled", "0")
    try:
        with pytest.raises(GiveUp, match="REST API is switched off"):
            redmine().check()
    finally:
        server.set("rest_api_enabled", "1")


@pytest.mark.parametrize(
    ("user", "changes", "error", "words"),
    [
        ("bot", {"version": "999"}, Invalid, "Target version is not included"),
        ("bot", {"project": "999"}, Invalid, "may not add issues"),
        ("stranger", {}, Invalid, "may not add issues"),
    ],
)
def test_an_issue_that_cannot_be_is_refused(redmine, payload, user, changes, error, words):
    with pytest.raises(error, match=words) as caught:
        redmine(user, **changes).create(payload, key=uuid4())

    assert not isinstance(caught.value, Doubtful)


def test_what_is_not_there_is_missing_and_a_file_needs_its_kind(redmine):
    tracker = redmine()

    with pytest.raises(Missing):
        tracker.api.get("/issues/999999.json")
    with pytest.raises(GiveUp, match="kind of content"):
        tracker.api.post("/uploads.json?filename=a.txt", {"a": 1})


def test_an_address_without_a_redmine_is_told(server, redmine, payload):
    with pytest.raises(GiveUp, match="look at the address"):
        redmine(url=f"{server.url}/nowhere").check()
