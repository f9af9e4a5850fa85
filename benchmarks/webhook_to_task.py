"""How long it takes from a Telegram webhook to the task in Linear, with the local classifier.

    .venv/bin/python benchmarks/webhook_to_task.py [--messages 60] [--every 1.0] [--burst 20]

Runs the whole product (`manage.py up`) in a temporary folder, and a Linear of its own
(tests/stubs/linear) over HTTP. Posts reports of different problems, by many authors in four chats:
first one after the other at a steady pace, and between them the same question to that Linear directly,
to compare with; then a burst at once. A project without a limit of confidence approves them itself.

Prints milliseconds from the begin of the post to the moment when Linear has the issue, and in parts:

    answered    the webhook's answer; the parts below run beside it
    stored      from the post until the message is in PostgreSQL
    classified  from there until the classifier has said what it is
    filed       until its issue is opened and approved
    handed over until the export is in the outbox
    called      until Linear is called
    committed   until Linear has the issue

And milliseconds of the processor per report, by process with everything that it started; they hardly
depend on what else the machine does.
"""

import argparse
import atexit
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count, islice
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.stubs.linear.server import KEY, LinearServer, linear_server  # noqa: E402
from tests.stubs.linear.store import Store  # noqa: E402

if TYPE_CHECKING:
    from apps.sources.models import Source

REPORTS = ROOT / "data" / "training" / "dup_pairs.jsonl"
CHATS = 4
WARM_UP = 6  # messages; a worker's first one may wait for the models
UNTIL_READY, UNTIL_DONE = 240.0, 120.0  # seconds
SEED = 20261122
PARTS = ("stored", "classified", "filed", "handed over", "called", "committed")

numbers = count(1)

Work = dict[str, float]  # seconds of the processor, by process


