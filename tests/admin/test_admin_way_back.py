"""What comes back from a tracker: on the pages of issues and exports, and where it is set up."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.exports.models import BREAK_AFTER, Mirroring, TaskExport, Tracker
from apps.exports.trackers.base import Limited
from apps.issues.models import Issue
from apps.sources.admin.scope import page_of
from apps.sources.models import Project
from tests.exports.telling_tracker import Telling, in_memory

BASE = "https://tracker.example"


@pytest.fixture
def telling(tracker: Tracker, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Any]:
    settings.WEBHOOK_BASE_URL = f"{BASE}/"
    yield from in_memory(Telling, tracker, monkeypatch)


def way_back(tracker: Tracker, verb: str = "") -> str:
    name = "admin:exports_tracker_way_back"
    return (
        reverse(f"{name}_verb", args=[tracker.pk, verb])
        if verb
        else reverse(name, args=[tracker.pk])
    )


def said(client: Client, tracker: Tracker, verb: str, **values: str) -> str:
    return client.post(way_back(tracker, verb), values, follow=True).content.decode()


def test_the_address_is_shown_and_a_secret_once(operator: Client, tracker: Tracker, telling: Any):
    empty = operator.get(way_back(tracker)).content.decode()
    made = said(operator, tracker, "secret")
    later = operator.get(way_back(tracker)).content.decode()

    secret = Mirroring.of(tracker).secret
    assert f"{BASE}/webhook/tracker/{tracker.pk}" in empty
    assert "no call is taken" in empty
    assert (secret in made, secret in later, len(secret) > 30) == (True, False, True)
    assert way_back(tracker) in operator.get(page_of(tracker)).content.decode()


def test_a_secret_that_works_ends_only_after_a_question(
    operator: Client, tracker: Tracker, telling: Any
):
    said(operator, tracker, "secret")
    first = Mirroring.of(tracker).secret

    asked = said(operator, tracker, "secret")
    assert "ends at once" in asked
    assert (Mirroring.of(tracker).secret, first in asked) == (first, False)

    answer = operator.post(way_back(tracker, "secret"), {"confirmed": "yes"})
    assert answer["Location"] == way_back(tracker)  # a reload makes no other one
    assert Mirroring.of(tracker).secret != first


def test_a_secret_is_shown_only_to_who_made_it(
    operator: Client, administrator: Client, tracker: Tracker, telling: Any
):
    operator.post(way_back(tracker, "secret"))
    secret = Mirroring.of(tracker).secret

    assert secret not in administrator.get(way_back(tracker)).content.decode()
    assert secret in operator.get(way_back(tracker)).content.decode()


@pytest.mark.parametrize(("typed", "kept"), [("lin_wh_" + "a" * 20, True), ("short", False)])
def test_a_secret_that_the_tracker_made_is_kept(
    operator: Client, tracker: Tracker, telling: Any, typed: str, kept: bool
):
    page = said(operator, tracker, "keep", secret=typed)

    assert (Mirroring.of(tracker).secret == typed, "The secret is kept" in page) == (kept, kept)
    assert typed not in page


def test_subscribing_tells_the_tracker_where_to_call(
    operator: Client, tracker: Tracker, telling: Any
):
    page = said(operator, tracker, "subscribe")
    said(operator, tracker, "subscribe")

    row = Mirroring.of(tracker)
    assert telling.asked == [(f"{BASE}/webhook/tracker/{tracker.pk}", row.secret)] * 2
    assert (row.subscription, f"calls {BASE}" in page) == ("S-1", True)
    said(operator, tracker, "unsubscribe")
    assert (telling.calls[-1], Mirroring.of(tracker).subscription) == ("unsubscribe", "")


def test_why_it_is_not_called_now_is_told_in_the_readers_language(
    operator: Client, tracker: Tracker, telling: Any
):
    Tracker.objects.filter(pk=tracker.pk).update(forced=Tracker.Forced.OPEN)
    address = way_back(tracker, "subscribe")
    page = operator.post(address, follow=True, headers={"accept-language": "uk"}).content.decode()

    assert "Хтось розпорядився не звертатися до трекера." in page


def test_the_tracker_is_heard_when_it_is_told_where_to_call(
    operator: Client, tracker: Tracker, telling: Any
):
    Tracker.objects.update(failures_in_a_row=BREAK_AFTER, closed_until=timezone.now())
    said(operator, tracker, "subscribe")
    tracker.refresh_from_db()
    assert (tracker.failures_in_a_row, tracker.closed_until) == (0, None)
    telling.does("unsubscribe", before=Limited("enough", delay=timedelta(hours=1)))

    assert "enough" in said(operator, tracker, "unsubscribe")

    tracker.refresh_from_db()
    assert tracker.limited_until is not None
    assert Mirroring.of(tracker).subscription == "S-1"


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("", "Nobody has said"),
        ("http://127.0.0.1:8000", "a computer nearby"),
        ("https://localhost", "a computer nearby"),
        ("http://tracker.example", "does not begin with https"),
    ],
)
def test_an_address_that_cannot_be_called_is_warned_of(
    operator: Client, tracker: Tracker, telling: Any, settings: Any, base: str, words: str
):
    settings.WEBHOOK_BASE_URL = base

    assert words in operator.get(way_back(tracker)).content.decode()


def test_who_may_only_look_changes_nothing(viewer: Client, tracker: Tracker, telling: Any):
    assert viewer.get(way_back(tracker)).status_code == 200
    said(viewer, tracker, "secret")

    assert Mirroring.of(tracker).secret == ""


def test_a_tracker_of_others_or_one_that_only_takes_has_no_such_page(
    operator: Client, tracker: Tracker, other_project: Project, telling: Any
):
    foreign = Tracker.objects.create(project=other_project, kind="fake", name="Theirs")
    files = Tracker.objects.create(project=tracker.project, kind="json", name="JSON")

    for row in (foreign, files):
        assert operator.get(way_back(row)).status_code == 302
        assert operator.post(way_back(row, "secret")).status_code == 302
    assert not Mirroring.objects.exclude(webhook={}).filter(tracker__in=[foreign, files]).exists()
    assert "only takes" in operator.get(page_of(files)).content.decode()


@pytest.fixture
def there(make_export: Callable[..., TaskExport], telling: Any) -> Callable[..., TaskExport]:
    def make(remote: dict[str, Any], **changes: Any) -> TaskExport:
        return make_export(status="created", external_id="T-1", remote=remote, **changes)

    return make


def test_how_an_issue_stands_there_is_on_its_page_and_in_the_list(
    operator: Client, there: Callable[..., TaskExport]
):
    remote = {"status_name": "In Review", "assignee": "Тарас <b>", "their_title": "Інша"}
    export = there({**remote, "refused": "done"})

    for address in (page_of(export.issue), page_of(export)):
        page = operator.get(address).content.decode()
        assert "In Review, Тарас &lt;b&gt;" in page
        assert "Інша" in page
    page = operator.get(page_of(export.issue)).content.decode()
    assert "By what was done there it would be “Done” here." in page
    listed = operator.get(reverse("admin:exports_taskexport_changelist")).content.decode()
    assert "In Review, Тарас &lt;b&gt;" in listed


def test_what_was_deleted_there_is_shown_and_can_be_sent_again(
    operator: Client, there: Callable[..., TaskExport]
):
    export = there({}, is_gone=True)
    assert "It was deleted there." in operator.get(page_of(export.issue)).content.decode()
    assert "Export again" in operator.get(page_of(export)).content.decode()

    operator.post(reverse("admin:exports_taskexport_retry", args=[export.pk]))

    export.refresh_from_db()
    assert (export.status, export.is_gone, export.external_id) == ("pending", False, "")
    assert Issue.objects.get().status == "approved"


def test_what_is_there_is_not_offered_to_be_sent_again(
    operator: Client, there: Callable[..., TaskExport]
):
    export = there({})

    page = operator.post(
        reverse("admin:exports_taskexport_retry", args=[export.pk]), follow=True
    ).content.decode()

    assert "only what failed" in page
    assert TaskExport.objects.get().status == "created"
