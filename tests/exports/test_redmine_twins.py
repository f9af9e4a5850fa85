"""Of issues that have our id twice only what is surely made by us is closed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from apps.exports.trackers.base import Means
from apps.exports.trackers.redmine.tracker import Redmine
from tests.stubs.redmine.server import RedmineServer, redmine_server
from tests.stubs.redmine.store import KEY, KEY_FIELD


@pytest.fixture
def server(settings: Any) -> Iterator[RedmineServer]:
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    with redmine_server() as redmine:
        yield redmine


@pytest.fixture
def plugin(server: RedmineServer) -> Redmine:
    config = {"url": server.url, "api_key": KEY, "project": "1", "key_field": KEY_FIELD}
    return Redmine(Redmine.Config.model_validate(config), Means(folder=Path()))


def found(server: RedmineServer, plugin: Redmine, payload: Any, changes: dict[str, Any]) -> str:
    """What is said of a second issue that differs so; of what was asked only changes are kept."""
    key = uuid4()
    fields = plugin.preview(payload, key=key).sent
    for _ in range(2):
        plugin.api.post("/issues.json", fields)
    server.store.issues[2].update(changes)
    server.questions.clear()
    made = plugin.find(key)
    assert made is not None
    assert made.id == "#1"
    server.questions = [one for one in server.questions if not one.startswith("GET")]
    return made.remark


def test_what_was_made_twice_within_a_doubt_is_closed(server, plugin, payload):
    remark = found(server, plugin, payload, {"created_on": "2026-03-02T09:40:00Z"})

    assert "Closed as duplicates: #2" in remark
    assert server.questions == ["POST /issues/2/relations.json"]


@pytest.mark.parametrize(
    "changes",
    [
        {"created_on": "2026-03-02T11:00:00Z"},
        {"created_on": None},
        {"subject": "Те саме для складу"},
        {"description": "Скопійовано"},
        {"project": {"id": 2, "name": "Warehouse"}},
        {"relations": [{"relation_type": "copied_to", "issue_id": 1, "issue_to_id": 2}]},
    ],
)
def test_what_a_person_may_have_copied_is_told_and_left_alone(server, plugin, payload, changes):
    remark = found(server, plugin, payload, changes)

    assert server.questions == []
    assert "#2" in remark
    assert "Closed" not in remark


def test_what_another_account_has_copied_is_nobodys_business(server, plugin, payload):
    assert found(server, plugin, payload, {"author": {"id": 9, "name": "Olena"}}) == ""
    assert server.questions == []
