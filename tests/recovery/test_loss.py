"""Telegram's updates while everything on their way is killed: each is there once, and edits are in order.

A stub of Telegram is polled, or posts to the webhook; meanwhile `kill -9` hits the collector or the web
process, the ingester, NATS and PostgreSQL in an order that the seed gives. LOSS_UPDATES is how many
updates come in each mode, LOSS_SEED which order. The workers stand still: what becomes of the rows is
not the matter.
"""

import itertools
import json
import os
import random
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from tests.recovery.conftest import Stack, wait_for
from tests.stubs.telegram import TOKEN, TelegramServer
from tests.stubs.telegram_methods import HungUp, Refusal

UPDATES = int(os.environ.get("LOSS_UPDATES", "150"))
SEED = int(os.environ.get("LOSS_SEED", "1"))
RECOVERY = 60.0  # seconds; the promise of REL-07
ROUNDS = max(1, UPDATES // 1000)  # in each, every process on the way is killed once
PACE = UPDATES / 300  # seconds that a kill waits at most for the work that it hits
DRAINED = RECOVERY + UPDATES / 30  # what waits when the last one was killed takes its time
CHATS = [-1000700 - number for number in range(10)]
READ = [f"--chat={chat}" for chat in CHATS]  # without asking a person first
MODES = {
    "polling": ["collector", "ingester", "nats", "postgresql"],
    "webhook": ["web", "ingester", "nats", "postgresql"],
}
STANDING_STILL = ("worker-default", "worker-llm", "worker-exports", "beat")

MESSAGE: dict[str, Any] = {
    "date": 1_772_442_000,
    "chat": {"id": CHATS[0], "type": "supergroup", "title": "Loss"},
    "from": {"id": 7, "is_bot": False, "first_name": "Олена"},
    "text": "Каса не працює",
}
STORED = """
    SELECT count(*) FROM chat_messages_message m JOIN sources_source s ON s.id = m.source_id
    WHERE s.name = %s
"""
REVISIONS = """
    SELECT m.external_id, m.edit, m.text, m.is_superseded
    FROM chat_messages_message m JOIN sources_source s ON s.id = m.source_id WHERE s.name = %s
"""
DEAD = "SELECT count(*) FROM sources_deadletter"


@pytest.fixture(scope="module")
def project(stack: Stack) -> str:
    stack.manage("add_project", "Loss", "--json")
    return "loss"


@pytest.fixture(scope="module", autouse=True)
def _workers_stand_still(stack: Stack) -> Iterator[None]:
    pids = [stack.pid(name) for name in STANDING_STILL]
    for pid in pids:
        os.killpg(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        with suppress(ProcessLookupError):  # `up` may have put another one in its place
            os.killpg(pid, signal.SIGCONT)


def updates(mode: str, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Messages in several chats, and edits of some of them, the later the higher their date."""
    sent: list[dict[str, Any]] = []
    first = 1_000_000 if mode == "polling" else 2_000_000
    for number in range(first, first + UPDATES):
        if sent and chance.random() < 0.3:
            edited = chance.choice(sent[-20:])
            edited["edit_date"] = edited.get("edit_date", edited["date"]) + chance.randint(1, 5)
            edited["text"] = f"{mode} {edited['message_id']}, edited in update {number}"
            yield {"update_id": number, "edited_message": dict(edited)}
            continue
        message = {
            **MESSAGE,
            "message_id": number,
            "date": MESSAGE["date"] + number - first,
            "chat": {"id": chance.choice(CHATS), "type": "supergroup", "title": "Loss"},
            "text": f"{mode} {number}",
        }
        sent.append(message)
        yield {"update_id": number, "message": dict(message)}


def portions(told: list[dict[str, Any]], mode: str) -> Iterator[list[dict[str, Any]]]:
    size = -(-len(told) // (ROUNDS * len(MODES[mode])))
    return (told[start : start + size] for start in range(0, len(told), size))


def key_of(update: dict[str, Any]) -> tuple[str, int]:
    message = update.get("message") or update["edited_message"]
    return f"{message['chat']['id']}:{message['message_id']}", message.get("edit_date", 0)


def bad_weather(chance: random.Random) -> Callable[[str], Exception | None]:
    """Telegram itself now and then fails, asks for patience, or hangs up with the answer."""

    def weather(method: str) -> Exception | None:
        faults = {
            0: Refusal(502, "Bad Gateway"),
            1: Refusal(429, "Too Many Requests: retry after 1", retry_after=1),
            2: HungUp(),
        }
        return faults.get(chance.randrange(40))

    return weather


@pytest.mark.parametrize("mode", MODES)
def test_every_update_is_stored_once_and_edits_are_in_order(
    stack: Stack, project: str, telegram: TelegramServer, mode: str
) -> None:
    chance = random.Random(f"{SEED} {mode}")  # a number of its own for each mode
    told = list(updates(mode, chance))
    begin(stack, project, telegram, mode)
    telegram.trouble = bad_weather(random.Random(SEED))
    started = time.monotonic()
    kills: list[str] = []
    for victim, portion in zip(itertools.cycle(MODES[mode]), portions(told, mode), strict=False):
        telegram.add(*portion[: len(portion) // 2])
        wait_until_some_are_taken(telegram, chance.random() * len(portion) / 2)
        kill(stack, victim)
        kills.append(victim)
        telegram.add(*portion[len(portion) // 2 :])
    last_kill = time.monotonic()

    wait_for(lambda: not telegram.updates, DRAINED, "Telegram still holds updates")
    wait_for(lambda: stack.number(STORED, mode) >= len(told), DRAINED, "updates are missing")
    recovered = time.monotonic() - last_kill

    telegram.trouble = lambda method: None
    report(mode, told, kills, time.monotonic() - started, recovered, telegram)
    assert_whole(stack, mode, told)


def begin(stack: Stack, project: str, telegram: TelegramServer, mode: str) -> None:
    """A source in this mode, and the one of the other mode out of its way."""
    made = stack.manage(
        "add_source", "telegram", "--name", mode, "--project", project,
        "--set", f"bot_token={TOKEN}", "--set", f"mode={mode}", *READ, "--json",
    )  # fmt: skip
    if mode == "webhook":
        stack.manage("add_source", "telegram", "--name", "polling", "--project", project,
                     "--no-active", "--json")  # fmt: skip
        ask(telegram, "setWebhook", url=f"{stack.url}/webhook/telegram",
            secret_token=made["webhook_secret"])  # fmt: skip


def ask(telegram: TelegramServer, method: str, **form: Any) -> None:
    address = f"{telegram.url}/bot{TOKEN}/{method}"
    request = urllib.request.Request(
        address, json.dumps(form).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).close()


def wait_until_some_are_taken(telegram: TelegramServer, some: float) -> None:
    """The kill hits work in progress: in the middle of what waits, unless nothing moves."""
    with telegram.changed:
        wanted = max(0, len(telegram.updates) - int(some))
        telegram.changed.wait_for(lambda: len(telegram.updates) <= wanted, PACE)


def kill(stack: Stack, victim: str) -> None:
    """Whoever was killed before must be there again; whether it has got to work does not matter."""
    wait_for(lambda: victim in stack.run["processes"], RECOVERY, f"{victim} did not come back")
    with suppress(ProcessLookupError):  # it ended by itself, and is about to come back
        stack.kill(victim)


def report(
    mode: str,
    told: list[dict[str, Any]],
    kills: list[str],
    seconds: float,
    recovered: float,
    telegram: TelegramServer,
) -> None:
    counted = ", ".join(f"{name} {count}" for name, count in sorted(Counter(kills).items()))
    failed = sum(not 200 <= status < 300 for _, status in telegram.posts)
    print(  # noqa: T201 - figures, for `pytest -s`
        f"{mode}: {len(told)} updates, {len(kills)} kills ({counted}), {seconds:.0f} s, "
        f"whole {recovered:.0f} s after the last kill; {failed} of {len(telegram.posts)} posts failed"
    )


def assert_whole(stack: Stack, mode: str, told: list[dict[str, Any]]) -> None:
    rows = stack.rows(REVISIONS, mode)
    stored = Counter((external_id, edit) for external_id, edit, *_ in rows)
    wanted = {key_of(update) for update in told}
    assert wanted - stored.keys() == set()  # none lost
    assert stored.keys() - wanted == set()
    assert max(stored.values()) == 1  # none twice
    newest: dict[str, int] = {}
    for external_id, edit in wanted:
        newest[external_id] = max(newest.get(external_id, 0), edit)
    standing = {
        external_id: edit for external_id, edit, _, is_superseded in rows if not is_superseded
    }
    assert standing == newest
    assert sum(not is_superseded for *_, is_superseded in rows) == len(newest)
    assert stack.number(DEAD) == 0


def test_one_update_that_is_delivered_a_hundred_times_at_once_is_one_row(
    stack: Stack, project: str
) -> None:
    source = stack.manage(
        "add_source", "telegram", "--name", "hundred", "--project", project,
        "--set", "bot_token=9:test", "--set", "mode=webhook", *READ, "--json",
    )  # fmt: skip
    one, another = (
        {"update_id": number, "message": {**MESSAGE, "message_id": number}} for number in (1, 2)
    )

    def deliver(update: dict[str, Any]) -> int:
        request = urllib.request.Request(
            f"{stack.url}/webhook/telegram/{source['id']}",
            json.dumps(update).encode(),
            {
                "Content-Type": "application/json",
                "X-Telegram-Bot-Api-Secret-Token": source["webhook_secret"],
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)

    with ThreadPoolExecutor(100) as pool:
        statuses = Counter(pool.map(deliver, [one] * 100))
    deliver(another)  # which is stored after all of the others

    assert statuses == {200: 100}
    wait_for(lambda: stack.number(STORED, "hundred") >= 2, RECOVERY, "an update is missing")
    assert stack.number(STORED, "hundred") == 2
