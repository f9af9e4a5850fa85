"""What was filed in a project, in that order, read once so that it can be filed again in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db.models import F, Max, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.issues.dedup.base import Report
from apps.issues.models import Evidence, Filing, Issue
from apps.issues.search import report_of
from apps.messages.glossary import own_spellings
from apps.messages.models import Message, vectors_of
from apps.sources.models import Project
from tasktracker.lib import embeddings

MOST_BEFORE = 20_000  # earlier reports that new ones are compared with
#: These were not filed by comparing texts: they stay with what they belong to.
FOLLOWING = Evidence.FOLLOW_UPS | {Evidence.Level.EDIT, Evidence.Level.PERSON}
NEVER = float("inf")
FIELDS = (
    "text",
    "text_hash",
    "project_id",
    "sent_at",
    "category",
    "chat_id",
    "topic",
    "author_id",
    "reply_to_id",
    "alert_key",
    "external_id",
    "source_id",
    "edit",
)


@dataclass(frozen=True)
class Filed:
    """One message, as it was filed."""

    report: Report
    text: str  # as it was written
    alert_key: str
    filed_at: datetime
    level: str
    issue: int  # where it is now, or was filed to
    like: int | None  # the message that it was attached for
    replaces: int | None  # the message whose edit it is

    @property
    def number(self) -> int:
        return self.report.number

    @property
    def is_following(self) -> bool:
        return self.level in FOLLOWING


@dataclass(frozen=True)
class History:
    """Messages in the order of their filing; those before `start` stay grouped as they are."""

    project: Project
    messages: Sequence[Filed]
    start: int
    since: datetime | None
    until: datetime | None
    closed_at: Mapping[int, datetime]  # by issue
    is_cut: bool  # there were more than the limit

    @property
    def reports(self) -> Sequence[Filed]:
        """What is filed again."""
        return self.messages[self.start :]

    @cached_property
    def position(self) -> dict[int, int]:
        return {filed.number: place for place, filed in enumerate(self.messages)}

    @cached_property
    def columns(self) -> "Columns":
        return Columns(self.messages, self.closed_at)


class Columns:
    """The same messages as arrays, so that thousands are searched at once."""

    def __init__(self, messages: Sequence[Filed], closed_at: Mapping[int, datetime]) -> None:
        reports = [filed.report for filed in messages]
        self.sent = np.array([report.sent_at.timestamp() for report in reports], float)
        self.alerts = _codes(filed.alert_key for filed in messages)
        self.hashes = _codes(report.fingerprint for report in reports)
        self.has_vector = np.array([report.vector is not None for report in reports], bool)
        self.vectors = _stack(reports)
        #: When the issue that a message opened was closed.
        self.closed = np.array(
            [
                closed_at[filed.issue].timestamp() if filed.issue in closed_at else NEVER
                for filed in messages
            ],
            float,
        )


def history_of(project: Project, *, days: int, limit: int | None = None) -> History:
    """The reports of the `days` up to the newest one, at most the `limit` last filed."""
    filed = _messages(project)
    until = filed.aggregate(newest=Max("sent_at"))["newest"]
    if until is None:
        return History(project, [], 0, None, None, {}, is_cut=False)
    since = until - timedelta(days=days)
    reach = since - timedelta(days=project.open_issue_days)
    last = _last_filed_first(filed)
    reports = last.filter(sent_at__gte=since)
    chosen = set(reports[:limit])
    others = last.filter(sent_at__gte=reach).exclude(pk__in=chosen)[:MOST_BEFORE]
    wanted = filed.filter(pk__in=chosen.union(others)).only(*FIELDS)
    rows = _in_order(list(wanted), project)
    before = [row for row in rows if row.number not in chosen]
    again = [row for row in rows if row.number in chosen]
    issues = {row.issue for row in rows}
    closed = Issue.objects.filter(pk__in=issues, status__in=Issue.CLOSED)
    return History(
        project,
        [*before, *again],
        len(before),
        since=min((row.report.sent_at for row in again), default=since),
        until=until,
        closed_at=dict(closed.values_list("pk", "status_changed_at")),
        is_cut=len(chosen) < reports.count(),
    )


def _messages(project: Project) -> QuerySet[Message]:
    filings = Filing.objects.filter(issue__project=project).values("message")
    evidence = Evidence.objects.filter(issue__project=project).values("message")
    return Message.objects.filter(project=project, pk__in=filings.union(evidence))


def _last_filed_first(messages: QuerySet[Message]) -> QuerySet[Message, int]:
    """Their numbers; as `_in_order`, backwards."""
    filings = Filing.objects.filter(message=OuterRef("pk")).order_by("created_at", "pk")
    first = messages.alias(filing=Subquery(filings.values("pk")[:1]))
    filed_at = Coalesce(Subquery(filings.values("created_at")[:1]), "evidence__created_at")
    ordered = first.order_by(
        filed_at.desc(), F("filing").desc(nulls_first=True), F("evidence").desc()
    )
    return ordered.values_list("pk", flat=True)


def _in_order(messages: Sequence[Message], project: Project) -> list[Filed]:
    ids = [message.pk for message in messages]
    vectors = vectors_of(ids, embeddings.model_name())
    filings: dict[int, Filing] = {}
    fields = ("message_id", "issue_id", "level", "created_at")
    for first in Filing.objects.filter(message__in=ids).only(*fields):
        filings.setdefault(first.message_id, first)
    evidence = {row.message_id: row for row in Evidence.objects.filter(message__in=ids)}
    form_of = {message.pk: (message.source_id, message.external_id) for message in messages}
    lies = {form_of[number]: row for number, row in evidence.items()}  # in its newest wording
    revisions = _revisions(messages)
    own = own_spellings(project.pk)
    found: list[tuple[Any, Filed]] = []
    for message in messages:
        filing, row = filings.get(message.pk), evidence.get(message.pk)
        source: Filing | Evidence | None = row if filing is None else filing
        if source is None:
            continue
        level, lying = source.level, lies.get(form_of[message.pk])
        if level in FOLLOWING and lying is None:
            continue  # a person said that it is about no issue
        if level in Evidence.FOLLOW_UPS and lying is not None:
            level = lying.level  # what was split out is a report of its own since then
        filed = Filed(
            report=report_of(message, vectors.get(message.pk), own),
            text=message.text,
            alert_key=message.alert_key,
            filed_at=source.created_at,
            level=level,
            issue=row.issue_id if row is not None else source.issue_id,
            like=row.like_id if row is not None else None,
            replaces=revisions.get(message.pk),
        )
        found.append(((source.created_at, filing is None, source.pk), filed))
    return [filed for _key, filed in sorted(found, key=lambda pair: pair[0])]


def _revisions(messages: Iterable[Message]) -> dict[int, int]:
    """The earlier form of each edited message."""
    earlier: dict[tuple[int, str], int] = {}
    found = {}
    for message in sorted(messages, key=lambda message: (message.edit, message.pk)):
        key = (message.source_id, message.external_id)
        if key in earlier:
            found[message.pk] = earlier[key]
        earlier[key] = message.pk
    return found


def _codes(texts: Iterable[str]) -> npt.NDArray[np.int64]:
    """A number for each text that is not empty, 0 for none."""
    known: dict[str, int] = {"": 0}
    return np.array([known.setdefault(text, len(known)) for text in texts], np.int64)


def _stack(reports: Sequence[Report]) -> npt.NDArray[np.float32]:
    size = next((len(report.vector) for report in reports if report.vector is not None), 1)
    empty = np.zeros(size, np.float32)
    rows = [empty if report.vector is None else report.vector for report in reports]
    if not rows:
        return np.zeros((0, size), np.float32)
    # As precise as the search's own copies: what is nearest is chosen there by half-precision vectors.
    return np.stack(rows).astype(np.float16).astype(np.float32)
