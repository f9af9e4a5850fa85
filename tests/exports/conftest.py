"""A tracker in memory, and exports that are its work."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from apps.exports.models import TaskExport, Tracker
from apps.exports.tasks import deliver_exports
from apps.exports.trackers import TRACKERS
from tasktracker.lib.plugins import PlugIn
from tests.exports.fake_tracker import Fake


@pytest.fixture
def fake(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Fake]]:
    """The project's tracker is the one in memory."""
    path = f"{Fake.__module__}.{Fake.__qualname__}"
    monkeypatch.setitem(TRACKERS, "fake", PlugIn("Fake", path))
    Tracker.objects.filter(pk=tracker.pk).update(kind="fake", name="Fake")
    tracker.refresh_from_db()
    Fake.forget()
    yield Fake
    Fake.forget()


@pytest.fixture
def run() -> Callable[..., TaskExport]:
    """Deliver a row as a worker would, `later` on; the row as it is then."""

    def run(export: TaskExport, *, later: float = 0) -> TaskExport:
        if later:
            pass_time(timedelta(seconds=later))
        deliver_exports([export.pk])
        export.refresh_from_db()
        return export

    return run


def pass_time(passed: timedelta) -> None:
    """Move every moment that counts into the past: leases are by the database's clock."""
    for model, names in (
        (TaskExport, ("leased_until", "due_at", "called_at")),
        (Tracker, ("closed_until", "limited_until")),
    ):
        changes: dict[str, Any] = {name: F(name) - passed for name in names}
        model._default_manager.update(**changes)
