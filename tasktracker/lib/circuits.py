"""Circuit breakers, one per model, shared by every process through Valkey.

A model that failed several times in a row rests; then one question probes it, and a good answer closes the
circuit. Losing this memory costs a few slow questions, so it needs no table.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

TROUBLE = 3  # a late answer, an error of the server, no connection
NONSENSE = 1  # an invalid answer weighs less: a message may provoke it
FULL = 9  # points in a row that open the circuit
FIRST_REST, LONGEST_REST = 30.0, 300.0  # seconds; doubled with each probe that fails
PROBE = 120.0  # seconds until another question may probe when nobody heard of the first
FORGET = 86_400  # seconds


@dataclass(frozen=True)
class State:
    """What is known of one model: `closed`, `open` (it rests) or `half-open` (the next one probes)."""

    model: str
    state: str
    points: int
    rests_for: float  # seconds
    last_error: str
    failed_at: float  # epoch seconds; 0.0 without a failure


def states(models: Iterable[str]) -> list[State]:
    """The circuits of these models; closed where nothing is known."""
    return [_state(model, _remembered(model)) for model in models]


def may_ask(model: str) -> bool:
    """Whether a question may go to this model now; of a half-open one, only the probe may."""
    state = _state(model, _remembered(model))
    if state.state == "half-open":
        return bool(
            _safely(lambda: _valkey().set(_probe(model), 1, nx=True, px=int(PROBE * 1000)), True)
        )
    return state.state == "closed"


def succeeded(model: str) -> None:
    _safely(lambda: _valkey().delete(_key(model), _probe(model)), None)


def failed(model: str, reason: str, *, points: int = TROUBLE, rest: float | None = None) -> None:
    """One more failure; `rest` opens the circuit at once for so many seconds."""
    _safely(lambda: _remember_failure(model, reason, points, rest), None)


def reset(models: Iterable[str]) -> None:
    """Forget everything about these models."""
    for model in models:
        succeeded(model)


def _remember_failure(model: str, reason: str, points: int, rest: float | None) -> None:
    key, now = _key(model), time.time()
    total = _valkey().hincrby(key, "points", FULL if rest is not None else points)
    _valkey().hset(key, mapping={"error": reason[:200], "failed_at": now})
    is_open = _state(model, _remembered(model)).state == "open"
    if total >= FULL and (rest is not None or not is_open):
        openings = _valkey().hincrby(key, "openings", 1)
        pause = FIRST_REST * 2 ** min(openings - 1, 10) if rest is None else rest
        _valkey().hset(key, "open_until", now + min(LONGEST_REST, pause))
        _valkey().delete(_probe(model))
        logger.warning("model %s rests: %s", model, reason)
    _valkey().expire(key, FORGET)


def _state(model: str, kept: dict[str, str]) -> State:
    points = int(kept.get("points", 0))
    rests_for = max(0.0, float(kept.get("open_until", 0.0)) - time.time())
    state = "closed" if points < FULL else "open" if rests_for else "half-open"
    return State(
        model,
        state,
        points,
        math.ceil(rests_for * 10) / 10,
        kept.get("error", ""),
        float(kept.get("failed_at", 0.0)),
    )


def _remembered(model: str) -> dict[str, str]:
    return dict(_safely(lambda: _valkey().hgetall(_key(model)), {}))


def _key(model: str) -> str:
    return f"llm:circuit:{model}"


def _probe(model: str) -> str:
    return f"llm:probe:{model}"


@lru_cache(maxsize=1)
def _valkey() -> Any:
    return redis.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, socket_timeout=1.0, socket_connect_timeout=1.0
    )


def _safely(call: Callable[[], Any], otherwise: Any) -> Any:
    """Without Valkey every circuit is closed: the time-outs still hold."""
    with suppress(redis.RedisError, OSError):
        return call()
    return otherwise
