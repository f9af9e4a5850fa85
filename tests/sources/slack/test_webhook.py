"""Slack's events by HTTP: only what Slack has signed, once, and nothing that comes in is a 500."""

import hashlib
import hmac
import json
import logging
import time

import pytest
from django.db import connection
from django.test import Client

from apps.messages.ingest import Arrival, ingest
from apps.messages.models import Message
from apps.sources.adapters.base import Refused, Request
from apps.sources.adapters.slack.adapter import check_signature
from apps.sources.models import Chat, DeadLetter, Source
from apps.sources.webhooks import known_sources
from tests.lib.jetstream import jetstream_away
from tests.sources.conftest import FIXTURES

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
DOCUMENTED = (  # the example of Slack's documentation
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554"
    b"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
DOCUMENTED_SIGNATURE = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"


def recorded(name):
    return json.loads((FIXTURES / "slack" / f"{name}.json").read_text())


def signed(body, *, secret=SECRET, at=None):
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256)
    return {
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": f"v0={digest.hexdigest()}",
    }


@pytest.fixture
def slack(project):
    known_sources.forget()
    return Source.objects.create(
        project=project, kind="slack", name="Slack", config={"signing_secret": SECRET}
    )


@pytest.fixture
def post(slack):
    def send(event, *, address=f"/webhook/slack/{slack.pk}", headers=None, **retry):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        headers = signed(body) if headers is None else headers
        client = Client(raise_request_exception=True, enforce_csrf_checks=True)
        return client.post(
            address, body, content_type="application/json", headers={**headers, **retry}
        )

    return send


def test_a_message_is_in_the_stream_before_the_answer(post, stream, slack):
    response = post(recorded("text"))

    assert response.status_code == 200
    ((subject, envelope),) = stream()
    assert subject == f"chat.{slack.pk}"
    assert envelope["external_id"] == "C07DEVCHAT1:1772442101.000219"


def test_the_challenge_is_answered(post, stream):
    event = recorded("url_verification")

    response = post(event)

    assert (response.status_code, response.json()) == (200, {"challenge": event["challenge"]})
    assert stream() == []


def test_the_challenge_of_somebody_else_is_not(post):
    body = json.dumps(recorded("url_verification")).encode()

    assert post(body, headers=signed(body, secret="other")).status_code == 403


def test_a_retry_is_stored_once(post, stream):
    event = recorded("text")

    assert post(event).status_code == 200
    retry = {"X-Slack-Retry-Num": "1", "X-Slack-Retry-Reason": "http_timeout"}
    assert post(event, **retry).status_code == 200

    assert len(stream()) == 1


def test_a_retry_of_what_never_came_is_stored(post, stream):
    post(recorded("text"), **{"X-Slack-Retry-Num": "3", "X-Slack-Retry-Reason": "http_error"})

    assert len(stream()) == 1


def test_an_edit_replaces_the_message_that_it_changes(post, stream, slack):
    channel = recorded("text")["event"]["channel"]
    Chat.objects.create(source=slack, external_id=channel)
    for name in ("text", "thread_reply", "edited", "deleted", "unfurled"):
        assert post(recorded(name)).status_code == 200

    ingest([Arrival(json.dumps(envelope).encode(), subject) for subject, envelope in stream()])

    original, edit, answer = Message.objects.order_by("sent_at", "edit")
    assert (original.is_superseded, edit.is_superseded) == (True, False)
    assert edit.deleted_at
    assert not answer.deleted_at
    assert edit.text.endswith("кабінету")
    assert answer.reply_to.external_id == edit.external_id


@pytest.mark.parametrize("missing", ["X-Slack-Request-Timestamp", "X-Slack-Signature"])
def test_without_a_signature_nothing_gets_in(post, stream, missing):
    body = json.dumps(recorded("text")).encode()
    headers = signed(body)
    del headers[missing]

    response = post(body, headers=headers)

    assert (response.status_code, stream()) == (401, [])
    assert response.json()["detail"]


def test_what_is_signed_with_another_secret_stays_out(post, stream):
    body = json.dumps(recorded("text")).encode()

    assert post(body, headers=signed(body, secret="other")).status_code == 403
    assert stream() == []


def test_the_signature_of_another_body_is_none(post, stream):
    headers = signed(json.dumps(recorded("text")).encode())

    assert post(recorded("edited"), headers=headers).status_code == 403
    assert stream() == []


