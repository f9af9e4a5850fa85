"""Telegram's webhook: 200 only when JetStream has the message; nothing that comes in is a 500."""

import json

import pytest
from django.db import OperationalError
from django.test import Client

from apps.sources import webhooks
from apps.sources.models import DeadLetter
from apps.sources.webhooks import known_sources
from tests.lib.jetstream import jetstream_away
from tests.sources.conftest import recorded

ADDRESS = "/webhook/telegram"


@pytest.fixture
def post(telegram_source):
    def send(body, *, address=ADDRESS, secret=telegram_source.webhook_secret):
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        client = Client(raise_request_exception=True, enforce_csrf_checks=True)
        return client.post(address, data, content_type="application/json", headers=headers)

    return send


def with_text(text):
    update = recorded("text")
    update["message"]["text"] = text
    return update


def test_a_message_is_in_the_stream_before_the_answer(post, stream, telegram_source):
    response = post(recorded("text"))

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    ((subject, envelope),) = stream()
    assert subject == f"chat.{telegram_source.pk}"
    assert envelope["external_id"] == "-1002148830671:101"


def test_the_source_can_be_in_the_address(post, stream, telegram_source):
    for address in (
        f"{ADDRESS}/",
        f"{ADDRESS}/{telegram_source.pk}",
        f"{ADDRESS}/{telegram_source.pk}/",
    ):
        assert post(recorded("text"), address=address).status_code == 200

    assert len(stream()) == 1  # the same message each time


def test_two_edits_of_one_second_are_two_messages_in_the_stream(post, stream):
    for text in ("Прод лежит", "Прод лежить", "Прод лежить"):
        update = recorded("edited")
        update["edited_message"]["text"] = text
        assert post(update).status_code == 200

    assert [envelope["text"] for _, envelope in stream()] == ["Прод лежит", "Прод лежить"]


def test_the_secret_of_another_source_does_not_open_this_one(post, telegram_source):
    assert post(recorded("text"), address=f"{ADDRESS}/{telegram_source.pk + 1}").status_code == 403


@pytest.mark.parametrize(("secret", "status"), [(None, 401), ("", 401), ("wrong", 403)])
def test_without_the_secret_nothing_gets_in(post, stream, secret, status):
    response = post(recorded("text"), secret=secret)

    assert response.status_code == status
    assert response.json()["detail"]
    assert stream() == []


def test_an_inactive_source_takes_nothing(post, telegram_source):
    telegram_source.is_active = False
    telegram_source.save()

    assert post(recorded("text")).status_code == 403


def test_another_kind_of_source_is_not_telegrams(post, telegram_source):
    telegram_source.kind = "api"
    telegram_source.save()

    assert post(recorded("text")).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'"text"',
        b"null",
        b"{}",
        b'{"update_id": "5"}',
        b'{"update_id": true}',
        b'{"update_id": 1.5}',
        b'{"update_id": -1}',
        b'{"update_id": %s}' % (b"9" * 5000),
        b'{"update_id": 1, "message": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"update_id": 1, "message": ' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}",
    ],
    ids=lambda body: repr(body[:30]),
)
def test_what_is_no_update_is_refused_with_a_sentence(post, stream, body):
    response = post(body)

    assert response.status_code == 400
    assert response.json()["detail"]
    assert (stream(), DeadLetter.objects.count()) == ([], 0)


@pytest.mark.parametrize("size", [1_100_000, 10_000_000])
def test_a_body_that_is_too_large_is_refused(post, size):
    response = post(with_text("а" * (size // 2)))

    assert response.status_code == 413
    assert response.json()["detail"]


def test_an_update_that_cannot_be_read_becomes_one_dead_letter(post, stream, telegram_source):
    update = recorded("text")
    update["message"]["date"] = "yesterday\ud800\x00"

    assert [post(update).status_code for _ in range(2)] == [200, 200]

    letter = DeadLetter.objects.get()
    assert (letter.source, letter.sequence) == (telegram_source, update["update_id"])
    assert "date" in letter.reason
    assert json.loads(bytes(letter.payload)) == update
    assert stream() == []


@pytest.mark.parametrize("name", ["callback_query", "joined"])
def test_what_is_no_message_is_answered_and_ignored(post, stream, name):
    assert post(recorded(name)).status_code == 200
    assert (stream(), DeadLetter.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    "text",
    [
        "нуль\x00байт",
        "\u202eabc\u200b\u2066",
        "<img src=x onerror=alert(1)>",
        "'; DROP TABLE sources_source; --",
        "\ud83d",
        "я" * 100_000,
    ],
    ids=lambda text: ascii(text[:20]),
)
def test_text_is_only_text(post, stream, text):
    assert post(with_text(text)).status_code == 200
    ((_, envelope),) = stream()
    assert envelope["text"] == text.replace("\x00", "").replace("\ud83d", "\ufffd")[:20_000]


def test_without_an_acknowledgement_telegram_is_asked_to_come_again(post):
    with jetstream_away():
        response = post(recorded("text"))

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_messages_get_in_while_postgresql_is_away(post, stream, monkeypatch):
    post(recorded("text"))
    monkeypatch.setattr(known_sources, "FRESH", 0)
    known_sources.forget()
    post(recorded("text"))

    def away(secret):
        raise OperationalError("connection refused")

    monkeypatch.setattr(webhooks, "_source_with", away)

    assert post(recorded("reply")).status_code == 200
    assert len(stream()) == 2


def test_a_secret_that_nobody_can_check_is_tried_again_later(post, monkeypatch):
    def away(secret):
        raise OperationalError("connection refused")

    monkeypatch.setattr(webhooks, "_source_with", away)

    assert post(recorded("text")).status_code == 503


def test_only_post_is_spoken_here(client):
    response = client.get(ADDRESS)

    assert (response.status_code, response.headers["Allow"]) == (405, "POST, HEAD")
    assert client.head(ADDRESS).status_code == 200
