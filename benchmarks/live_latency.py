"""How long a webhook message takes to a browser and to its issue, on a running `make run`.

    DATA_DIR=.devstack .venv/bin/python benchmarks/live_latency.py [--messages 20]

Posts reports to a Telegram source of its own project one after another and listens on /ws. Prints
milliseconds from the post to the answer, to `message.new`, to `message.updated` and to the issue.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import websockets

ROOT = Path(__file__).resolve().parents[1]
PARTS = ["оплата", "пошук", "кошик", "логін", "звіт", "експорт", "імпорт", "профіль", "доставка"]
PROBLEMS = ["падає з помилкою 500", "не відкривається на айфоні", "показує чужі дані"]
PATIENCE = 30.0  # seconds for an issue


def manage(*arguments: str) -> dict[str, Any]:
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "manage.py", *arguments, "--json"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def post(url: str, secret: str, number: int) -> float:
    """Milliseconds until the webhook's answer."""
    update = {
        "update_id": number,
        "message": {
            "message_id": number,
            "date": int(time.time()),
            "chat": {"id": -100888, "type": "supergroup", "title": "benchmark"},
            "from": {"id": 7, "is_bot": False, "first_name": "Олена"},
            "text": f"{PARTS[number % 9]} {PROBLEMS[number % 3]}, спроба {number}",
        },
    }
    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{url}/webhook/telegram",
        data=json.dumps(update).encode(),
        headers={
            "Content-Type": "application/json",
            "X-Telegram-Bot-Api-Secret-Token": secret,
        },
    )
    started = time.perf_counter()
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        answer.read()
    return (time.perf_counter() - started) * 1000


async def measure(url: str, secret: str, token: str, count: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {"answer": [], "message.new": [], "stored": [], "filed": []}
    address = url.replace("http", "ws", 1) + "/ws?project=benchmark"
    headers = {"Authorization": f"Token {token}"}
    async with websockets.connect(address, additional_headers=headers) as socket:
        first = int(time.time())
        for number in range(first, first + count):
            started = time.perf_counter()
            posting = asyncio.create_task(asyncio.to_thread(post, url, secret, number))
            missing = {"message.new", "stored", "filed"}
            while missing:
                frame = json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))
                stage = stage_of(frame, number)
                if stage in missing:
                    missing.discard(stage)
                    found[stage].append((time.perf_counter() - started) * 1000)
            found["answer"].append(await posting)
    return found


def stage_of(frame: dict[str, Any], number: int) -> str:
    data = frame.get("data", {})
    if str(data.get("external_message_id", "")).rpartition(":")[2] != str(number):
        return ""
    if frame["type"] == "message.new":
        return "message.new"
    return "filed" if data.get("status") in {"filed", "noise"} else "stored"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20)
    count = parser.parse_args().messages
    folder = Path(os.environ.get("DATA_DIR", ROOT / ".devstack"))
    url = json.loads((folder / "run.json").read_text())["web"]
    manage("add_project", "Benchmark")
    source = manage(
        "add_source", "telegram", "--name", "benchmark", "--project", "benchmark",
        "--set", "mode=webhook", "--chat=-100888",
    )  # fmt: skip
    token = manage("create_token", "benchmark", "--create", "--project", "benchmark")["token"]
    found = asyncio.run(measure(url, source["webhook_secret"], token, count))
    for stage, milliseconds in found.items():
        ordered = sorted(milliseconds)
        print(  # noqa: T201
            f"{stage:<12} median {statistics.median(ordered):7.1f} ms"
            f"   worst of {len(ordered)} {ordered[-1]:7.1f} ms"
        )


if __name__ == "__main__":
    main()
