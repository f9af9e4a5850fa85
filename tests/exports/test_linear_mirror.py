"""What people do in Linear reaches us, by its calls and by our questions."""

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.exports.trackers.base import (
    ExternalIssue,
    Refused,
    RemoteState,
    Request,
)
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.exports.conftest import linear_plugin
from tests.stubs.linear import server as stub
from tests.stubs.linear.store import Named, User

SECRET = "of-the-webhook"


def called(body: bytes, headers: dict[str, str], secret: str = SECRET) -> Request:
    return Request(headers=headers, body=body, secret=secret)


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("triage", "approved"),
        ("unstarted", "approved"),
        ("started", "in_progress"),
        ("completed", "done"),
        ("canceled", "rejected"),
        ("duplicate", "rejected"),
        ("what", ""),
    ],
)
def test_a_call_tells_what_became_of_an_issue(linear, plugin, two, kind, status):
    key, issue = next(iter(linear.store.issues.items()))
    issue.state, issue.assignee = Named("s", "Їхній", kind), User("u-olena", "Олена")

    (state,) = plugin.receive(called(*stub.call(issue, SECRET)))

    assert state == RemoteState(
        id="COR-1",
        updated_at=datetime.fromisoformat(issue.updatedAt),
        key=UUID(key),
        url="https://linear.app/kvit/issue/COR-1",
        title="Прод лежить",
        status=status,
        status_name="Їхній",
        assignee="Олена",
    )


@pytest.mark.parametrize(
    ("action", "changes", "is_gone"),
    [
        ("remove", {}, True),
        ("remove", {"archivedAt": "2026-03-02T09:00:00.000Z"}, False),
        ("remove", {"archivedAt": "2026-03-02T09:00:00.000Z", "trashed": True}, True),
        ("update", {"trashed": True}, True),
        ("create", {}, False),
    ],
)
def test_what_is_deleted_is_gone_and_what_is_archived_is_not(
    linear, plugin, two, action, changes, is_gone
):
    (issue, _) = linear.store.issues.values()
    vars(issue).update(changes)

    (state,) = plugin.receive(called(*stub.call(issue, SECRET, action=action)))

    assert state.is_gone == is_gone


@pytest.mark.parametrize(
    "changes",
    [{"type": "Comment"}, {"data": None}, {"data": {"id": "no uuid"}}, {"data": {"state": 1}}],
)
def test_a_call_about_anything_else_says_nothing(linear, plugin, two, changes):
    (issue, _) = linear.store.issues.values()

    assert plugin.receive(called(*stub.call(issue, SECRET, **changes))) == []


@pytest.mark.parametrize("late", [-61, 61])
def test_a_call_is_taken_only_within_a_minute(linear, plugin, two, late):
    (issue, _) = linear.store.issues.values()

    with pytest.raises(Refused, match="just now"):
        plugin.receive(called(*stub.call(issue, SECRET, sent=time.time() + late)))
    assert plugin.receive(called(*stub.call(issue, SECRET, sent=time.time() + late / 2)))


@pytest.mark.parametrize("broken", ["secret", "empty secret", "body", "missing", "letters"])
def test_a_call_that_nobody_signed_is_not_even_read(linear, plugin, two, broken):
    (issue, _) = linear.store.issues.values()
    body, headers = stub.call(issue, "" if broken == "empty secret" else SECRET)
    secret = {"secret": "another", "empty secret": ""}.get(broken, SECRET)
    if broken == "body":
        body += b" "
    if broken in ("missing", "letters"):
        headers["Linear-Signature"] = "" if broken == "missing" else "підпис"

    with pytest.raises(Refused, match="signature") as caught:
        plugin.receive(called(body, headers, secret))

    assert caught.value.status == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b"null", b"{}", b'{"webhookTimestamp": NaN}'])
def test_what_is_signed_and_no_call_is_refused(plugin, body):
    headers = {"linear-signature": stub.signature(body, SECRET)}

    with pytest.raises(Refused):
        plugin.receive(called(body, headers))


