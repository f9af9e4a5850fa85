"""What a container asks to know whether its process works."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasktracker.models import Heartbeat

ROOT = Path(__file__).parents[2]


@pytest.fixture
def health(live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setattr(
            "tasktracker.health._recent", (0.0, None)
        )  # a report lives for a second
        return subprocess.run(
            [sys.executable, str(ROOT / "deploy/healthcheck.py"), *arguments],
            env={"HEALTH_URL": f"{live_server.url}/api/health", "ALLOWED_HOSTS": ".example.com"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_web_process_that_answers_is_well(health: Any):
    assert health("web").returncode == 0


def test_a_worker_is_well_once_a_beat_went_through_its_queue(health: Any):
    Heartbeat.beat("queue:llm")

    assert health("queue", "llm", "180").returncode == 0
    assert "queue default: never a beat" in health("queue", "default", "45").stderr


def test_a_worker_whose_last_beat_is_old_is_sick(health: Any):
    Heartbeat.objects.create(name="queue:llm", beat_at="2026-01-01T00:00:00Z")

    assert "queue llm: last beat" in health("queue", "llm", "180").stderr


def test_beat_is_well_while_any_queue_beats(health: Any):
    assert health("beat", "60").returncode == 1
    Heartbeat.objects.create(name="queue:llm", beat_at="2026-01-01T00:00:00Z")
    Heartbeat.beat("queue:exports")

    assert health("beat", "60").returncode == 0


def test_a_process_is_well_while_it_beats_by_itself(health: Any):
    Heartbeat.beat("ingester")

    assert health("process", "ingester", "60").returncode == 0
    assert health("process", "collector", "60").returncode == 1


def test_no_answer_is_a_sick_container():
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy/healthcheck.py"), "web"],
        env={"HEALTH_URL": "http://127.0.0.1:9/api/health"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "does not answer" in done.stderr
