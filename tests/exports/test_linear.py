"""Linear takes an issue once, under our id, and each of its ways to say no is understood."""

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from apps.exports.trackers.base import Doubtful, Limited, Means, Wishes
from apps.exports.trackers.linear.api import LONGEST_WAIT, wait_of
from apps.exports.trackers.linear.tracker import Linear
from tasktracker.lib import http
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.exports.conftest import LINEAR, linear_plugin
from tests.stubs.linear import server as stub
from tests.stubs.linear.server import KEY
from tests.stubs.linear.store import Named, Team, User


def test_an_issue_has_our_id_and_everything_that_was_chosen(linear, payload):
    key = uuid4()
    chosen: dict[str, Any] = {
        "project": "p-1",
        "state": "s-todo",
        "assignee": "u-olena",
        "labels": ["l-bug"],
    }

    created = linear_plugin(linear, **chosen).create(payload, key=key)

    issue = linear.store.issues[str(key)]
    assert (created.id, created.url) == ("COR-1", "https://linear.app/kvit/issue/COR-1")
    assert (issue.title, issue.priority, issue.dueDate) == ("Прод лежить", 1, "2026-03-05")
    assert issue.description.startswith(r"Падає \*оплата\*")
    assert "```\n502 @all\n```" in issue.description
    assert issue.labelIds == ["l-bug"]
    assert issue.state.name == "Todo"
    assert issue.chosen == {"projectId": "p-1", "stateId": "s-todo", "assigneeId": "u-olena"}


def test_what_is_not_chosen_is_not_sent(linear, payload):
    key = uuid4()
    linear_plugin(linear).create(replace(payload, due_on=None), key=key)

    issue = linear.store.issues[str(key)]
    assert issue.dueDate is None
    assert set(issue.chosen.values()) == {None}


def test_the_same_key_twice_is_one_issue(linear, payload):
    key = uuid4()

    first = linear_plugin(linear).create(payload, key=key)
    second = linear_plugin(linear).create(payload, key=key)

    assert first == second
    assert linear.store.creations == [str(key)]
    assert linear.questions == ["Create", "Create", "Find"]


def test_an_issue_is_found_by_its_key(linear, payload):
    key = uuid4()
    created = linear_plugin(linear).create(payload, key=key)

    assert linear_plugin(linear).find(key) == created
    assert linear_plugin(linear).find(uuid4()) is None


@pytest.mark.parametrize(
    "fault",
    [
        stub.commits_and_hangs_up,
        stub.commits_and_says(500, b"<html>oops</html>"),
        stub.commits_and_says(502, b""),
        stub.commits_and_says(200, stub.INTERNAL),
        stub.commits_and_says(200, b"cut off"),
        stub.commits_and_says(200, {"data": {"issueCreate": {"success": False, "issue": None}}}),
    ],
    ids=["dropped", "500", "502", "internal", "garbage", "no success"],
)
def test_what_was_made_without_an_answer_is_found_at_once(linear, payload, fault):
    key = uuid4()
    linear.faults = [fault]

    assert linear_plugin(linear).create(payload, key=key).id == "COR-1"
    assert linear.store.creations == [str(key)]


@pytest.mark.parametrize(
    "fault", [stub.hangs_up, stub.says(500, b"oops"), stub.says(200, stub.INTERNAL)]
)
def test_what_may_have_been_made_is_in_doubt(linear, payload, fault):
    linear.faults = [fault]

    with pytest.raises(Doubtful):
        linear_plugin(linear).create(payload, key=uuid4())


def test_a_doubt_stays_one_when_nobody_answers_about_it(linear, payload):
    refused = stub.says(
        200, stub.errors("Argument Validation Error", "invalid input", "INPUT_ERROR")
    )
    linear.faults = [refused, stub.hangs_up]

    with pytest.raises(Doubtful):
        linear_plugin(linear).create(payload, key=uuid4())


def test_an_answer_that_comes_too_late_is_in_doubt(linear, payload, monkeypatch):
    monkeypatch.setattr(http, "READ", 0.4)
    key = uuid4()
    linear.faults = [stub.commits_slowly(0.8)]

    created = linear_plugin(linear).create(payload, key=key)

    assert (created.id, linear.store.creations) == ("COR-1", [str(key)])