def test_what_changed_is_told_from_the_oldest_on_over_all_pages(linear, plugin, payload):
    start = datetime(2026, 3, 2, tzinfo=UTC)
    keys = [uuid4() for _ in range(53)]
    plugin.create_many(dict.fromkeys(keys, payload))
    for number, issue in enumerate(linear.store.issues.values()):
        issue.updatedAt = (start - timedelta(minutes=number)).isoformat()
    linear.store.issues[str(keys[0])].archivedAt = start.isoformat()
    other = linear_plugin(linear, team="t-other").create(payload, key=uuid4())
    linear.questions.clear()

    told = plugin.changed(start - timedelta(minutes=51))

    assert [state.key for state in told.states] == keys[51::-1]
    assert other.id not in {state.id for state in told.states}
    assert (told.until, linear.questions) == (None, ["Changed", "Changed"])
    assert linear_plugin(linear, team="").changed(start).states == []


def test_what_is_too_much_for_one_answer_is_told_with_where_to_go_on(
    linear, plugin, payload, monkeypatch
):
    monkeypatch.setattr("apps.exports.trackers.linear.mirror.MOST_PAGES", 1)
    plugin.create_many({uuid4(): payload for _ in range(53)})

    told = plugin.changed(datetime(2026, 3, 2, tzinfo=UTC))

    assert (len(told.states), told.until) == (50, told.states[-1].updated_at)


def test_only_what_is_in_the_bin_is_gone_and_of_what_is_in_no_answer_nobody_knows(
    linear, plugin, payload
):
    kept, trashed, hidden = (uuid4() for _ in range(3))
    made = dict(plugin.create_many({kept: payload, trashed: payload}))
    linear.store.issues[str(trashed)].trashed = True
    made[hidden] = ExternalIssue("COR-9", "https://linear.app/kvit/issue/COR-9")

    states = plugin.states(made)

    assert states[hidden] is None
    assert {key: state.is_gone for key, state in states.items() if state} == {
        kept: False,
        trashed: True,
    }


def test_linear_is_told_once_where_to_call(linear, plugin):
    first = plugin.subscribe("https://us.example/webhook/1", SECRET)
    second = plugin.subscribe("https://us.example/webhook/1", "another")

    assert first == second
    (hook,) = linear.store.hooks
    assert (hook["secret"], hook["resourceTypes"]) == ("another", ["Issue"])
    assert (hook["team"].id, hook["enabled"]) == ("t-core", True)
    plugin.unsubscribe(first)
    plugin.unsubscribe(first)
    assert linear.store.hooks == []


@pytest.mark.parametrize("verb", ["subscribe", "unsubscribe"])
def test_who_may_make_no_webhook_hears_how_to_go_on(linear, plugin, verb):
    refused = stub.errors("Invalid scope: `admin` required", "forbidden", "FORBIDDEN")
    linear.faults = [stub.says(400, refused)]

    with pytest.raises(GiveUp, match=r"`admin` required.*administrators.*by hand") as caught:
        getattr(plugin, verb)("https://us.example/webhook/1", *[SECRET][: verb == "subscribe"])

    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("fault", [stub.hangs_up, stub.says(429, b"")])
def test_a_question_that_is_not_answered_is_asked_later(linear, plugin, two, fault):
    asked: list[Any] = [
        lambda: plugin.changed(datetime.now(UTC)),
        lambda: plugin.states({uuid4(): two[0]}),
        lambda: plugin.subscribe("https://us.example/", SECRET),
    ]
    for ask in asked:
        linear.faults = [fault]
        with pytest.raises(TryLater) as caught:
            ask()
        assert SECRET not in str(caught.value)


def test_the_stub_calls_as_linear_does(linear, two):
    body, headers = stub.call(next(iter(linear.store.issues.values())), SECRET)

    assert set(json.loads(body)) >= {"action", "type", "data", "url", "webhookTimestamp"}
    assert len(headers["Linear-Signature"]) == 64


def test_who_does_not_see_the_team_is_not_told_that_nothing_changed(linear, plugin, two):
    linear.store.issues.clear()
    linear.store.core.id = "t-hidden"  # from this key

    with pytest.raises(GiveUp, match="Team"):
        plugin.changed(datetime.now(UTC))


def test_a_status_in_which_we_make_issues_is_no_work_yet(linear, two):
    issue = next(iter(linear.store.issues.values()))
    issue.state = Named("s-doing", "Doing", "started")
    plugin = linear_plugin(linear, state="s-doing")

    (called_,) = plugin.receive(called(*stub.call(issue, SECRET)))
    asked = plugin.states({UUID(issue.id): two[0]})[UUID(issue.id)]

    assert (called_.status, asked.status) == ("approved", "approved")
