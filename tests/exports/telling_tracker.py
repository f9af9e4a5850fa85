"""A tracker in memory that says what became of its issues: when it is asked, and by calls."""

import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import pytest

from apps.exports.models import Tracker
from apps.exports.trackers import TRACKERS
from apps.exports.trackers.base import Changes, ExternalIssue, Refused, RemoteState, Request
from tasktracker.lib.plugins import PlugIn
from tests.exports.fake_tracker import Fake

SIGNATURE = "X-Telling-Signature"
Made = TypeVar("Made", bound=Fake)


class Telling(Fake):
    there: ClassVar[dict[UUID, RemoteState]] = {}
    asked: ClassVar[list[Any]] = []  # since when, or for which keys
    at_once = 100  # that `changed` tells
    looks_at = 100  # in one question

    @classmethod
    def forget(cls) -> None:
        super().forget()
        cls.there.clear()
        cls.asked.clear()

    def changed(self, since: datetime) -> Changes:
        self.asked.append(since)
        found = [state for state in self.there.values() if state.updated_at >= since]
        found.sort(key=lambda state: state.updated_at)
        told = found[: self.at_once]
        until = told[-1].updated_at if len(told) < len(found) else None
        return self._run("changed", lambda: Changes(told, until))

    def states(self, made: Mapping[UUID, ExternalIssue]) -> Mapping[UUID, RemoteState | None]:
        self.asked.append(set(made))
        found = {key: self.there.get(key) for key in list(made)[: self.looks_at]}
        return self._run("states", lambda: found)

    def receive(self, request: Request) -> Sequence[RemoteState]:
        given = request.headers.get(SIGNATURE, "")
        if not hmac.compare_digest(given, signature(request.body, request.secret)):
            raise Refused(401, "The signature is wrong.")
        return [
            RemoteState(
                id=said["id"],
                updated_at=datetime.fromisoformat(said["updated_at"]),
                key=UUID(said["key"]) if said.get("key") else None,
                status=said.get("status", ""),
                status_name=said.get("status_name", ""),
                title=said.get("title", ""),
            )
            for said in json.loads(request.body)
        ]

    def subscribe(self, url: str, secret: str) -> str:
        self._run("subscribe", lambda: self.asked.append((url, secret)))
        return "S-1"

    def unsubscribe(self, subscription: str) -> None:
        self._run("unsubscribe", lambda: self.asked.append(subscription))


def signature(body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


def in_memory(
    kind: type[Made], tracker: Tracker, monkeypatch: pytest.MonkeyPatch
) -> Iterator[type[Made]]:
    """The project's tracker is one of this class."""
    path = f"{kind.__module__}.{kind.__qualname__}"
    monkeypatch.setitem(TRACKERS, "fake", PlugIn("Fake", path))
    Tracker.objects.filter(pk=tracker.pk).update(kind="fake", name="Fake")
    tracker.refresh_from_db()
    kind.forget()
    yield kind
    kind.forget()