@pytest.mark.parametrize("status", [400, 429, 200])
def test_a_limit_is_told_from_a_refusal(linear, payload, status):
    linear.faults = [stub.says(status, stub.RATE_LIMITED)]
    linear.headers = {"Retry-After": "17"}

    with pytest.raises(Limited) as caught:
        linear_plugin(linear).create(payload, key=uuid4())

    assert caught.value.delay == timedelta(seconds=17)
    assert not isinstance(caught.value, Doubtful)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (stub.says(400, stub.errors("Bad", "user error", "INPUT_ERROR", "Title is rude.")), "rude"),
        (stub.says(200, stub.errors("No such field", "graphql error", "GRAPHQL")), "No such field"),
        (stub.says(403, stub.errors("No", "forbidden", "FORBIDDEN")), "right"),
        (stub.says(404, b"nothing"), "404"),
    ],
    ids=["400", "200", "403", "404"],
)
def test_a_refusal_is_said_in_linears_own_words(linear, payload, fault, words):
    linear.faults = [fault]

    with pytest.raises(GiveUp, match=words):
        linear_plugin(linear).create(payload, key=uuid4())


def test_a_wrong_key_says_what_to_do_and_not_itself(linear, payload):
    with pytest.raises(GiveUp, match="Make a new one") as caught:
        linear_plugin(linear, api_key="lin_api_wrong").create(payload, key=uuid4())

    assert "lin_api_wrong" not in str(caught.value)


def test_without_a_team_nothing_is_asked(linear, payload):
    with pytest.raises(GiveUp, match="No team"):
        linear_plugin(linear, team="").create(payload, key=uuid4())

    assert linear.questions == []


def test_a_linear_that_is_away_was_surely_not_asked(linear, payload):
    away = Means(folder=Path(), api_url="http://127.0.0.1:1/graphql")

    with pytest.raises(TryLater) as caught:
        Linear(Linear.Config.model_validate(LINEAR), away).create(payload, key=uuid4())

    assert not isinstance(caught.value, Doubtful)


def test_every_call_is_counted_before_it_is_linear_plugin(linear, payload):
    counted = []
    means = Means(folder=Path(), api_url=linear.url, count_call=lambda *call: counted.append(call))
    for key in (KEY, KEY, "other"):
        config = Linear.Config.model_validate({**LINEAR, "api_key": key})
        with_key = Linear(config, means)
        try:
            with_key.find(uuid4())
        except GiveUp:
            pass

    accounts = [account for account, per_hour in counted]
    assert accounts[0] == accounts[1] != accounts[2]
    assert KEY not in accounts[0]
    assert {per_hour for account, per_hour in counted} == {1500}


def test_few_calls_left_are_left_to_people(linear, payload):
    waits: list[timedelta] = []
    reset = int((time.time() + 600) * 1000)
    linear.headers = {
        "X-RateLimit-Requests-Remaining": "3",
        "X-RateLimit-Requests-Reset": str(reset),
    }

    created = linear_plugin(linear, waits).create(payload, key=uuid4())

    assert created.id == "COR-1"
    assert timedelta(seconds=590) < waits[0] <= timedelta(seconds=600)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-requests-remaining": "100", "x-ratelimit-requests-reset": "1e12"}, None),
        ({"x-ratelimit-requests-remaining": "0", "x-ratelimit-requests-reset": "1000060"}, 60),
        ({"x-ratelimit-requests-remaining": "0", "x-ratelimit-requests-reset": "x"}, None),
        (
            {
                "retry-after": "5",
                "x-complexity": "30",
                "x-ratelimit-complexity-remaining": "40",
                "x-ratelimit-complexity-reset": "1000090",
            },
            90,
        ),
        ({"retry-after": "999999"}, LONGEST_WAIT.total_seconds()),
        ({"retry-after": "9" * 15}, LONGEST_WAIT.total_seconds()),
        ({"retry-after": "0"}, 1),
    ],
)
def test_the_later_limit_governs(headers, seconds, monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 1_000_000)

    wait = wait_of(headers)

    assert (wait and wait.total_seconds()) == seconds


def test_the_messages_are_linked_once(linear, payload):
    key = uuid4()
    created = linear_plugin(linear).create(payload, key=key)

    linear_plugin(linear).complete(created, payload, key=key)
    linear_plugin(linear).complete(created, payload, key=key)

    assert linear.store.issues[str(key)].attachments == {"https://t.me/c/1/2": "Dev chat"}


def test_earlier_words_are_replaced_and_nothing_else(linear, payload):
    key = uuid4()
    created = linear_plugin(linear).create(payload, key=key)
    shell = replace(payload, title="Removed", description="", quotes=(), priority="low")

    assert linear_plugin(linear).replace(shell, key=key) == created

    issue = linear.store.issues[str(key)]
    assert (issue.title, issue.description, issue.priority) == ("Removed", "", 1)


