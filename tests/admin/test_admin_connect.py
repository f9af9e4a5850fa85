"""A person connects Linear by saying yes on its page, and a worker keeps the connection alive."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.request import HTTPRedirectHandler, build_opener

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from apps.exports.models import CallCount, Tracker
from apps.exports.trackers.base import Tokens
from apps.exports.trackers.linear.api import CALLS_PER_HOUR
from apps.sources.models import Project
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.stubs.linear import server as stub
from tests.stubs.linear.oauth import CLIENT
from tests.stubs.linear.server import LinearServer, linear_server


class Stays(HTTPRedirectHandler):
    def http_error_302(self, req: Any, fp: Any, code: int, msg: str, headers: Any) -> Any:
        return fp


@pytest.fixture(scope="module")
def running() -> Iterator[LinearServer]:
    with linear_server() as linear:
        yield linear


@pytest.fixture
def linear(running: LinearServer, settings: Any) -> LinearServer:
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    settings.LINEAR_API_URL = running.url
    running.reset()
    return running


@pytest.fixture
def tracker(project: Project) -> Tracker:
    config = {**CLIENT, "team": "t-core"}
    return Tracker.objects.create(project=project, kind="linear", name="Linear", config=config)


@pytest.fixture
def connected(linear: LinearServer, tracker: Tracker) -> Callable[[float], Tracker]:
    """A tracker whose token lasts for so many seconds."""

    def connected(seconds: float) -> Tracker:
        linear.oauth.access.add("first")
        linear.oauth.refreshing.add("of-the-first")
        tracker.connect(Tokens("first", "of-the-first", timedelta(seconds=seconds)))
        linear.oauth.lasts = 86399
        return Tracker.objects.get()

    return connected


def page(tracker: Tracker, name: str = "change") -> str:
    return reverse(f"admin:exports_tracker_{name}", args=[tracker.pk])


def say_yes(client: Client, tracker: Tracker) -> str:
    """The address to which Linear sends the browser back."""
    there = client.post(page(tracker, "connect"))["Location"]
    return str(build_opener(Stays).open(there).headers["Location"])


def test_a_person_connects_and_disconnects(
    operator: Client, linear: LinearServer, tracker: Tracker
):
    before = operator.get(page(tracker)).content.decode()
    assert "Connect Linear" in before
    assert "http://testserver/admin/exports/tracker/connected/" in before

    after = operator.get(say_yes(operator, tracker), follow=True).content.decode()

    tracker.refresh_from_db()
    assert "It is connected." in after
    assert {tracker.access_token()} == linear.oauth.access
    assert tracker.access_token() not in after
    assert tracker.credentials["refresh"] not in after
    assert "Payments" in after  # what there is to choose was asked at once
    assert tracker.plugin().check()[0].sentence.endswith("Task Tracker in Kvit Bank.")
    with database.cursor() as cursor:
        cursor.execute("SELECT credentials FROM exports_tracker")
        assert tracker.access_token() not in cursor.fetchone()[0]

    asked = operator.post(page(tracker, "disconnect")).content.decode()
    assert "The connection ends at once" in asked
    tracker.refresh_from_db()
    assert tracker.is_connected
    operator.post(page(tracker, "disconnect"), {"confirmed": "yes"})

    tracker.refresh_from_db()
    assert (tracker.credentials, linear.oauth.access) == ({}, set())
    with pytest.raises(GiveUp, match="not connected"):
        tracker.plugin().check()


def test_a_connection_that_nobody_can_open_is_disconnected_too(
    operator: Client, connected: Any, settings: Any
):
    ours, lost = settings.FIELD_ENCRYPTION_KEYS, [Fernet.generate_key().decode()]
    settings.FIELD_ENCRYPTION_KEYS = lost
    tracker = connected(3600)
    settings.FIELD_ENCRYPTION_KEYS = ours
    Tracker.objects.filter(pk=tracker.pk).update(config={**CLIENT, "team": "t-core"})
    shown = operator.get(page(tracker)).content.decode()

    said = operator.post(page(tracker, "disconnect"), {"confirmed": "yes"}, follow=True)

    assert page(tracker, "disconnect") in shown
    assert "the tracker was not told" in said.content.decode()
    assert Tracker.objects.get().credentials == {}


@pytest.mark.parametrize(("client_id", "is_kept"), [(CLIENT["client_id"], True), ("x", False)])
def test_a_connection_ends_with_its_application(
    operator: Client, connected: Any, client_id: str, is_kept: bool
):
    tracker = connected(3600)

    values = {"project": tracker.project_id, "name": "Linear", "saved__client_id": client_id}
    answer = operator.post(page(tracker), values)
    assert answer.status_code == 302, answer.context["errors"]

    tracker.refresh_from_db()
    assert (tracker.config["client_id"], bool(tracker.credentials)) == (client_id, is_kept)


def test_only_who_went_comes_back_and_once(
    operator: Client, people: dict[str, User], linear: LinearServer, tracker: Tracker
):
    back = say_yes(operator, tracker)
    stranger = Client()
    stranger.force_login(people["administrator"])
    for client, address in (
        (stranger, back),
        (operator, back.replace("state=", "state=x")),
        (operator, back.partition("?")[0]),
    ):
        client.get(address)
        assert Tracker.objects.get().credentials == {}

    operator.get(back)
    assert Tracker.objects.get().credentials
    Tracker.objects.get().disconnect()
    operator.get(back)

    assert Tracker.objects.get().credentials == {}


def test_who_waited_too_long_begins_again(
    operator: Client, linear: LinearServer, tracker: Tracker, monkeypatch: Any
):
    monkeypatch.setattr("apps.exports.admin.connect.PATIENCE", -1)

    operator.get(say_yes(operator, tracker))

    assert Tracker.objects.get().credentials == {}


def test_a_no_is_said(operator: Client, linear: LinearServer, tracker: Tracker):
    back = say_yes(operator, tracker)
    state = back.partition("state=")[2]

    no = f"{back.partition('?')[0]}?error=access_denied&state={state}"

    assert "access_denied" in operator.get(no, follow=True).content.decode()


@pytest.mark.parametrize("name", ["connect", "disconnect"])
def test_only_who_may_change_a_tracker_connects_it(
    viewer: Client, operator: Client, linear: LinearServer, tracker: Tracker, name: str
):
    viewer.post(page(tracker, name))
    assert operator.get(page(tracker, name)).status_code == 405
    Tracker.objects.update(kind="json", config={})

    operator.post(page(tracker, name))

    assert "connecting" not in viewer.session
    assert "connecting" not in operator.session


def test_the_verifier_never_leaves_before_the_code_comes(
    operator: Client, linear: LinearServer, tracker: Tracker
):
    there = operator.post(page(tracker, "connect"))["Location"]

    verifier = operator.session["connecting"]["verifier"]
    assert verifier not in there
    assert CLIENT["client_secret"] not in there
    assert len(hashlib.sha256(verifier.encode()).hexdigest()) == 64


def test_a_token_that_ends_is_renewed_once(linear: LinearServer, connected: Any):
    tracker = connected(300)

    token = tracker.access_token()

    assert token != "first"
    assert Tracker.objects.get().access_token() == tracker.access_token() == token
    assert linear.oauth.asked == ["refresh_token"]
    assert linear.oauth.refreshing == {Tracker.objects.get().credentials["refresh"]}


def test_who_waits_for_another_finds_the_token_that_it_got(
    linear: LinearServer, connected: Any, monkeypatch: Any
):
    tracker = connected(300)
    kept = Tracker._kept

    def slowly(self: Tracker, *, lock: bool = False) -> dict[str, Any]:
        if lock:  # as if another worker had held the row until now
            monkeypatch.setattr(Tracker, "_kept", kept)
            Tracker.objects.get().access_token()
        return kept(self, lock=lock)

    monkeypatch.setattr(Tracker, "_kept", slowly)

    tracker.access_token()

    assert linear.oauth.asked == ["refresh_token"]


@pytest.mark.parametrize(("seconds", "works"), [(300, True), (-5, False)])
def test_a_linear_that_does_not_answer_is_asked_again(
    linear: LinearServer, connected: Any, seconds: float, works: bool
):
    tracker = connected(seconds)
    linear.faults = [stub.hangs_up]

    if works:
        assert tracker.access_token() == "first"
    else:
        with pytest.raises(TryLater):
            tracker.access_token()
    assert tracker.access_token() != "first"


def test_a_connection_that_was_taken_back_says_what_to_do(linear: LinearServer, connected: Any):
    tracker = connected(300)
    linear.oauth.refreshing.clear()
    with pytest.raises(GiveUp, match="Connect it again") as caught:
        tracker.plugin().check()
    assert "first" not in str(caught.value)

    tracker = connected(3600)
    linear.oauth.access.clear()
    linear.oauth.refreshing.clear()
    with pytest.raises(GiveUp, match="Connect it again"):
        tracker.plugin().check()


def test_a_token_that_linear_ends_before_its_time_is_renewed_at_once(
    linear: LinearServer, connected: Any
):
    tracker = connected(3600)
    linear.oauth.access.clear()

    assert tracker.plugin().check()[0].sentence.endswith("Task Tracker in Kvit Bank.")

    assert linear.oauth.asked == ["refresh_token"]
    assert {tracker.access_token()} == linear.oauth.access


def test_a_token_that_is_refused_as_soon_as_it_is_renewed_is_not_renewed_again(
    linear: LinearServer, connected: Any
):
    tracker = connected(3600)
    refused = stub.errors("Authentication required", "authentication error", "AUTHENTICATION_ERROR")
    linear.faults = [stub.says(401, refused), stub.works, *[stub.says(400, refused)] * 2]
    plugin = tracker.plugin()

    for _ in range(2):
        with pytest.raises(GiveUp, match="Connect it again"):
            plugin.check()

    assert linear.oauth.asked == ["refresh_token"]


def test_a_token_that_is_refused_is_not_used_while_linear_gives_no_other(
    linear: LinearServer, connected: Any
):
    tracker = connected(3600)
    linear.oauth.access.clear()
    linear.faults = [stub.hangs_up]

    with pytest.raises(TryLater):
        tracker.plugin().check()


def test_a_wrong_application_is_said(operator: Client, linear: LinearServer, tracker: Tracker):
    back = say_yes(operator, tracker)
    tracker.config = {**tracker.config, "client_secret": "wrong"}
    tracker.save()

    assert "Client is unknown" in operator.get(back, follow=True).content.decode()


def test_a_connection_stands_when_linear_does_not_say_what_there_is_to_choose(
    operator: Client, linear: LinearServer, tracker: Tracker
):
    back = say_yes(operator, tracker)
    linear.faults = [stub.works, stub.says(502, b"")]

    said = operator.get(back, follow=True).content.decode()

    assert Tracker.objects.get().is_connected
    assert "It is connected." in said
    assert "It was not connected" not in said
    assert "did not say what there is to choose" in said


def test_our_own_limit_is_told_in_the_language_of_who_connects(
    operator: Client, linear: LinearServer, tracker: Tracker
):
    operator.get(say_yes(operator, tracker))
    CallCount.objects.update(calls=CALLS_PER_HOUR)
    back = say_yes(operator, tracker)

    page = operator.get(back, follow=True, headers={"accept-language": "uk"})

    assert "Усі 1500 викликів за годину вичерпано" in page.content.decode()


def test_a_page_that_is_saved_keeps_a_connection_that_was_renewed_meanwhile(
    operator: Client, linear: LinearServer, connected: Any, monkeypatch: Any
):
    tracker = connected(3600)
    clean = Tracker.clean

    def slowly(self: Tracker) -> None:
        Tracker.objects.get().connect(Tokens("second", "of-the-second"))
        clean(self)

    monkeypatch.setattr(Tracker, "clean", slowly)

    values = {"name": "Renamed", "project": tracker.project_id, "saved__client_id": "client-1"}
    operator.post(page(tracker), values)

    tracker.refresh_from_db()
    assert (tracker.name, tracker.credentials["access"]) == ("Renamed", "second")
