"""The health of real services; what is down is a closed port."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connections
from django.utils import timezone
from rest_framework.authtoken.models import Token

from tasktracker import health
from tasktracker.celery import QUEUES
from tasktracker.lib import bus
from tasktracker.models import Heartbeat

BEATS = [*(f"queue:{name}" for name in QUEUES), "ingester", "collector"]
ALL = {
    "database",
    "pgvector",
    "jetstream",
    "valkey",
    "workers",
    "ingester",
    "collector",
    "websocket",
    "llm",
}

# The checks ask on connections of their own, which see only what is committed.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _beats(transactional_db):
    for name in BEATS:
        Heartbeat.beat(name)


@pytest.fixture
def closed_port():
    """A port that refuses connections: bound, never listening."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def no_database(monkeypatch, closed_port):
    for name, value in (("HOST", "127.0.0.1"), ("PORT", str(closed_port))):
        monkeypatch.setitem(connections.settings["default"], name, value)


@pytest.fixture
def no_nats(settings, closed_port) -> Iterator[None]:
    bus.close()
    settings.NATS_URL = f"nats://127.0.0.1:{closed_port}"
    yield
    bus.close()


def silence(name):
    Heartbeat.objects.filter(name=name).update(beat_at=timezone.now() - timedelta(seconds=90))


def test_everything_is_well(anybody):
    response = anybody.get("/api/health")

    report = response.json()
    assert {name: facts["ok"] for name, facts in report["checks"].items()} == dict.fromkeys(
        ALL, True
    )
    assert (response.status_code, report["status"]) == (200, "healthy")
    assert report["timestamp"]
    assert all(facts["latency_ms"] >= 0 for facts in report["checks"].values())


def test_every_queue_tells_the_age_of_its_beat(anybody):
    queues = anybody.get("/api/health/").json()["checks"]["workers"]["queues"]

    assert set(queues) == set(QUEUES)
    assert all(queue["age_seconds"] >= 0 for queue in queues.values())


@pytest.mark.parametrize("lost", ["old", "none"])
def test_worker_without_a_beat_is_down(anybody, lost):
    silence("queue:llm") if lost == "old" else Heartbeat.objects.filter(name="queue:llm").delete()

    response = anybody.get("/api/health")

    workers = response.json()["checks"]["workers"]
    assert (response.status_code, response.json()["status"]) == (503, "down")
    assert {name: queue["ok"] for name, queue in workers["queues"].items()} == {
        "default": True,
        "llm": False,
        "exports": True,
    }


@pytest.mark.parametrize("name", ["ingester", "collector"])
def test_silent_ingester_or_collector_degrades(anybody, name):
    silence(name)

    response = anybody.get("/api/health")

    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["checks"][name]["ok"] is False
    assert response.json()["checks"][name]["age_seconds"] > 60


def test_without_the_database_health_still_answers(anybody, no_database):
    anybody.credentials(HTTP_AUTHORIZATION="Token whatever")

    response = anybody.get("/api/health")

    checks = response.json()["checks"]
    assert (response.status_code, response.json()["status"]) == (503, "down")
    assert [name for name in ("database", "pgvector", "workers") if checks[name]["ok"]] == []
    assert checks["jetstream"]["ok"]


def test_without_jetstream_it_is_down(anybody, no_nats):
    response = anybody.get("/api/health")

    assert (response.status_code, response.json()["status"]) == (503, "down")
    assert response.json()["checks"]["jetstream"]["ok"] is False
    assert response.json()["checks"]["database"]["ok"]


def test_without_valkey_it_is_down(anybody, settings, closed_port):
    settings.REDIS_URL = f"redis://127.0.0.1:{closed_port}/0"

    response = anybody.get("/api/health")

    assert response.status_code == 503
    assert response.json()["checks"]["valkey"]["ok"] is False


def test_llm_that_does_not_answer_only_degrades(anybody, settings, closed_port):
    settings.OLLAMA_URL = f"http://127.0.0.1:{closed_port}"

    response = anybody.get("/api/health")

    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    llm = response.json()["checks"]["llm"]
    assert (llm["ok"], llm["configured"]) == (False, True)


def test_strangers_learn_no_versions_and_no_errors(anybody, settings, closed_port):
    settings.REDIS_URL = f"redis://127.0.0.1:{closed_port}/0"

    checks = anybody.get("/api/health").json()["checks"]

    known = {name for facts in checks.values() for name in facts}
    assert known <= {"ok", "latency_ms", "age_seconds", "queues", "configured"}


@pytest.mark.parametrize(("is_staff", "told"), [(True, True), (False, False)])
def test_staff_learn_more(anybody, is_staff, told):
    user = get_user_model().objects.create_user("iryna", is_staff=is_staff)
    anybody.credentials(HTTP_AUTHORIZATION=f"Token {Token.objects.create(user=user).key}")

    checks = anybody.get("/api/health").json()["checks"]

    assert ("version" in checks["database"]) is told
    assert ("pending" in checks["jetstream"]) is told


def test_checks_run_at_the_same_time(monkeypatch):
    everybody = threading.Barrier(9, timeout=20)  # passes only when all nine wait in it together

    def wait():
        everybody.wait()
        return {}

    monkeypatch.setattr(health, "CHECKS", dict.fromkeys(ALL, wait))
    monkeypatch.setattr(health, "TIMEOUT", 20.0)

    assert health.report().status == "healthy"


def test_part_that_hangs_does_not_hold_up_the_answer(monkeypatch):
    over = threading.Event()

    def hang():
        over.wait(20)
        return {}

    monkeypatch.setattr(health, "CHECKS", {**health.CHECKS, "valkey": hang})
    monkeypatch.setattr(health, "TIMEOUT", 0.5)
    report = health.report()
    over.set()

    assert report.status == "down"
    assert report.checks["valkey"]["error"] == "no answer in time"


def test_many_who_ask_at_once_cost_one_report(anybody, monkeypatch):
    asked = []

    def count():
        asked.append(1)
        return {}

    monkeypatch.setattr(health, "CHECKS", {**health.CHECKS, "valkey": count})
    monkeypatch.setattr(health, "REUSE", 60.0)
    for _ in range(3):
        anybody.get("/api/health")

    assert len(asked) == 1