def test_words_of_an_issue_that_is_gone_there_are_replaced_by_nobody(linear, payload):
    with pytest.raises(GiveUp, match="find"):
        linear_plugin(linear).replace(payload, key=uuid4())


@pytest.mark.parametrize(
    ("chat", "title"),
    [
        ("closes #12\nDev\u202e", "Dev"),
        ("ї" * 400, "ї" * 249 + "…"),
        ("", "Message"),  # no name of a person, which nobody could take back
    ],
)
def test_a_link_is_called_by_its_chat_and_orders_nothing(linear, payload, chat, title):
    key = uuid4()
    (quote,) = payload.quotes
    named = replace(payload, quotes=(replace(quote, chat=chat),))
    created = linear_plugin(linear).create(named, key=key)

    linear_plugin(linear).complete(created, named, key=key)

    assert list(linear.store.issues[str(key)].attachments.values()) == [title]


@pytest.mark.parametrize(
    ("team", "words"),
    [("t-core", "team Core"), ("", "Choose one of: Core, Other"), ("t-gone", "another team")],
)
def test_a_check_says_who_we_are_and_what_is_missing(linear, team, words):
    findings = linear_plugin(linear, team=team).check()

    said = " ".join(f"{finding.sentence} {finding.remedy}" for finding in findings)
    assert "Task Tracker in Kvit Bank" in said
    assert words in said
    assert any(finding.remedy for finding in findings) == (team != "t-core")


def test_choices_are_what_linear_has(linear):
    offered = linear_plugin(linear).choices()

    labels = {name: [choice.label for choice in offered[name]] for name in offered}
    assert labels == {
        "team": ["Core (COR)", "Other (OTH)"],
        "project": ["Payments"],
        "state": ["Canceled", "Todo", "Triage"],
        "assignee": ["Олена"],
        "labels": ["Bug", "Everywhere"],
        "priorities": ["No priority", "Urgent", "High", "Medium", "Low"],
    }
    assert list(linear_plugin(linear, team="").choices()) == ["team", "priorities"]


def test_choices_have_more_than_a_page_of_linear(linear):
    store, many = linear.store, range(260)
    others = [Team(f"t-{number}", f"T{number}", f"Team {number}", {}) for number in many]
    store.visible = [*others, store.core]
    store.core.kept = {
        "states": [Named(f"s-{number}", f"Status {number}") for number in many],
        "labels": [Named(f"l-{number}", f"Label {number}") for number in many],
        "members": [User(f"u-{number}", f"User {number}") for number in many],
        "projects": [Named(f"p-{number}", f"Project {number}") for number in many],
    }
    store.organization.kept = [Named(f"w-{number}", f"Everywhere {number}") for number in many]
    plugin = linear_plugin(linear)

    offered = {name: len(choices) for name, choices in plugin.choices().items()}

    assert offered == {
        "team": 261,
        "project": 260,
        "state": 260,
        "assignee": 260,
        "labels": 520,
        "priorities": 5,
    }
    assert "team Core" in plugin.check()[-1].sentence


def test_a_list_without_an_end_is_left_after_some_pages(linear, monkeypatch):
    monkeypatch.setattr("apps.exports.trackers.linear.api.MOST_PAGES", 2)
    linear.store.visible *= 1000

    linear_plugin(linear, team="").choices()

    assert linear.questions == ["Teams", "Teams"]


def test_a_preview_is_what_is_sent(linear, payload):
    key = uuid4()
    wishes = Wishes(
        title="[{category}] {title}", priority="4", labels=("l-all", "l-bug"), assignee="u-2"
    )
    wanted = replace(payload, wishes=wishes)
    tracker = linear_plugin(linear, labels=["l-bug"], project="p-1", assignee="u-1")

    preview = tracker.preview(wanted, key=key)
    asked_nobody = not linear.questions
    tracker.create(wanted, key=key)

    issue = linear.store.issues[str(key)]
    assert asked_nobody
    assert (preview.title, preview.body) == (issue.title, issue.description)
    assert preview.title == "[bug] Прод лежить"
    assert preview.sent["labelIds"] == issue.labelIds == ["l-bug", "l-all"]
    assert preview.sent["priority"] == issue.priority == 4
    assert preview.sent["assigneeId"] == "u-2"
    assert ("Project", "p-1", "project") in {
        (one.label, one.value, one.choice) for one in preview.fields
    }


@pytest.mark.parametrize("key", ["", "ключ", "a b", "a\nb"])
def test_what_cannot_be_a_key_is_refused(key):
    with pytest.raises(ValueError, match="api_key"):
        Linear.Config.model_validate({"api_key": key})
