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
    closed: ClassVar[list[UUID]] = []
    links: ClassVar[list[tuple[UUID, str]]] = []
    notes: ClassVar[dict[UUID, list[str]]] = {}  # every text of each note
    relations: ClassVar[dict[UUID, tuple[str, str, str]]] = {}
    calls: ClassVar[list[str]] = []
    before: ClassVar[dict[str, Callable[[], Any]]] = {}  # by verb
    after: ClassVar[dict[str, Callable[[], Any]]] = {}

    def __init__(self, config: Config, means: Means) -> None:
        self.means = means

    @classmethod
    def forget(cls) -> None:
        for memory in (cls.issues, cls.completed, cls.closed, cls.links, cls.calls):
            memory.clear()
        for told in (cls.notes, cls.relations):
            told.clear()
        for moments in (cls.before, cls.after):
            moments.clear()

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

    def close(self, made: ExternalIssue, *, key: UUID) -> None:
        self._run("close", lambda: self.closed.append(key))

    def link(self, made: ExternalIssue, other: ExternalIssue, words: str, *, key: UUID) -> None:
        self._run("link", lambda: self.links.append((key, words)))

    def note(self, made: ExternalIssue, text: str, *, key: UUID, note_id: str = "") -> str:
        self._run("note", lambda: self.notes.setdefault(key, []).append(f"{made.id}: {text}"))
        return f"note {key}"

    def relate(self, made: ExternalIssue, other: ExternalIssue, kind: str, *, key: UUID) -> None:
        self._run("relate", lambda: self.relations.update({key: (made.id, kind, other.id)}))

    def unrelate(self, made: ExternalIssue, other: ExternalIssue, *, key: UUID) -> None:
        self._run("unrelate", lambda: self.relations.pop(key, None))

    def check(self) -> list[Finding]:
        self.means.wait(timedelta(seconds=1))
        return []


def throw(error: Exception) -> None:
    raise error


class Spare(Fake):
    """The one that stands in."""

    issues: ClassVar[list[UUID]] = []
    completed: ClassVar[list[UUID]] = []
    closed: ClassVar[list[UUID]] = []
    links: ClassVar[list[tuple[UUID, str]]] = []
    calls: ClassVar[list[str]] = []
    before: ClassVar[dict[str, Callable[[], Any]]] = {}
    after: ClassVar[dict[str, Callable[[], Any]]] = {}
