"""A platform's answer waits for JetStream, and neither for browsers nor for PostgreSQL."""

import json
import os
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from django.db import connection

from apps.sources.intake import envelopes_accepted, telling
from apps.sources.models import Chat
from tasktracker.realtime.models import Event
from tests.sources.conftest import recorded

PATIENCE = 30.0  # seconds


@pytest.fixture
def post(client, telegram_source):
    def send(update):
        return client.post(
            "/webhook/telegram",
            json.dumps(update),
            content_type="application/json",
            headers={"X-Telegram-Bot-Api-Secret-Token": telegram_source.webhook_secret},
        )

    return send


@contextmanager
def postgresql_takes_no_connections():
    """The server's main process stands still: it neither refuses nor answers."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        pid_file = Path(cursor.fetchone()[0], "postmaster.pid")
    if not pid_file.exists():
        # DATABASE_URL may point at a server elsewhere, which nobody here can stop. The embedded one, which
        # is used without DATABASE_URL, always runs this.
        pytest.skip(
            "DATABASE_URL names a server on another machine, whose process cannot be stopped"
        )
    server = psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_the_answer_does_not_wait_for_those_who_are_told(post, stream):
    heard: list[str] = []
    go_on = threading.Event()

    def slow(envelopes, **_):
        go_on.wait(PATIENCE)
        heard.extend(envelope.external_id for envelope in envelopes)

    envelopes_accepted.connect(slow)
    try:
        response = post(recorded("text"))
        assert (response.status_code, heard) == (200, [])
        assert len(stream()) == 1
        go_on.set()
        telling.settle(timeout=PATIENCE)
    finally:
        envelopes_accepted.disconnect(slow)

    assert heard == ["-1002148830671:101"]


@pytest.mark.django_db(transaction=True)
def test_browsers_are_told_as_before(post, stream, telegram_source):
    update = recorded("text")
    Chat.objects.create(source=telegram_source, external_id=str(update["message"]["chat"]["id"]))
    post(update)
    telling.settle(timeout=PATIENCE)

    event = Event.objects.get(type="message.new")
    assert event.data["external_message_id"] == "101"


@pytest.mark.django_db(transaction=True)
def test_messages_get_in_while_postgresql_stands_still(post, stream):
    assert post(recorded("text")).status_code == 200  # the source is known from now on
    telling.settle(timeout=PATIENCE)

    with postgresql_takes_no_connections():
        connection.close()
        started = time.monotonic()
        response = post(recorded("reply"))
        taken = time.monotonic() - started

    assert response.status_code == 200
    assert taken < 2  # a connection is waited for five seconds
    assert len(stream()) == 2
