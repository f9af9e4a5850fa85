"""What trackers have of somebody's words is written again, or people are told that it is left."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from apps.exports.deliver import deliver
from apps.exports.erase import DELIVERED_WITHIN, PATIENCE
from apps.exports.models import ExportPolicy, ExportUpdate, TaskExport, Tracker
from apps.exports.payload import build_payload
from apps.exports.tasks import erase_from_exports
from apps.exports.trackers.base import ExternalIssue, Gone, IssuePayload, Limited, RemoteState
from apps.issues.models import Issue
from apps.sources.models import Author, Erasure
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.exports.telling_tracker import Telling, in_memory

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path: Path) -> Path:
    settings.EXPORT_DIR = tmp_path
    return tmp_path


@pytest.fixture
def erase(source) -> Callable[..., Erasure]:
    def erase(*exports: TaskExport, waited: timedelta = timedelta(0)) -> Erasure:
        """The step of the exports, which began `waited` ago."""
        erasure = Erasure.objects.create(
            author=Author.known(source.pk, "7"),
            status=Erasure.Status.EXPORTS,
            issues=[export.issue_id for export in exports],
            status_changed_at=timezone.now() - waited,
        )
        erase_from_exports([erasure.pk])
        erasure.refresh_from_db()
        return erasure

    return erase


class Rewriting(Telling):
    """One whose issues can be written again."""

    rewritten: ClassVar[list[UUID]] = []

    def replace(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        self._run("replace", lambda: self.rewritten.append(key))
        return ExternalIssue("FAKE-1", "https://fake.example/1")


@pytest.fixture
def rewriting(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Rewriting]]:
    Rewriting.rewritten.clear()
    yield from in_memory(Rewriting, tracker, monkeypatch)


@pytest.fixture
def erase_both(make_export, erase) -> Callable[..., Erasure]:
    """The step of a person of whom two tasks have words."""
    first, second = make_export(status="created"), make_export(status="created")

    def erase_both(**given: timedelta) -> Erasure:
        return erase(first, second, **given)

    return erase_both


def again(erasure: Erasure) -> Erasure:
    """When its time has come."""
    Tracker.objects.update(limited_until=None)
    Erasure.objects.update(leased_until=None)
    erase_from_exports([erasure.pk])
    erasure.refresh_from_db()
    return erasure


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


def test_titles_that_were_written_in_the_tracker_are_forgotten(make_export, erase, fake):
    export = make_export(status="created", remote={"their_title": "Олена каже", "title": "hash"})

    erase(export)

    export.refresh_from_db()
    assert export.remote == {"their_title": "", "title": "hash"}


def test_after_a_limit_it_goes_on_where_it_was(erase_both, rewriting, monkeypatch):
    def limit_the_second() -> None:
        if rewriting.calls.count("replace") == 2:
            raise Limited("enough", delay=HOUR)

    monkeypatch.setitem(rewriting.before, "replace", limit_the_second)

    erasure = erase_both()
    assert (erasure.status, len(rewriting.rewritten)) == ("exports", 1)
    assert Tracker.objects.get().limited_until

    assert again(erasure).status == "messages"
    assert len(rewriting.rewritten) == len(set(rewriting.rewritten)) == 2


def test_a_limit_takes_nothing_of_our_patience(erase_both, rewriting):
    rewriting.does("replace", before=Limited("enough", delay=HOUR))

    erasure = erase_both(waited=2 * PATIENCE)
    rewriting.does("replace", before=TryLater("away"))
    Erasure.objects.update(leased_until=None)
    Tracker.objects.update(limited_until=timezone.now() - timedelta(minutes=1))
    erase_from_exports([erasure.pk])

    erasure.refresh_from_db()
    assert (erasure.status, rewriting.calls) == ("exports", ["replace", "replace"])


def test_a_tracker_that_nobody_may_call_is_not_called(erase_both, rewriting):
    Tracker.objects.update(forced="open")

    assert (erase_both().status, rewriting.calls) == ("exports", [])


def test_whoever_lost_the_work_stops(erase_both, rewriting, monkeypatch):
    monkeypatch.setitem(
        rewriting.before,
        "replace",
        lambda: Erasure.objects.update(leased_until=timezone.now() + 3 * HOUR),
    )

    assert erase_both().status == "exports"
    assert len(rewriting.rewritten) == 1


def test_the_note_is_written_again_though_the_task_cannot_be(make_export, erase, rewriting):
    export = make_export(status="created")
    ExportUpdate.objects.create(export=export, task=export.uuid, note_id="1")
    rewriting.does("replace", before=GiveUp("its history stays"))

    erasure = erase(export)

    calls = ["replace", "states", "note"]
    assert (erasure.status, erasure.left, rewriting.calls) == ("messages", 1, calls)


def test_a_note_that_somebody_deleted_there_is_not_left(make_export, erase, rewriting):
    export = make_export(status="created")
    ExportUpdate.objects.create(export=export, task=export.uuid, note_id="1")
    rewriting.does("note", before=Gone("no such note"))

    assert erase(export).left == 0


@pytest.mark.parametrize(("is_gone", "left"), [(True, 0), (False, 1)])
def test_a_task_that_is_not_there_any_more_is_not_left(
    make_export, erase, rewriting, is_gone, left
):
    former: dict[str, Any] = {"uuid": str(uuid4()), "id": "FAKE-0", "has_note": True}
    export = make_export(status="created", former=[former])
    for key in (export.uuid, UUID(former["uuid"])):
        moment = timezone.now()
        rewriting.there[key] = RemoteState("FAKE-0", moment, key=key, is_gone=is_gone)
    rewriting.does("replace", before=GiveUp("not there"))

    assert erase(export).left == left


@pytest.mark.parametrize(
    ("error", "has_note", "left"),
    [(None, False, 0), (None, True, 1), (GiveUp("not there"), False, 1)],
)
def test_a_task_that_was_deleted_there_is_written_again_too(
    make_export, erase, rewriting, error, has_note, left
):
    gone = uuid4()
    export = make_export(former=[{"uuid": str(gone), "id": "FAKE-0", "has_note": has_note}])
    rewriting.does("replace", before=error)

    erasure = erase(export)

    assert (erasure.status, erasure.left) == ("messages", left)
    assert rewriting.rewritten == ([] if error else [gone])


def test_a_file_is_written_again_where_it_is_though_its_project_has_another_slug(
    make_export, erase, folder, project
):
    export = make_export()
    deliver(export)
    Issue.objects.update(title="Removed")
    type(project).objects.update(slug="renamed")

    erasure = erase(export)

    [path] = folder.rglob("*.json")
    assert json.loads(path.read_text())["title"] == "Removed"
    assert erasure.left == 0


def test_masks_stay_when_the_messages_of_a_person_are_deleted(
    erase, rewriting, make_export, make_issue, make_message, project
):
    ExportPolicy.objects.create(project=project, masks_pii=True)
    theirs, other = make_message("у мене +380671234567"), make_message("у мене +380509876543")
    issue = make_issue("Оплата", message=other)
    export = make_export(issue, status="created", told_messages=[theirs.pk, other.pk])

    erase(export)
    export.refresh_from_db()
    before = build_payload(issue, export.tracker).quotes
    theirs.delete()

    assert build_payload(issue, export.tracker).quotes == before
