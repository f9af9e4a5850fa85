"""What a real Redmine does rarely: lost answers, limits, silent losses, calls of Redmine 7."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from apps.exports.trackers.base import (
    Doubtful,
    IssuePayload,
    Limited,
    Means,
    Refused,
    Request,
    Wishes,
)
from apps.exports.trackers.redmine.api import credentials
from apps.exports.trackers.redmine.statuses import learned
from apps.exports.trackers.redmine.tracker import Redmine
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.stubs.linear import server as faults
from tests.stubs.redmine.server import RedmineServer, call_of, redmine_server
from tests.stubs.redmine.store import KEY, KEY_FIELD

MOMENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BEFORE = 3  # questions of `create` before it posts
OOPS = b"<html>Internal error</html>"
SECRET = "a secret of the hook"


@pytest.fixture(scope="module")
def running() -> Iterator[RedmineServer]:
    with redmine_server() as redmine:
        yield redmine


@pytest.fixture
def server(running, settings) -> RedmineServer:
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    running.reset()
    return running


@pytest.fixture
def payload(payload: IssuePayload) -> IssuePayload:
    (quote,) = payload.quotes
    quotes = (replace(quote, text="502"),)
    return replace(payload, title="Прод лежить 🔥", quotes=quotes, due_on=None)


def made(server: RedmineServer, **changes: Any) -> Redmine:
    means = changes.pop("means", Means(folder=Path()))
    config = {"url": server.url, "api_key": KEY, "project": "1", "key_field": KEY_FIELD}
    return Redmine(Redmine.Config.model_validate({**config, **changes}), means)


def at_the_post(*wanted: Any) -> list[Any]:
    """Faults that begin when the issue is posted."""
    return [faults.works] * BEFORE + list(wanted)


def test_nothing_is_made_before_it_was_looked_for(server, payload):
    made(server).create(payload, key=uuid4())

    assert server.questions == [
        "GET /issues.json",
        "GET /search.json",
        "GET /enumerations/issue_priorities.json",
        "POST /issues.json",
    ]


def test_what_is_shown_before_is_what_is_sent(server, payload):
    wishes = Wishes(priority="4", fields={"9": "API"}, assignee="5")
    key, tracker = uuid4(), made(server, tracker="3", assignee="me")
    wanted = replace(payload, wishes=wishes)

    preview = tracker.preview(wanted, key=key)

    assert server.questions == []
    tracker.create(wanted, key=key)
    assert server.store.sent == [preview.sent["issue"]]
    assert preview.sent["issue"]["custom_fields"][0] == {"id": "9", "value": "API"}
    assert [(one.choice, one.value) for one in preview.fields] == [
        ("project", "1"),
        ("tracker", "3"),
        ("priorities", "4"),
        ("assignee", "5"),
    ]
    assert "GET /enumerations/issue_priorities.json" not in server.questions


@pytest.mark.parametrize(
    "fault",
    [
        faults.commits_and_hangs_up,
        faults.commits_and_says(500, OOPS),
        faults.commits_and_says(502, b""),
        faults.commits_and_says(201, b"cut off"),
        faults.commits_and_says(200, {}),
    ],
    ids=["dropped", "500", "502", "garbage", "empty"],
)
def test_what_was_made_without_an_answer_is_found_at_once(server, payload, fault):
    key = uuid4()
    server.faults = at_the_post(fault)

    assert made(server).create(payload, key=key).id == "#1"
    assert server.store.creations == [str(key)]


@pytest.mark.parametrize("fault", [faults.hangs_up, faults.says(502, b""), faults.says(504, b"")])
def test_what_may_have_been_made_is_in_doubt(server, payload, fault):
    server.faults = at_the_post(fault)

    with pytest.raises(Doubtful):
        made(server).create(payload, key=uuid4())

    assert server.questions.count("POST /issues.json") == 1


def test_a_doubt_stays_one_when_nobody_answers_about_it(server, payload):
    server.faults = at_the_post(faults.says(500, OOPS), faults.says(500, OOPS))

    with pytest.raises(Doubtful):
        made(server).create(payload, key=uuid4())


def test_a_database_without_room_for_emoji_gets_the_words_without_them(server, payload):
    server.store.has_short_letters = True
    key = uuid4()

    tracker = made(server, custom_fields={"9": ["🔥", "API"]})
    created = tracker.create(payload, key=key)
    tracker.replace(payload, key=key)
    note = tracker.note(created, "Ще двоє 🔥", key=key)

    assert server.store.creations == [str(key)]
    issue = server.store.issues[1]
    assert issue["subject"] == "Прод лежить "
    assert issue["custom_fields"][0]["value"] == ["", "API"]
    assert [one["notes"].split("\n")[0] for one in issue["journals"]] == ["Ще двоє "]
    assert tracker.note(created, "Ще двоє 🔥", key=key) == note


def test_a_note_is_written_once_and_given_up_when_redmine_fails_twice(server, payload):
    tracker, key = made(server), uuid4()
    created = tracker.create(payload, key=uuid4())
    fails = faults.says(500, OOPS)

    server.faults = [faults.works, fails, faults.works, fails]
    with pytest.raises(GiveUp):
        tracker.note(created, "Ще двоє 🔥", key=key)
    server.faults = [faults.works, faults.commits_and_says(500, OOPS)]
    tracker.note(created, "Ще двоє 🔥", key=key)

    assert len(server.store.issues[1]["journals"]) == 1


def test_long_descriptions_are_asked_for_in_smaller_pages(server, payload, monkeypatch):
    monkeypatch.setattr("tasktracker.lib.http.MAX_BODY", 50_000)
    tracker = made(server, key_field="")
    keys = [uuid4() for _ in range(5)]
    created = [tracker.create(payload, key=key) for key in keys]
    for one in server.store.issues.values():
        one["description"] += "х" * 2000 + f"tasktracker:{keys[one['id'] - 1]}"
    server.store.issues[3]["description"] += "х" * 10_000

    changed = {state.id for state in tracker.changed(MOMENT).states}
    states = tracker.states(dict(zip(keys, created, strict=True)))

    fit = [one for one in created if one.id != "#3"]
    assert changed == {one.id for one in fit}
    assert {key for key, state in states.items() if state} == set(keys) - {keys[2]}
    assert tracker.find(keys[4]) == created[4]


def test_an_issue_that_is_too_long_is_given_up(server, payload, monkeypatch):
    tracker = made(server)
    created = tracker.create(payload, key=uuid4())
    monkeypatch.setattr("tasktracker.lib.http.MAX_BODY", 500)

    with pytest.raises(GiveUp, match="too long"):
        tracker.note(created, "Ще двоє", key=uuid4())


def test_a_failure_that_is_not_about_emoji_is_not_repeated(server, payload):
    server.faults = at_the_post(faults.says(500, OOPS))

    with pytest.raises(Doubtful):
        made(server).create(replace(payload, title="Прод лежить"), key=uuid4())

    assert server.questions.count("POST /issues.json") == 1


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry-After": "17"}, 17),
        (503, {"Retry-After": "9"}, 9),
        (429, {}, 60),
        (429, {"Retry-After": "9" * 15}, 3600),
    ],
)
def test_a_limit_is_told_from_a_refusal(server, payload, status, headers, seconds):
    server.faults = [faults.says(status, b"")]
    server.headers = headers

    with pytest.raises(Limited) as caught:
        made(server).create(payload, key=uuid4())

    assert caught.value.delay == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("fault", "headers", "words"),
    [
        (faults.says(302, b""), {"Location": "https://new.example/issues"}, "new.example"),
        (faults.says(400, {"errors": ["Bad\u202e"]}), {}, r"Bad\. Change"),
    ],
)
def test_what_is_no_redmine_is_told(server, payload, fault, headers, words):
    server.faults, server.headers = [fault], headers

    with pytest.raises(GiveUp, match=words):
        made(server).create(payload, key=uuid4())


def test_a_page_instead_of_redmine_is_waited_for_and_told_whoever_sets_it_up(server, payload):
    server.faults = [faults.says(200, b"<html>Back soon</html>")] * 2

    with pytest.raises(TryLater, match="no Redmine") as caught:
        made(server).create(payload, key=uuid4())
    with pytest.raises(GiveUp, match="no Redmine"):
        made(server).choices()

    assert not isinstance(caught.value, Doubtful)


@pytest.mark.parametrize("page", [b"<html>Just a moment</html>", b"404 page not found\n"])
@pytest.mark.parametrize("status", [403, 404])
def test_a_refusal_of_what_stands_before_redmine_is_waited_for(server, payload, status, page):
    server.faults = at_the_post(faults.says(status, page))

    with pytest.raises(TryLater, match=f"before Redmine.*{status}") as caught:
        made(server).create(payload, key=uuid4())

    assert not isinstance(caught.value, Doubtful)


def test_a_refusal_of_what_stands_before_redmine_is_told_whoever_sets_it_up(server):
    server.faults = [faults.says(403, b"<html>Just a moment</html>")]

    with pytest.raises(GiveUp, match=r"before Redmine.*403"):
        made(server).check()


@pytest.mark.parametrize("body", [b"", b" ", b'{"status":404,"error":"Not Found"}'])
@pytest.mark.parametrize(("status", "words"), [(403, "does not allow"), (404, "has nothing")])
def test_a_refusal_of_redmine_itself_has_json_or_no_body(server, payload, status, words, body):
    server.faults = at_the_post(faults.says(status, body))

    with pytest.raises(GiveUp, match=words):
        made(server).create(payload, key=uuid4())


def test_a_redmine_that_is_away_was_surely_not_asked(server, payload):
    with pytest.raises(TryLater) as caught:
        made(server, url="http://127.0.0.1:1").create(payload, key=uuid4())

    assert not isinstance(caught.value, Doubtful)


def test_a_hit_of_a_filter_that_redmine_passed_over_is_nobody(server, payload):
    server.store.ignores_filters = True
    tracker = made(server)
    first, second = uuid4(), uuid4()

    assert tracker.create(payload, key=first) != tracker.create(payload, key=second)
    assert server.store.creations == [str(first), str(second)]
    assert tracker.find(first).id == "#1"


def test_where_the_key_is_left_out_the_mark_finds_it(server, payload):
    server.store.drops = {"custom_fields", "priority_id"}
    key = uuid4()

    created = made(server).create(payload, key=key)

    assert "custom field 7" in created.remark
    assert made(server).create(payload, key=key) == created


def test_a_file_that_is_lost_without_a_word_is_noticed(server, payload):
    server.store.loses_files = True
    long = replace(payload, quotes=(replace(payload.quotes[0], text="довго " * 2000),))
    tracker, key = made(server), uuid4()

    with pytest.raises(GiveUp, match="did not attach"):
        tracker.complete(tracker.create(long, key=key), long, key=key)


def test_every_call_is_paced_by_redmine_and_not_by_key(server):
    paced: list[tuple[str, int]] = []
    means = Means(folder=Path(), pace=lambda *call: paced.append(call))

    made(server, means=means, calls_per_minute=30).find(uuid4())
    with pytest.raises(GiveUp):
        made(server, means=means, api_key="another").find(uuid4())

    assert {per_minute for _, per_minute in paced} == {30, 120}
    assert len({account for account, _ in paced}) == 1
    assert KEY not in paced[0][0]


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("updated", {"id": 2, "name": "In Progress", "is_closed": False}, "in_progress"),
        ("updated", {"id": 1, "name": "Нова", "is_closed": False}, "approved"),
        ("updated", {"id": 5, "name": "Закрита", "is_closed": True}, "done"),
        ("updated", {"id": 6, "name": "Відхилена", "is_closed": True}, "rejected"),
        ("deleted", {"id": 2, "name": "In Progress", "is_closed": False}, "in_progress"),
    ],
)
def test_a_call_says_what_became_of_an_issue(server, payload, kind, status, expected):
    tracker = made(server, means=Means(folder=Path(), known=learned(made(server).api)))
    key = uuid4()
    created = tracker.create(payload, key=key)
    issue = {**server.store.issues[1], "status": status, "assigned_to": {"id": 3, "name": "Олена"}}
    body, headers = call_of(kind, issue, SECRET)

    (state,) = tracker.receive(Request(headers=headers, body=body, secret=SECRET))

    assert (state.id, state.key, state.status) == (created.id, key, expected)
    assert (state.status_name, state.assignee) == (status["name"], "Олена")
    assert state.is_gone == (kind == "deleted")
    assert state.updated_at.tzinfo is not None


@pytest.mark.parametrize(
    ("secret", "change", "status"),
    [
        ("another", {}, 401),
        (SECRET, {"X-Redmine-Signature-256": ""}, 401),
        (SECRET, {"X-Redmine-Signature-256": "sha256=ї"}, 401),
        ("", {}, 401),
    ],
)
def test_a_call_with_a_wrong_signature_is_refused(server, secret, change, status):
    body, headers = call_of("updated", {"id": 1}, SECRET if secret else "")

    with pytest.raises(Refused) as caught:
        made(server).receive(Request({**headers, **change}, body, secret))

    assert caught.value.status == status


def test_a_call_about_something_else_says_nothing_and_a_broken_one_is_refused(server):
    mark = f"tasktracker:{uuid4()}"
    body, headers = call_of("updated", {"id": 1, "description": mark}, SECRET)
    about_wiki, signed = call_of("x", {}, SECRET)

    assert made(server).receive(Request(signed, about_wiki, SECRET)) == []
    with pytest.raises(Refused):
        made(server).receive(Request(headers, body, SECRET))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "redmine.example"}, "https"),
        ({"url": "ftp://redmine.example"}, "https"),
        ({"api_key": ""}, "missing"),
        ({"api_key": "", "login": "bot"}, "missing"),
        ({"api_key": "ключ"}, "Latin"),
        ({"switch_user": "a b"}, "Latin"),
        ({"calls_per_minute": 29}, "calls_per_minute"),
        ({"text_format": "html"}, "text_format"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, words):
    settings = {"url": "https://redmine.example/", "api_key": KEY, **changes}

    with pytest.raises(ValueError, match=words):
        Redmine.Config.model_validate(settings)


def test_a_login_with_a_password_goes_before_a_key_that_cannot_be_taken_out():
    headers = credentials("a-key", "bot", "secret", "")

    assert list(headers) == ["Authorization"]
    assert credentials("a-key", "bot", "", "") == {"X-Redmine-API-Key": "a-key"}
