"""A question to Redmine ends in time, and what it has learned by then counts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from apps.exports.trackers.base import ExternalIssue, Limited, Means, OwnLimit
from apps.exports.trackers.redmine import mirror
from apps.exports.trackers.redmine.tracker import Redmine
from tasktracker.lib.workflow import TryLater
from tests.stubs.linear import server as faults
from tests.stubs.redmine.server import RedmineServer, redmine_server
from tests.stubs.redmine.store import BEGINNING, KEY, KEY_FIELD

Made = dict[UUID, ExternalIssue]


@pytest.fixture
def server(settings: Any) -> Iterator[RedmineServer]:
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    with redmine_server() as redmine:
        yield redmine


def plugin_of(server: RedmineServer, means: Means | None = None) -> Redmine:
    config = {"url": server.url, "api_key": KEY, "project": "1", "key_field": KEY_FIELD}
    return Redmine(Redmine.Config.model_validate(config), means or Means(folder=Path()))


@pytest.fixture
def made(server: RedmineServer, payload: Any) -> Made:
    """Four issues, of which an archive has hidden all but the last from us."""
    plugin = plugin_of(server)
    made = {key: plugin.create(payload, key=key) for key in (uuid4() for _ in range(4))}
    server.store.hidden = {1, 2, 3}
    server.questions.clear()
    return made


def test_what_is_hidden_is_asked_about_and_says_nothing(server, made):
    states = plugin_of(server).states(made)

    assert [bool(states[key]) for key in made] == [False, False, False, True]


def test_nothing_is_gone_by_the_word_of_what_stands_before_redmine(server, made):
    server.store.issues.clear()
    page = faults.says(404, b"<html>Back soon</html>")
    server.faults = [*[faults.works] * 3, *[page] * 3]

    with pytest.raises(TryLater, match="before Redmine"):
        plugin_of(server).states(made)


def test_who_has_no_time_left_says_what_is_known_by_then(server, made, monkeypatch):
    monkeypatch.setattr(mirror, "PATIENCE", 0)
    first, *_others, there = made

    states = plugin_of(server).states(made)

    assert set(states) == {there}
    assert set(plugin_of(server).states({first: made[first]})) == {first}  # it goes on all the same


def test_who_may_call_no_more_says_what_is_known_by_then(server, made):
    left = [None] * 4  # the statuses, the trackers, the list, and one issue

    def pace(account: str, per_minute: int) -> None:
        if not left:
            raise OwnLimit("enough", delay=timedelta(seconds=1))
        left.pop()

    states = plugin_of(server, Means(folder=Path(), pace=pace)).states(made)

    assert len(states) == 2
    with pytest.raises(Limited):
        plugin_of(server, Means(folder=Path(), pace=pace)).states(made)


def test_a_failure_loses_nothing_that_is_known(server, made):
    server.faults = [faults.works] * 3 + [faults.says(502, b"")]

    assert len(plugin_of(server).states(made)) == 1
    server.faults = [faults.works] * 2 + [faults.says(502, b"")]
    with pytest.raises(TryLater):
        plugin_of(server).states(made)


def test_changes_that_take_too_long_are_told_up_to_there(server, made, monkeypatch):
    server.store.hidden = set()
    monkeypatch.setattr(mirror, "PATIENCE", 0)
    monkeypatch.setattr(mirror, "LONG_PAGE", 2)

    changes = plugin_of(server).changed(datetime(2026, 3, 1, tzinfo=UTC))

    assert [state.id for state in changes.states] == ["#1", "#2"]
    assert changes.until == BEGINNING + timedelta(seconds=2)
