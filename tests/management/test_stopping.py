"""Collector and ingester end cleanly when they are told to, also in the middle of a wait."""

import signal
import subprocess
import sys
import time

import pytest

from apps.sources.models import Source
from tasktracker.devstack.folder import BASE_DIR
from tasktracker.management.pipeline_processes import child_environment
from tasktracker.models import Heartbeat
from tests.stubs.telegram import TOKEN, telegram_server

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 60  # seconds for a process to start on a busy machine


def run_until(condition, *words, **environment):
    """Start the command, wait for the condition, end it; the exit code and how long the end took."""
    process = subprocess.Popen(
        [sys.executable, str(BASE_DIR / "manage.py"), *words],
        env={**child_environment(), **environment},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline, "it did not come to life"
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        return process.wait(timeout=10)
    finally:
        process.kill()
        process.wait()


def test_the_ingester_ends_when_told_to(transactional_db):
    def lives():
        return Heartbeat.objects.filter(name="ingester").exists()

    assert run_until(lives, "ingest_messages") == 0


def test_the_collector_ends_when_told_to(project):
    with telegram_server(hold=30) as telegram:
        Source.objects.create(
            project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN}
        )

        code = run_until(
            lambda: telegram.questions, "collect_messages", TELEGRAM_API_URL=telegram.url
        )

    assert code == 0
