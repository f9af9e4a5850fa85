"""What trackers have of somebody's words is written again, or people are told that it is left."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from apps.exports.deliver import deliver
from apps.exports.erase import DELIVERED_WITHIN, PATIENCE
from apps.exports.models import TaskExport, Tracker
from apps.exports.tasks import erase_from_exports
from apps.issues.models import Issue
from apps.sources.models import Author, Erasure

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.EXPORT_DIR = tmp_path
    return tmp_path


@pytest.fixture
def erase(source) -> Callable[..., Erasure]:
    def erase(export: TaskExport, *, waited: timedelta = timedelta(0)) -> Erasure:
        """The step of the exports, which began `waited` ago."""
        erasure = Erasure.objects.create(
            author=Author.known(source.pk, "7"),
            status=Erasure.Status.EXPORTS,
            issues=[export.issue_id],
            status_changed_at=timezone.now() - waited,
        )
        erase_from_exports([erasure.pk])
        erasure.refresh_from_db()
        return erasure

    return erase


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_what_a_call_without_an_end_made_is_written_again(make_export, erase, folder, status):
    export = make_export()
    deliver(export)
    TaskExport.objects.update(status=status, called_at=timezone.now() - HOUR)
    Issue.objects.update(title="Removed")

    erasure = erase(export)

    [path] = folder.rglob("*.json")
    assert json.loads(path.read_text())["title"] == "Removed"
    assert (erasure.status, erasure.left) == ("messages", 0)


def test_what_a_call_without_an_end_did_not_make_is_not_made(make_export, erase, folder):
    erasure = erase(make_export(called_at=timezone.now() - HOUR))

    assert list(folder.rglob("*.json")) == []
    assert (erasure.status, erasure.left) == ("messages", 0)


def test_what_may_be_in_a_tracker_that_cannot_replace_is_left(make_export, erase, fake):
    erasure = erase(make_export(called_at=timezone.now() - HOUR))

    assert (erasure.status, erasure.left) == ("messages", 1)


def test_what_is_in_a_tracker_of_a_kind_that_is_gone_is_left(make_export, erase):
    export = make_export(status="created")
    Tracker.objects.update(kind="gone")

    erasure = erase(export)

    assert (erasure.status, erasure.left) == ("messages", 1)


@pytest.mark.parametrize(
    "held",
    [
        {"leased_until": timezone.now() + HOUR},
        {"status": "failed", "called_at": timezone.now() + HOUR},
    ],
    ids=["leased", "in doubt"],
)
def test_a_delivery_that_may_be_at_work_is_waited_for(make_export, erase, held):
    assert erase(make_export(**held)).status == "exports"


def test_a_row_that_rests_does_not_stop_forgetting(make_export, erase):
    export = make_export(leased_until=timezone.now() + HOUR)

    erasure = erase(export, waited=DELIVERED_WITHIN)

    assert (erasure.status, erasure.left) == ("messages", 0)


@pytest.mark.parametrize(
    ("waited", "status", "left"), [(timedelta(0), "exports", 0), (PATIENCE, "messages", 1)]
)
def test_a_tracker_that_is_away_is_waited_for_and_then_left(
    make_export, erase, settings, folder, waited, status, left
):
    (folder / "file").write_text("in the way")
    settings.EXPORT_DIR = folder / "file"

    erasure = erase(make_export(status="created"), waited=waited)

    assert (erasure.status, erasure.left) == (status, left)
