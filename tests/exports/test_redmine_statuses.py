"""A status in Redmine means the same whichever way we hear of it, whatever it is called."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from apps.exports.models import Tracker
from apps.exports.trackers.base import Means, Request
from apps.exports.trackers.redmine.tracker import Redmine
from tests.stubs.redmine import store
from tests.stubs.redmine.server import RedmineServer, call_of, redmine_server
from tests.stubs.redmine.store import KEY, KEY_FIELD

GERMAN = [
    {"id": 1, "name": "Neu", "is_closed": False},
    {"id": 2, "name": "Backlog", "is_closed": False},
    {"id": 3, "name": "In Bearbeitung", "is_closed": False},
    {"id": 5, "name": "Erledigt", "is_closed": True},
]
SECRET = "of the hook"


@pytest.fixture
def server(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedmineServer]:
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr(store, "STATUSES", GERMAN)
    with redmine_server() as redmine:
        redmine.store.trackers = [
            {"id": 1, "name": "Fehler", "default_status": GERMAN[0]},
            {"id": 2, "name": "Wunsch", "default_status": GERMAN[1]},
        ]
        yield redmine


@pytest.fixture
def config(server: RedmineServer) -> dict[str, str]:
    return {"url": server.url, "api_key": KEY, "project": "1", "key_field": KEY_FIELD}


def heard(server: RedmineServer, config: dict[str, str], known: Any) -> str:
    body, headers = call_of("updated", server.store.issues[1], SECRET)
    plugin = Redmine(Redmine.Config.model_validate(config), Means(folder=Path(), known=known))
    (state,) = plugin.receive(Request(headers, body, SECRET))
    return state.status


@pytest.mark.parametrize(
    ("chosen", "kind", "status", "meaning"),
    [
        ("", "1", 0, "approved"),
        ("", "1", 1, "in_progress"),
        ("", "2", 0, "in_progress"),
        ("", "2", 1, "approved"),  # where this tracker's issues begin
        ("", "9", 0, "approved"),  # of one that is not listed
        ("3", "1", 2, "approved"),  # we make it so
        ("3", "1", 0, "approved"),  # or Redmine does, which did not let us
        ("3", "1", 1, "in_progress"),
        ("", "1", 3, "done"),
    ],
)
def test_both_ways_say_the_same(server, config, payload, chosen, kind, status, meaning):
    config |= {"status": chosen, "tracker": kind}
    known: dict[str, Any] = {}
    means = Means(folder=Path(), learn=known.update)
    plugin, key = Redmine(Redmine.Config.model_validate(config), means), uuid4()
    created = plugin.create(payload, key=key)
    server.store.issues[1]["status"] = GERMAN[status]

    (asked,) = plugin.states({key: created}).values()

    assert (asked.status, heard(server, config, known)) == (meaning, meaning)


def test_as_long_as_nobody_was_asked_a_call_says_only_what_is_sure(server, config, payload):
    plugin = Redmine(Redmine.Config.model_validate(config), Means(folder=Path()))
    plugin.create(payload, key=uuid4())
    said = []
    for status in GERMAN:
        server.store.issues[1]["status"] = status
        said.append(heard(server, config, {}))

    assert said == ["", "", "", "done"]


def test_what_was_learned_is_kept_with_the_tracker(server, config, tracker):
    tracker.kind, tracker.config = "redmine", config
    tracker.catalogue = {"status": [["1", "Neu"]]}
    tracker.save()

    tracker.plugin().states({})

    kept = Tracker.objects.get().catalogue
    assert kept["status"] == [["1", "Neu"]]
    assert kept["open_statuses"] == [["1", "Neu"], ["2", "Backlog"], ["3", "In Bearbeitung"]]
    assert kept["begins"] == [["1", "1"], ["2", "2"]]