@pytest.mark.parametrize(("seconds", "status"), [(-290, 200), (-310, 403), (310, 403)])
def test_a_signature_is_good_for_five_minutes(post, seconds, status):
    body = json.dumps(recorded("text")).encode()

    assert post(body, headers=signed(body, at=time.time() + seconds)).status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Request-Timestamp": "now"},
        {"X-Slack-Request-Timestamp": "1" * 5000},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "١٢٣"},
        {"X-Slack-Signature": "підпис"},
        {"X-Slack-Signature": "v0="},
    ],
    ids=ascii,
)
def test_strange_headers_are_refused(post, stream, headers):
    body = json.dumps(recorded("text")).encode()

    assert post(body, headers={**signed(body), **headers}).status_code == 403
    assert stream() == []


def test_a_source_without_its_secret_says_so(post, slack):
    slack.config = {}
    slack.save()
    body = json.dumps(recorded("text")).encode()

    response = post(body, headers=signed(body, secret=""))

    assert response.status_code == 403
    assert "signing secret" in response.json()["detail"]


def test_the_signature_is_the_one_of_slacks_documentation():
    headers = {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": DOCUMENTED_SIGNATURE,
    }
    check_signature(Request(headers, DOCUMENTED, ""), SECRET, now=1531420618)

    with pytest.raises(Refused):
        check_signature(Request(headers, DOCUMENTED + b"x", ""), SECRET, now=1531420618)


@pytest.mark.parametrize(("workspace", "count"), [("", 1), ("T05SMACHNO", 1), ("T05STRANGER", 0)])
def test_only_the_workspace_of_the_settings_is_listened_to(post, stream, slack, workspace, count):
    slack.config = {"signing_secret": SECRET, "workspace_id": workspace}
    slack.save()

    assert post(recorded("text")).status_code == 200
    assert len(stream()) == count


def test_a_message_of_a_shared_channel_is_of_the_workspace_that_sees_it(post, stream, slack):
    slack.config = {"signing_secret": SECRET, "workspace_id": "T05SMACHNO"}
    slack.save()

    post(recorded("text") | {"team_id": "T05PARTNER", "context_team_id": "T05PARTNER"})

    assert len(stream()) == 1


@pytest.mark.parametrize("name", ["channel_join", "reaction_added", "unfurled", "own"])
def test_what_is_no_message_is_answered_and_ignored(post, stream, name):
    assert post(recorded(name)).status_code == 200
    assert (stream(), DeadLetter.objects.count()) == ([], 0)


def test_when_slack_holds_messages_back_the_log_says_so(post, stream, caplog):
    with caplog.at_level(logging.WARNING):
        assert post(recorded("app_rate_limited")).status_code == 200

    assert "app_rate_limited" in caplog.text
    assert stream() == []


def test_what_cannot_be_read_becomes_one_dead_letter_without_the_token(post, stream, slack):
    event = recorded("text")
    event["event"]["ts"] = "yesterday"

    assert [post(event).status_code for _ in range(2)] == [200, 200]

    letter = DeadLetter.objects.get()
    assert (letter.source, letter.subject) == (slack, f"slack.{slack.pk}")
    assert event["token"] not in letter.text
    assert "ts" in letter.reason
    assert stream() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"type": "event_callback", "event": {}}',
        b'{"type": "event_callback", "event_id": 5, "event": {}}',
        b'{"type": "event_callback", "event_id": "", "event": {}}',
        b'{"type": "url_verification"}',
        b'{"type": "url_verification", "challenge": {"a": 1}}',
    ],
    ids=ascii,
)
def test_what_is_no_event_is_refused_with_a_sentence(post, stream, body):
    response = post(body)

    assert response.status_code == 400
    assert response.json()["detail"]
    assert (stream(), DeadLetter.objects.count()) == ([], 0)


def test_slack_tries_again_when_jetstream_is_away(post):
    with jetstream_away():
        response = post(recorded("text"))

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_the_secret_is_encrypted_in_the_database(slack):
    with connection.cursor() as cursor:
        cursor.execute("SELECT config::text FROM sources_source WHERE id = %s", [slack.pk])
        (stored,) = cursor.fetchone()

    assert SECRET not in stored
