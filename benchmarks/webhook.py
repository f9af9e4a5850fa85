"""How fast the webhook answers, and how many messages a second are safe after it.

    .venv/bin/python benchmarks/webhook.py [--messages 800] [--rounds 5] [--clients 16]

Starts services of its own in a temporary folder, with everything written through to the disk, and one
web process as the product runs it. In turns, so that all three see the same machine:

    webhook   Telegram updates, each from one of 16 clients with a connection of its own
    publish   as many bare publishes into the same stream, 16 at a time, each waiting for its acknowledgement
    row       the same updates to a view of the same web process that writes one row of PostgreSQL

Prints medians over the rounds: milliseconds until the answer, operations a second, and milliseconds of
the processor per operation, of the process that does it (the web process, or the publisher).
"""

import argparse
import asyncio
import atexit
import json
import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

TICKS = os.sysconf("SC_CLK_TCK")
WARM_UP = 100  # messages before the first round
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - its name

numbers = count(1)


@dataclass(frozen=True)
class Round:
    """One turn of one way."""

    latencies: list[float]  # ms
    seconds: float
    processor: float  # seconds

    @property
    def figures(self) -> list[float]:
        ordered = sorted(self.latencies)
        share = [ordered[int(len(ordered) * part)] for part in (0.5, 0.95, 0.99)]
        return [
            *share,
            len(ordered) / self.seconds,
            self.processor * 1000 / len(ordered),
        ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=16)
    options = parser.parse_args()
    start_services()
    source = make_source()
    with web_process() as (port, group):
        webhook = {
            "path": f"/webhook/telegram/{source.pk}",
            "headers": f"{SECRET_HEADER}: {source.webhook_secret}\r\n",
        }
        ways: dict[str, Callable[[int], Round]] = {
            "webhook": lambda n: posting(port, group, options.clients, n, **webhook),
            "publish": lambda n: publishing(options.clients, n),
            "row": lambda n: posting(port, group, options.clients, n, path="/row"),
        }
        for way in ways.values():
            way(WARM_UP)
        found: dict[str, list[list[float]]] = {name: [] for name in ways}
        for _ in range(options.rounds):
            for name, way in ways.items():
                found[name].append(way(options.messages).figures)
    say("              p50     p95     p99  a second  processor, ms each")
    for name, rounds in found.items():
        p50, p95, p99, rate, processor = (
            statistics.median(column) for column in zip(*rounds, strict=True)
        )
        say(f"{name:<10} {p50:6.1f}  {p95:6.1f}  {p99:6.1f}  {rate:8.0f}  {processor:8.2f}")


def start_services() -> None:
    """PostgreSQL, NATS and Valkey in a folder that goes away, and Django on them."""
    from tasktracker.devstack.embedded import EmbeddedServices
    from tasktracker.devstack.folder import DataFolder

    folder = DataFolder(Path(tempfile.mkdtemp(prefix="tasktracker-benchmark-")))
    atexit.register(shutil.rmtree, folder.path, ignore_errors=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what follows happens
    services = EmbeddedServices(folder)
    atexit.register(services.stop)
    services.start()
    os.environ.update(services.urls, DATA_DIR=str(folder.path), LOG_LEVEL="WARNING")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tasktracker.settings.dev")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def make_source() -> Any:
    from apps.sources.models import Project, Source

    project = Project.objects.create(name="Benchmark", slug="benchmark")
    return Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"mode": "webhook"}
    )


@contextmanager
def web_process() -> Iterator[tuple[int, int]]:
    """The web process of the product with one more address; its port and its process group."""
    import subprocess

    from tasktracker.devstack.processes import PROCESSES, stack_environment

    port = free_port()
    process = next(process for process in PROCESSES if process.name == "web")
    arguments = [
        "benchmarks.webhook_site:application" if "asgi" in word and ":" in word else word
        for word in process.arguments
    ]
    environment = stack_environment(
        "web",
        data=Path(os.environ["DATA_DIR"]),
        urls={name: os.environ[name] for name in ("DATABASE_URL", "NATS_URL", "REDIS_URL")},
        port=port,
        more=process.environment,
    )
    running = subprocess.Popen(arguments, cwd=ROOT, env=environment, start_new_session=True)  # noqa: S603
    try:
        wait_for(port)
        yield port, running.pid
    finally:
        os.killpg(running.pid, signal.SIGTERM)
        running.wait(20)


def free_port() -> int:
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_for(port: int) -> None:
    import socket

    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("the web process did not start")


def posting(
    port: int, group: int, clients: int, messages: int, *, path: str, headers: str = ""
) -> Round:
    """Each client posts, waits for the answer, and posts again."""

    async def client(share: int, latencies: list[float]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(share):
            body = json.dumps(update(next(numbers)), ensure_ascii=False).encode()
            head = (
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                f"{headers}Content-Length: {len(body)}\r\n\r\n"
            )
            started = time.perf_counter()
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if b" 200 " not in answer.partition(b"\r\n")[0]:
                raise SystemExit(answer.decode())
            await reader.readexactly(length_of(answer))
            latencies.append((time.perf_counter() - started) * 1000)
        writer.close()
        await writer.wait_closed()

    return timed(client, clients, messages, processor=lambda: processor_of_group(group))


def publishing(clients: int, messages: int) -> Round:
    """The stream's own speed: nothing but nats-py, with messages of the same size."""
    import nats
    from django.conf import settings

    from apps.sources.adapters.telegram.adapter import Telegram

    adapter = Telegram(Telegram.Config(), source_id=0)
    data = adapter.envelopes(update(1))[0].to_bytes()

    async def run() -> Round:
        connection = await nats.connect(settings.NATS_URL)
        stream = connection.jetstream()

        async def client(share: int, latencies: list[float]) -> None:
            for _ in range(share):
                started = time.perf_counter()
                headers = {"Nats-Msg-Id": f"bare/{next(numbers)}"}
                await stream.publish("chat.0", data, headers=headers)
                latencies.append((time.perf_counter() - started) * 1000)

        try:
            return await together(client, clients, messages, time.process_time)
        finally:
            await connection.close()

    return asyncio.run(run())


Client = Callable[[int, list[float]], Awaitable[None]]


def timed(client: Client, clients: int, messages: int, *, processor: Callable[[], float]) -> Round:
    return asyncio.run(together(client, clients, messages, processor))


async def together(
    client: Client, clients: int, messages: int, processor: Callable[[], float]
) -> Round:
    latencies: list[float] = []
    used, started = processor(), time.perf_counter()
    await asyncio.gather(*(client(messages // clients, latencies) for _ in range(clients)))
    return Round(latencies, time.perf_counter() - started, processor() - used)


def processor_of_group(group: int) -> float:
    """Seconds that the processes of a group have computed so far."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[2]) == group:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def length_of(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    raise SystemExit(f"an answer without a length: {head!r}")


def update(number: int) -> dict[str, Any]:
    """A message of a few sentences, in one of twenty chats."""
    return {
        "update_id": number,
        "message": {
            "message_id": number,
            "date": 1_772_442_000 + number,
            "chat": {"id": -100888 - number % 20, "type": "supergroup", "title": "benchmark"},
            "from": {
                "id": 7, "is_bot": False, "first_name": "Олена", "language_code": "uk"
            },
            "text": f"Оплата падає з помилкою 500, спроба {number}. "
            "Вчора ввечері ще працювало, а зранку вже ніхто не може оформити замовлення. " * 2,
        },
    }  # fmt: skip


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
