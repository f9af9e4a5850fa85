"""A tracker in memory that does what a test says before it answers."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from apps.exports.trackers.base import ExternalIssue, Finding, IssuePayload, Means


class Fake:
    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

    issues: ClassVar[list[UUID]] = []  # what was made there, in order
    completed: ClassVar[list[UUID]] = []
    calls: ClassVar[list[str]] = []
    before: ClassVar[dict[str, Callable[[], Any]]] = {}  # by verb
    after: ClassVar[dict[str, Callable[[], Any]]] = {}

    def __init__(self, config: Config, means: Means) -> None:
        self.means = means

    @classmethod
    def forget(cls) -> None:
        for memory in (cls.issues, cls.completed, cls.calls, cls.before, cls.after):
            memory.clear()

    @classmethod
    def does(
        cls, verb: str, *, before: Exception | None = None, after: Exception | None = None
    ) -> None:
        for moments, error in ((cls.before, before), (cls.after, after)):
            moments.pop(verb, None)
            if error is not None:
                moments[verb] = partial(throw, error)

    def _run(self, verb: str, work: Callable[[], Any]) -> Any:
        self.calls.append(verb)
        if verb in self.before:
            self.before[verb]()
        result = work()
        if verb in self.after:
            self.after[verb]()
        return result

    def create(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        self._run("create", lambda: self.issues.append(key))
        return ExternalIssue(f"FAKE-{len(self.issues)}", "https://fake.example/1")

    def find(self, key: UUID) -> ExternalIssue | None:
        found = self._run("find", lambda: key in self.issues)
        return ExternalIssue("FAKE-1", "https://fake.example/1") if found else None

    def complete(self, made: ExternalIssue, issue: IssuePayload, *, key: UUID) -> None:
        self._run("complete", lambda: self.completed.append(key))

    def check(self) -> list[Finding]:
        self.means.wait(timedelta(seconds=1))
        return []


def throw(error: Exception) -> None:
    raise error
