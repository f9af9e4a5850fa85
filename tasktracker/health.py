"""What works and what does not: every part is asked at once, none may hold up the answer."""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.db import connection, connections
from django.utils import timezone

from tasktracker.celery import BEAT_EVERY, QUEUES
from tasktracker.lib import bus
from tasktracker.realtime import layer

TIMEOUT = 2.0  # seconds that one part has
FRESH = 3 * BEAT_EVERY  # seconds; an older beat is a missed one
REUSE = 1.0  # seconds that a report may be given again: anybody may ask, and asking costs something

#: Without these the product does not do its job.
NEEDED = frozenset({"database", "pgvector", "jetstream", "valkey", "workers"})

Facts = dict[str, Any]


class Failed(Exception):
    """A part answered, and it is not well; `facts` say more."""

    def __init__(self, reason: str, **facts: Any) -> None:
        super().__init__(reason)
        self.facts = facts


class Report(NamedTuple):
    status: str  # healthy, degraded, down
    checks: dict[str, Facts]
    at: str


def report() -> Report:
    """Ask every part, concurrently."""
    started = time.monotonic()
    asked = {name: _pool.submit(_timed, check) for name, check in CHECKS.items()}
    checks = {name: _answer(future, started) for name, future in asked.items()}
    sick = {name for name, facts in checks.items() if not facts["ok"]}
    status = "down" if sick & NEEDED else "degraded" if sick else "healthy"
    return Report(status, checks, timezone.now().isoformat())


def recent_report() -> Report:
    """The report of this moment, made once for everybody who asks within REUSE seconds."""
    global _recent
    with _recent_lock:
        made_at, made = _recent
        if made is None or time.monotonic() - made_at > REUSE:
            made = report()
            _recent = (time.monotonic(), made)
        return made


_recent: tuple[float, Report | None] = (0.0, None)
_recent_lock = threading.Lock()
# More threads than checks: one that hangs in a dead connection does not starve the next report.
_pool = ThreadPoolExecutor(max_workers=24, thread_name_prefix="health")


def _timed(check: Callable[[], Facts]) -> Facts:
    started = time.monotonic()
    facts: Facts = {"ok": True}
    try:
        facts |= check()
    except Failed as failure:
        facts |= {"ok": False, "error": str(failure), **failure.facts}
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a part is its answer
        facts |= {"ok": False, "error": type(error).__name__}
    facts["latency_ms"] = round((time.monotonic() - started) * 1000, 1)
    return facts


def _answer(future: "Future[Facts]", started: float) -> Facts:
    try:
        return future.result(max(0.0, started + TIMEOUT - time.monotonic()))
    except TimeoutError:
        future.cancel()
        waited = round((time.monotonic() - started) * 1000, 1)
        return {"ok": False, "error": "no answer in time", "latency_ms": waited}


# The parts


def _query(sql: str) -> list[tuple[Any, ...]]:
    """Ask on a connection of this thread, and leave none behind."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    finally:
        connections.close_all()


def _database() -> Facts:
    [(version,)] = _query("SHOW server_version")
    return {"version": version}


def _pgvector() -> Facts:
    rows = _query(
        "SELECT extversion, '[1,0]'::vector <=> '[0,1]'::vector"
        " FROM pg_extension WHERE extname = 'vector'"
    )
    if not rows:
        raise Failed("the extension is not installed")
    return {"version": rows[0][0]}


def _jetstream() -> Facts:
    return bus.status()


def _valkey() -> Facts:
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT
    )
    with closing(client):
        client.ping()
    return {}


def _workers() -> Facts:
    """Beats that went through a queue and came out of a worker."""
    ages = _ages("queue:%")
    queues = {name: _beat(ages.get(f"queue:{name}")) for name in QUEUES}
    silent = [name for name, beat in queues.items() if not beat["ok"]]
    if silent:
        raise Failed(f"no beat lately: {', '.join(silent)}", queues=queues)
    return {"queues": queues}


def _process(name: str) -> Callable[[], Facts]:
    def check() -> Facts:
        beat = _beat(_ages(name).get(name))
        if not beat["ok"]:
            raise Failed("no beat lately", age_seconds=beat["age_seconds"])
        return beat

    return check


def _ages(pattern: str) -> dict[str, float]:
    """Seconds since each beat, by the database's clock."""
    assert pattern.replace("%", "").replace(":", "").isalpha()
    rows = _query(
        "SELECT name, EXTRACT(EPOCH FROM now() - beat_at)::float8"  # noqa: S608 - our own words
        f" FROM tasktracker_heartbeat WHERE name LIKE '{pattern}'"
    )
    return {name: round(age, 1) for name, age in rows}


def _beat(age: float | None) -> Facts:
    return {"ok": age is not None and age <= FRESH, "age_seconds": age}


def _websocket() -> Facts:
    layer.probe(timeout=TIMEOUT)
    return {}


def _llm() -> Facts:
    """Whether the configured model's server takes connections; nothing is asked of the model."""
    url = settings.OLLAMA_URL or (settings.OPENAI_BASE_URL if settings.OPENAI_API_KEY else "")
    if not url:
        return {"configured": False}
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=TIMEOUT).close()
    except OSError as error:
        raise Failed("not reachable", configured=True) from error
    return {"configured": True}


CHECKS: Mapping[str, Callable[[], Facts]] = {
    "database": _database,
    "pgvector": _pgvector,
    "jetstream": _jetstream,
    "valkey": _valkey,
    "workers": _workers,
    "ingester": _process("ingester"),
    "collector": _process("collector"),
    "websocket": _websocket,
    "llm": _llm,
}
