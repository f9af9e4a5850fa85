"""One Redmine for all the tests of this folder."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from apps.exports.trackers.base import IssuePayload, Means
from apps.exports.trackers.redmine.tracker import Redmine
from tests.exports.real_redmine.server import (
    KEYS,
    RealRedmine,
    locked,
    real_redmine,
    why_absent,
)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all processes of this run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder /= "redmine"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def running(folder: Path, request: pytest.FixtureRequest) -> Iterator[RealRedmine]:
    if why := why_absent():
        pytest.skip(why)  # a machine without Debian's package; `.ci/run` installs it
    cache = request.config.cache
    assert cache is not None
    with real_redmine(folder, cache.mkdir("redmine")) as redmine:
        yield redmine


@pytest.fixture
def server(running: RealRedmine, folder: Path, settings: Any) -> Iterator[RealRedmine]:
    """For one test at a time: some change its settings."""
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    with locked(folder / "test"):
        yield running


@pytest.fixture
def redmine(server: RealRedmine) -> Callable[..., Redmine]:
    """A tracker of the project Payments, with the settings that a test changes."""

    def make(user: str = "bot", **changes: Any) -> Redmine:
        config = {
            "url": server.url,
            "api_key": KEYS.get(user, ""),
            "project": server.id_of("projects", "Payments"),
            "key_field": server.id_of("custom_fields", "TaskTracker id"),
            **changes,
        }
        config = {name: value for name, value in config.items() if value is not None}
        return Redmine(Redmine.Config.model_validate(config), Means(folder=Path()))

    return make


@pytest.fixture
def payload(payload: IssuePayload) -> IssuePayload:
    (quote,) = payload.quotes
    return replace(payload, title="Прод лежить 🔥", quotes=(replace(quote, text="502 @bot"),))
