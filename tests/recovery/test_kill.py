"""kill -9 in the middle of an import: nothing lost, nothing twice, finished within a minute.

The kills are real and so is everything that is killed. A few dozen messages are enough: what matters
is that some are stored, some are on their way and some are at work when the process dies.
"""

import http.client
import json
import random
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import redis

from tasktracker.devstack.folder import BASE_DIR
from tests.recovery.conftest import Stack, wait_for

MESSAGES = 60
IN_THE_MIDDLE = 15  # messages that are stored when the process dies
RECOVERY = 60.0  # seconds; the promise of REL-07
REPORTS = BASE_DIR / "data" / "training" / "dup_pairs.jsonl"

PARTS = ["оплата", "пошук", "кошик", "логін", "звіт", "експорт", "імпорт", "профіль", "доставка"]
PROBLEMS = ["падає з помилкою 500", "не відкривається на айфоні", "показує чужі дані"]

STORED = """
    SELECT count(*) FROM chat_messages_message m JOIN sources_source s ON s.id = m.source_id
    WHERE s.name = %s
"""
WAITING = STORED + " AND m.status IN ('received', 'unsure', 'actionable', 'follow_up')"
LOST_REPORTS = (
    STORED
    + """ AND m.status = 'filed'
    AND NOT EXISTS (SELECT 1 FROM issues_evidence e WHERE e.message_id = m.id)"""
)
APPROVED_WITHOUT_EXPORT = """
    SELECT count(*) FROM issues_issue i WHERE i.status = 'approved' AND NOT EXISTS
    (SELECT 1 FROM exports_taskexport e WHERE e.issue_id = i.id AND e.status = 'created')
"""
TWICE = """
    SELECT count(*) FROM (
        SELECT 1 FROM chat_messages_message GROUP BY source_id, external_id, edit
        HAVING count(*) > 1
    ) AS twice
"""
OPENED_TWICE = """
    SELECT count(*) FROM (
        SELECT 1 FROM issues_evidence WHERE level = 'opened' GROUP BY issue_id HAVING count(*) > 1
    ) AS twice
"""


@pytest.fixture(scope="module")
def project(stack: Stack) -> str:
    stack.manage(
        "add_project", "Recovery", "--auto-approve-above", "0.3", "--approves-history", "--json"
    )
    stack.manage("add_tracker", "json", "--name", "JSON", "--project", "recovery", "--json")
    return "recovery"


VICTIMS = ["ingester", "worker-default", "worker-exports", "valkey", "nats", "postgresql"]


def write_chat(path: Path, name: str) -> None:
    """Reports of different problems, with chatter between them."""
    lines = []
    rows = map(json.loads, REPORTS.read_text(encoding="utf-8").splitlines())
    reports = [row["text"] for row in rows if row["kind"] == "base"]
    for number, report in enumerate(random.Random(name).sample(reports, MESSAGES)):
        text = "дякую, гляну" if number % 4 == 3 else report
        lines.append(
            json.dumps(
                {
                    "id": str(number),
                    "text": text,
                    "author": "Олена",
                    "sent_at": f"2026-03-02T09:{number % 60:02}:00+00:00",
                    "chat": name,
                    "chat_id": name,
                },
                ensure_ascii=False,
            )
        )
    path.write_text("\n".join(lines), encoding="utf-8")


@pytest.mark.parametrize("victim", VICTIMS)
def test_an_import_survives_the_death_of(victim, stack, project, tmp_path):
    write_chat(tmp_path / "chat.jsonl", victim)
    importing = stack.begin(
        "import_messages", str(tmp_path / "chat.jsonl"), "--source", victim, "--project", project
    )
    wait_for(
        lambda: stack.number(STORED, victim) >= IN_THE_MIDDLE, 60, "the import did not get going"
    )

    if victim == "valkey":
        redis.Redis.from_url(stack.run["urls"]["REDIS_URL"]).flushall()
    deaths = stack.deaths(victim)
    stack.kill(victim)

    output, _ = importing.communicate(timeout=RECOVERY)
    wait_for(lambda: stack.deaths(victim) > deaths, RECOVERY, "nobody said that it died")
    wait_for(lambda: stack.is_back(victim), RECOVERY, "nobody said that it runs again")
    wait_for(lambda: stack.number("SELECT 1") == 1, RECOVERY, "PostgreSQL does not answer")
    if victim == "postgresql" and importing.returncode:
        # The command lost its own database; it says so, and the same command again goes on.
        again = stack.manage(
            "import_messages",
            str(tmp_path / "chat.jsonl"),
            "--source",
            victim,
            "--project",
            project,
            "--json",
        )
        assert again["read"] == MESSAGES
    else:
        assert importing.returncode == 0, output
    assert_whole(stack, victim)


def assert_whole(stack: Stack, source: str) -> None:
    """Everything is there once, filed, and exported."""
    wait_for(lambda: stack.number(WAITING, source) == 0, RECOVERY, "messages still wait")
    wait_for(
        lambda: stack.number(APPROVED_WITHOUT_EXPORT) == 0, RECOVERY, "exports are still missing"
    )
    assert stack.number(STORED, source) == MESSAGES
    assert stack.number(LOST_REPORTS, source) == 0
    assert stack.number(TWICE) == 0
    assert stack.number(OPENED_TWICE) == 0
    exports = stack.number("SELECT count(*) FROM exports_taskexport WHERE status = 'created'")
    files = list((stack.path / "exports").rglob("*.json"))
    assert len(files) == exports > 0


def test_telegram_loses_nothing_when_the_web_process_dies(stack, project):
    """Telegram sends an update again until it gets a 200; so does this."""
    source = stack.manage(
        "add_source", "telegram", "--name", "web", "--project", project,
        "--set", "bot_token=1:test", "--set", "mode=webhook", "--chat=-100777", "--json",
    )  # fmt: skip
    for number in range(MESSAGES):
        if number == IN_THE_MIDDLE:
            stack.kill("web")
        update = telegram_update(number)
        wait_for(lambda: post(stack, source, update), RECOVERY, "the webhook did not come back")  # noqa: B023

    wait_for(lambda: stack.number(STORED, "web") == MESSAGES, RECOVERY, "updates are missing")
    assert_whole(stack, "web")


def telegram_update(number: int) -> dict[str, Any]:
    part, problem = PARTS[number % len(PARTS)], PROBLEMS[number % len(PROBLEMS)]
    return {
        "update_id": 1000 + number,
        "message": {
            "message_id": number + 1,
            "date": 1_772_442_000 + number,
            "chat": {"id": -100777, "type": "supergroup", "title": "web"},
            "from": {"id": 7, "is_bot": False, "first_name": "Олена"},
            "text": f"{part} {problem}, web {number}",
        },
    }


def post(stack: Stack, source: dict[str, Any], update: dict[str, Any]) -> bool:
    request = urllib.request.Request(
        f"{stack.url}/webhook/telegram",
        data=json.dumps(update).encode(),
        headers={
            "Content-Type": "application/json",
            "X-Telegram-Bot-Api-Secret-Token": source["webhook_secret"],
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        if error.code != 503:
            pytest.fail(f"{error.code}: {error.read()!r}")
        return False
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return False