class TimedStore(Store):
    """Remembers when it had each issue."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: dict[str, float] = {}

    def issueCreate(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        made = super().issueCreate(info, input)
        self.moments[made["issue"].id] = time.time()
        return made


@dataclass
class Posted:
    """One report, from the begin of its post."""

    number: int
    began: float
    answered: float  # ms


@dataclass
class Figures:
    """Milliseconds of the reports of one round that became tasks."""

    posted: int
    answered: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PARTS})


class Product:
    """A running `manage.py up`."""

    def __init__(self, folder: Path) -> None:
        self.run = folder / "run.json"
        self.url: str = self._record()["web"]
        self.services: dict[str, str] = self._record()["urls"]

    def work(self) -> Work:
        """What each process has computed so far."""
        return {name: processor_of_family(pid) for name, pid in self.processes().items()}

    def processes(self) -> dict[str, int]:
        """Their numbers by name."""
        return {name: pid for name, (pid, _created) in self._record()["processes"].items()}

    def _record(self) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self.run.read_text())
        return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=60)
    parser.add_argument("--every", type=float, default=1.0, help="Seconds between two of them.")
    parser.add_argument("--burst", type=int, default=20)
    options = parser.parse_args()
    texts = iter(reports(WARM_UP + options.messages + options.burst))
    with linear_server() as linear:
        linear.store = store = TimedStore()
        product = start_product(linear)
        source = make_source()

        def send(wanted: int, every: float, between: Callable[[], None] | None) -> list[Posted]:
            return posting(f"{product.url}{source.webhook_path}", source.webhook_secret,
                           list(islice(texts, wanted)), every, between)  # fmt: skip

        send(WARM_UP, options.every, None)
        wait_until_done(WARM_UP)
        direct: list[float] = []
        say(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
        work = [product.work()]
        steady = send(
            options.messages, options.every, lambda: direct.append(ask_directly(linear.url))
        )
        wait_until_done(WARM_UP + options.messages)
        work.append(product.work())
        burst = send(options.burst, 0.0, None)
        wait_until_done(WARM_UP + options.messages + options.burst)
        work.append(product.work())
        say(f"afterwards load {os.getloadavg()[0]:.1f}")
        moments = rows_of_reports()
        say("                       p50      p95    worst   ms")
        say(line("a direct question", direct))
        print_round(f"one every {options.every:g} s", figures(steady, moments, store), direct)
        print_work(work[0], work[1], len(steady))
        print_round("at once", figures(burst, moments, store), direct)
        print_work(work[1], work[2], len(burst))


# The product


def start_product(linear: LinearServer) -> Product:
    """`manage.py up` in a folder that goes away, and Django on its services."""
    from tasktracker.devstack import leftovers
    from tasktracker.devstack.folder import DataFolder
    from tests.recovery.free import free_port

    folder = DataFolder(Path(tempfile.mkdtemp(prefix="tasktracker-benchmark-")))
    atexit.register(shutil.rmtree, folder.path, ignore_errors=True)
    atexit.register(leftovers.clean_up, folder)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what follows happens
    for name in ("DATABASE_URL", "NATS_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    os.environ.update(
        DATA_DIR=str(folder.path),
        LOG_LEVEL="WARNING",
        LINEAR_API_URL=linear.url,
        OUTBOUND_PRIVATE_HOSTS="127.0.0.1",
    )
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tasktracker.settings.dev")
    port = free_port()
    log = folder.log_file("up")
    with log.open("wb") as output:
        up = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "manage.py", "up", "--no-demo", "--port", str(port)],
            cwd=ROOT, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    atexit.register(stop, up)
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: f"ready: {url}" in log.read_text(), UNTIL_READY, lambda: log.read_text())
    product = Product(folder.path)
    os.environ.update(product.services)
    import django

    django.setup()
    return product


def stop(up: "subprocess.Popen[bytes]") -> None:
    up.send_signal(signal.SIGTERM)
    try:
        up.wait(40)
    except subprocess.TimeoutExpired:
        up.kill()


def processor_of_family(pid: int) -> float:
    """Seconds that a process and those that it started have computed so far."""
    seconds = 0.0
    with suppress(psutil.NoSuchProcess):
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                seconds += times.user + times.system
    return seconds


def make_source() -> "Source":
    """A project whose issues approve themselves, its Linear, and a bot in a few chats."""
    from apps.exports.models import Tracker
    from apps.sources.models import Chat, Project, Source

    project = Project.objects.create(
        name="Benchmark", slug="benchmark", policy=Project.Policy.LOCAL,
        sure_threshold=0.0, auto_approve_above=0.0,
    )  # fmt: skip
    Tracker.objects.create(
        project=project, kind="linear", name="Linear", config={"api_key": KEY, "team": "t-core"}
    )
    source: Source = Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"mode": "webhook"}
    )
    for number in range(CHATS):
        Chat.objects.create(source=source, external_id=str(-100888 - number), state=Chat.State.ON)
    return source


def reports(wanted: int) -> list[str]:
    """Of different problems; a second report of one would make no task."""
    rows = [json.loads(row) for row in REPORTS.read_text(encoding="utf-8").splitlines()]
    texts = [row["text"] for row in rows if row["kind"] == "base"]
    random.Random(SEED).shuffle(texts)  # noqa: S311 - a fixed order
    if len(texts) < wanted:
        raise SystemExit(f"there are only {len(texts)} reports of different problems")
    return texts[:wanted]


# Posting


def posting(
    address: str,
    secret: str,
    texts: Sequence[str],
    every: float,
    between: Callable[[], None] | None,
) -> list[Posted]:
    """Each at its time, however long the answers take; and something in the pauses."""
    with ThreadPoolExecutor(len(texts) + 1) as threads:
        posts: list[Future[Posted]] = []
        started = time.monotonic()
        for place, text in enumerate(texts):
            time.sleep(max(0.0, started + place * every - time.monotonic()))
            posts.append(threads.submit(post, address, secret, next(numbers), text))
            if between is not None:
                time.sleep(every / 2)
                between()
        return [post.result() for post in posts]


def post(address: str, secret: str, number: int, text: str) -> Posted:
    update = {
        "update_id": number,
        "message": {
            "message_id": number,
            "date": int(time.time()),
            "chat": {
                "id": -100888 - number % CHATS, "type": "supergroup", "title": "benchmark"
            },
            "from": {
                "id": 1000 + number, "is_bot": False, "first_name": f"Олена {number}"
            },
            "text": text,
        },
    }  # fmt: skip
    began, started = time.time(), time.perf_counter()
    ask(address, update, {"X-Telegram-Bot-Api-Secret-Token": secret})
    return Posted(number, began, (time.perf_counter() - started) * 1000)


def ask_directly(address: str) -> float:
    """Milliseconds for one issue by the question that the product asks, and nothing around it."""
    from apps.exports.trackers.linear.operations import OPERATIONS

    wanted = {
        "id": str(uuid4()), "teamId": "t-core", "title": "Benchmark", "description": "а" * 600
    }  # fmt: skip
    question = {
        "operationName": "Create", "query": OPERATIONS["Create"], "variables": {"input": wanted}
    }  # fmt: skip
    started = time.perf_counter()
    answer = ask(address, question, {"Authorization": KEY})
    took = (time.perf_counter() - started) * 1000
    if not answer["data"]["issueCreate"]["success"]:
        raise SystemExit(f"the stub refuses it: {answer}")
    return took


def ask(address: str, value: Any, headers: dict[str, str]) -> Any:
    request = urllib.request.Request(  # noqa: S310 - our own address
        address,
        data=json.dumps(value, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json", **headers},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return json.loads(answer.read() or b"null")


def wait_until_done(wanted: int) -> None:
    """Until so many messages are stored and nothing waits any more."""
    from apps.exports.models import TaskExport
    from apps.issues.models import Issue
    from apps.messages.models import Message

    def is_done() -> bool:
        at_work = (
            model._default_manager.filter(status__in=model.WAITING, due_at__isnull=False)
            for model in (Message, Issue, TaskExport)
        )
        return Message.objects.count() >= wanted and not any(rows.exists() for rows in at_work)

    wait_for(is_done, UNTIL_DONE, lambda: "the reports are not done")


def wait_for(condition: Callable[[], bool], seconds: float, otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{otherwise()[-3000:]}\nnot within {seconds:.0f} s")
        time.sleep(0.2)


# Reading

Moments = tuple[datetime, datetime, datetime, datetime, datetime]


def rows_of_reports() -> dict[int, tuple[str, Moments]]:
    """By the number of the report that opened an issue: the issue's id in Linear, and the rows' moments."""
    from django.db.models import F, Max

    from apps.exports.models import TaskExport
    from apps.issues.models import Evidence

    opening = TaskExport.objects.filter(issue__evidence__level=Evidence.Level.OPENED)
    rows = opening.values_list(
        "uuid",
        "issue__evidence__message__external_id",
        "issue__evidence__message__created_at",
        # All of one answer are from one moment; a language model is not asked.
        Max(F("issue__evidence__message__classifications__created_at")),
        "issue__created_at",
        "created_at",
        "called_at",
    )
    return {
        int(external_id.rpartition(":")[2]): (str(uuid), tuple(moments))
        for uuid, external_id, *moments in rows
    }


def figures(
    posted: Iterable[Posted], rows: dict[int, tuple[str, Moments]], store: TimedStore
) -> Figures:
    posted = list(posted)
    found = Figures(posted=len(posted), answered=[one.answered for one in posted])
    for one in posted:
        if one.number not in rows:
            continue
        uuid, moments = rows[one.number]
        committed = store.moments[uuid]
        times = [one.began, *(moment.timestamp() for moment in moments), committed]
        found.whole.append((committed - one.began) * 1000)
        for place, name in enumerate(PARTS):
            found.parts[name].append((times[place + 1] - times[place]) * 1000)
    return found


# Printing


def print_round(name: str, found: Figures, direct: Sequence[float]) -> None:
    say(f"{name}: {found.posted} reports, {len(found.whole)} tasks")
    if not found.whole:
        return
    times = rank(found.whole, 0.5) / rank(direct, 0.5) if direct else 0.0
    say(f"{line('  webhook to task', found.whole)}   {times:.0f} times the direct question")
    say(line("    answered", found.answered))
    for part, milliseconds in found.parts.items():
        say(line(f"    {part}", milliseconds))


def print_work(before: Work, after: Work, reports: int) -> None:
    used = {name: (after[name] - before.get(name, 0.0)) * 1000 / reports for name in after}
    most = sorted(used.items(), key=lambda one: -one[1])
    parts = ", ".join(f"{name} {milliseconds:.0f}" for name, milliseconds in most)
    say(f"    processor {sum(used.values()):.0f} ms per report: {parts}")


def line(name: str, milliseconds: Sequence[float]) -> str:
    columns = "".join(f"{rank(milliseconds, part):9.1f}" for part in (0.5, 0.95, 1.0))
    return f"{name:<18}{columns}"


def rank(values: Sequence[float], part: float) -> float:
    """The smallest value that this part of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, ceil(len(ordered) * part) - 1)] if ordered else 0.0


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
