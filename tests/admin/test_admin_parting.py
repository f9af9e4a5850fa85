"""A tracker that is deleted calls us no more and lets us in no more; what cannot be taken back is said."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.exports.models import Mirroring, TaskExport, Tracker
from apps.exports.trackers.base import Tokens
from apps.sources.models import Project
from tasktracker.lib.workflow import TryLater
from tests.exports.telling_tracker import Telling, in_memory

pytestmark = pytest.mark.django_db(transaction=True)


class Granting(Telling):
    """One that was connected by a person, too."""

    def __init__(self, config: Any, means: Any) -> None:
        super().__init__(config, means)
        self.token = means.token

    def unsubscribe(self, subscription: str) -> None:
        self._run("unsubscribe", lambda: self.asked.append((subscription, self.token())))

    def authorize_url(self, *, state: str, challenge: str, redirect: str) -> str:
        return "https://fake.example"

    def refresh(self, token: str) -> Tokens:
        return self._run("refresh", lambda: Tokens("second", "of-the-second"))

    def revoke(self, tokens: Tokens) -> None:
        self._run("revoke", lambda: self.asked.append(tokens.access))


@pytest.fixture(autouse=True)
def granting(
    tracker: Tracker, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> Iterator[type[Granting]]:
    settings.EXPORT_DIR = tmp_path
    yield from in_memory(Granting, tracker, monkeypatch)


@pytest.fixture
def delete(administrator: Client) -> Callable[..., str]:
    """Delete the row; the next page."""

    def delete(row: Tracker | Project) -> str:
        address = reverse(
            f"admin:{row._meta.app_label}_{row._meta.model_name}_delete", args=[row.pk]
        )
        page = administrator.post(address, {"post": "yes"}, follow=True).content.decode()
        assert not type(row)._default_manager.filter(pk=row.pk).exists()
        return page

    return delete


@pytest.mark.parametrize("with_project", [False, True])
def test_webhook_and_connection_end_in_the_tracker(delete, tracker, granting, with_project):
    Mirroring.of(tracker).keep_subscription("S-1")
    tracker.connect(Tokens("first", "of-the-first", timedelta(hours=9)))

    page = delete(tracker.project if with_project else tracker)

    assert granting.asked == [("S-1", "first"), "first"]
    assert "was not" not in page


def test_a_token_that_has_ended_is_renewed_once_to_say_it(delete, tracker, granting):
    Mirroring.of(tracker).keep_subscription("S-1")
    tracker.connect(Tokens("first", "of-the-first", timedelta(seconds=1)))

    delete(tracker)

    assert granting.asked == [("S-1", "second"), "second"]
    assert granting.calls.count("refresh") == 1


def test_what_could_not_be_taken_back_is_said(delete, tracker, granting):
    Mirroring.of(tracker).keep_subscription("S-1")
    tracker.connect(Tokens("first"))
    granting.does("unsubscribe", before=TryLater("it is away"))
    granting.does("revoke", before=TryLater("no answer"))

    page = delete(tracker)

    assert "The webhook of Fake was not deleted: it is away Delete it there" in page
    assert "The connection of Fake was not taken back: no answer Take it back there" in page


def test_a_webhook_that_was_made_by_hand_is_mentioned(delete, tracker, granting):
    Mirroring.of(tracker).new_secret()

    assert "somebody has made there by hand" in delete(tracker)
    assert granting.calls == []


def test_settings_that_do_not_fit_hold_nothing_up(delete, tracker):
    Mirroring.of(tracker).keep_subscription("S-1")
    Tracker.objects.filter(pk=tracker.pk).update(config={"strange": 1})

    assert "The webhook of Fake was not deleted" in delete(tracker)


def test_json_files_stay_and_are_counted(administrator, delete, project, make_issue):
    files = Tracker.objects.create(project=project, kind="json", name="Files")
    files.folder.mkdir()
    (files.folder / "1.json").write_text("{}")
    TaskExport.objects.create(issue=make_issue(), tracker=files, status="created")
    address = reverse("admin:exports_tracker_delete", args=[files.pk])

    asked = administrator.get(address).content.decode()

    assert "JSON files stay on the disk" in asked
    assert "Exports: 1" in asked
    folder = files.folder
    assert f"1 file of Files stays in {folder}." in delete(files)
    assert [path.name for path in folder.iterdir()] == ["1.json"]
