"""Advisory locks of PostgreSQL: one holder at a time, freed by the server when the holder dies."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
from django.db import connection

_LOCK = "SELECT pg_try_advisory_lock(%s, %s::int)"
#: What a session of its own does not need of Django's parameters.
_DJANGOS_OWN = frozenset({"context", "cursor_factory", "prepare_threshold"})


class HeldElsewhere(Exception):
    """Another process holds the lock."""


class Lock:
    """A lock that is held by a database session of its own."""

    def __init__(self, session: psycopg.AsyncConnection[Any]) -> None:
        self._session = session

    async def check(self) -> None:
        """Raise psycopg.Error when the session, and with it the lock, is lost."""
        await self._session.execute("SELECT 1")


@asynccontextmanager
async def advisory_lock(kind: int, number: int) -> AsyncIterator[Lock]:
    """Hold the lock (kind, number) for the body; raise HeldElsewhere at once when it is taken."""
    session = await psycopg.AsyncConnection.connect(**_parameters(), autocommit=True)
    try:
        answer = await session.execute(_LOCK, (kind, number % 2**31))
        row = await answer.fetchone()
        if row is None or not row[0]:
            raise HeldElsewhere(f"{kind}/{number}")
        yield Lock(session)
    finally:
        await session.close()


@contextmanager
def held(kind: int, number: int) -> Iterator[None]:
    """`advisory_lock` for those who do not await, in no transaction of anybody's."""
    with psycopg.connect(**_parameters(), autocommit=True) as session:
        row = session.execute(_LOCK, (kind, number % 2**31)).fetchone()
        if row is None or not row[0]:
            raise HeldElsewhere(f"{kind}/{number}")
        yield


def _parameters() -> dict[str, Any]:
    return {
        name: value
        for name, value in connection.get_connection_params().items()
        if name not in _DJANGOS_OWN
    }
