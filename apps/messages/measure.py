"""How the classifiers do: what they answered, how sure, how fast, for how much, and who agrees.

A day that is over is added up once (`close_days`); reading adds today's rows to that, so a page or a
scrape costs the same after a year. Closed days stay when their messages are deleted: counters only grow.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import connection
from django.db.models import Count, Max, Q
from django.utils import timezone

from apps.messages.answers import PERSON
from apps.messages.models import AnswersOfDay, Message
from tasktracker.lib.text import language_of

Counts = npt.NDArray[np.int64]

#: Upper edges of the times in milliseconds; one more bin takes what is slower.
LATENCY_EDGES = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(1000, 2000, 5000, 10_000, 20_000, 60_000),
)
CONFIDENCE_BINS = 10
SETTLED_AFTER = timedelta(hours=1)  # a transaction of yesterday may still be at work at midnight
COMPARED = 5000  # newest answers of an LLM or a person that are compared; bounds the work on a busy project
READ = 2000  # newest texts whose language is looked at


@dataclass
class Totals:
    """Sums over any number of answers."""

    answers: int = 0
    cached: int = 0
    tokens: int = 0
    input_tokens: int = 0
    cost_usd: float = 0.0
    latency_ms: float = 0.0  # of the answers that did not come from the cache, like `latencies`
    latencies: Counts = field(default_factory=lambda: np.zeros(len(LATENCY_EDGES) + 1, np.int64))
    confidences: Counts = field(default_factory=lambda: np.zeros(CONFIDENCE_BINS, np.int64))

    def add(self, other: "Totals") -> None:
        self.answers += other.answers
        self.cached += other.cached
        self.tokens += other.tokens
        self.input_tokens += other.input_tokens
        self.cost_usd += other.cost_usd
        self.latency_ms += other.latency_ms
        self.latencies = self.latencies + other.latencies
        self.confidences = self.confidences + other.confidences

    def latency(self, share: float) -> float | None:
        """The time below which this share of the answers stayed, read off the bins."""
        rank = share * self.latencies.sum()
        if rank <= 0:
            return None
        below = 0
        for edge, before, count in zip(
            (*LATENCY_EDGES, LATENCY_EDGES[-1]), (0, *LATENCY_EDGES), self.latencies, strict=True
        ):
            if below + count >= rank:
                return float(before + (edge - before) * (rank - below) / count)
            below += count
        return float(LATENCY_EDGES[-1])


class Row(NamedTuple):
    """What one classifier answered in one category, in one project, on one day."""

    project_id: int
    day: date
    classifier: str
    category: str
    totals: Totals


def answers(*, since: date | None = None, project_ids: Collection[int] | None = None) -> list[Row]:
    """Closed days from the table, the rest counted now; None means all."""
    closed_until = last_closed_day()
    rows = closed(closed_until, since=since, project_ids=project_ids) if closed_until else []
    return rows + live(closed_until, since=since, project_ids=project_ids)


def last_closed_day() -> date | None:
    day: date | None = AnswersOfDay.objects.aggregate(last=Max("day"))["last"]
    return day


def closed(
    until: date, *, since: date | None = None, project_ids: Collection[int] | None = None
) -> list[Row]:
    """Days that are over, up to and with `until`."""
    rows = AnswersOfDay.objects.filter(day__lte=until)
    if since is not None:
        rows = rows.filter(day__gte=since)
    if project_ids is not None:
        rows = rows.filter(project_id__in=project_ids)
    return [_row(values) for values in rows.values_list(*_COLUMNS)]


def live(
    closed_until: date | None,
    *,
    since: date | None = None,
    project_ids: Collection[int] | None = None,
) -> list[Row]:
    """Days after `closed_until`, from the answers themselves."""
    first = None if closed_until is None else closed_until + timedelta(days=1)
    if since is not None:
        first = since if first is None else max(first, since)
    ids = None if project_ids is None else list(project_ids)
    with connection.cursor() as cursor:
        cursor.execute(_SUMS, _parameters(first, None) | {"ids": ids})
        return [_row(values) for values in cursor.fetchall()]


def close_days() -> int:
    """Add up every day that is over and not closed yet; how many rows that made."""
    today = timezone.localtime(timezone.now() - SETTLED_AFTER).date()
    last = last_closed_day()
    first = None if last is None else last + timedelta(days=1)
    columns = ", ".join(_COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {AnswersOfDay._meta.db_table} ({columns}) {_SUMS} ON CONFLICT DO NOTHING",
            _parameters(first, today) | {"ids": None},
        )
        return int(cursor.rowcount)


_COLUMNS = (
    *("project_id", "day", "classifier", "category", "answers", "cached", "tokens"),
    *("input_tokens", "cost_usd", "latency_ms", "latencies", "confidences"),
)


def _row(values: Sequence[Any]) -> Row:
    project_id, day, classifier, category, *sums = values
    totals = Totals(*sums)
    totals.latencies, totals.confidences = np.asarray(sums[-2]), np.asarray(sums[-1])
    return Row(project_id, day, classifier, category, totals)


def _parameters(first: date | None, end: date | None) -> dict[str, Any]:
    """Midnights of the days, so that the index on the time of the answer is used."""
    return {
        "zone": settings.TIME_ZONE,
        "start": midnight(first) if first else None,
        "end": midnight(end) if end else None,
        "edges": list(LATENCY_EDGES),
    }


def midnight(day: date) -> datetime:
    """When this day begins where the team is."""
    return timezone.make_aware(datetime.combine(day, time.min))


def _bins(count: int, condition: str) -> str:
    counted = ", ".join(
        f"count(*) FILTER (WHERE {condition} = {number})" for number in range(count)
    )
    return f"ARRAY[{counted}]::integer[]"


_TIME = "NOT c.is_cached AND width_bucket(c.latency_ms, %(edges)s::float8[])"
_SURE = f"least(floor(c.confidence * {CONFIDENCE_BINS}), {CONFIDENCE_BINS - 1})"
# The names in it are ours; values come as parameters.
_SUMS = f"""
SELECT m.project_id, (c.created_at AT TIME ZONE %(zone)s)::date AS day, c.classifier, c.category,
       count(*), count(*) FILTER (WHERE c.is_cached), coalesce(sum(c.tokens), 0)::bigint,
       coalesce(sum(c.input_tokens), 0)::bigint, coalesce(sum(c.cost_usd), 0)::float8,
       coalesce(sum(c.latency_ms) FILTER (WHERE NOT c.is_cached), 0)::float8,
       {_bins(len(LATENCY_EDGES) + 1, _TIME)}, {_bins(CONFIDENCE_BINS, _SURE)}
FROM chat_messages_classification c JOIN chat_messages_message m ON m.id = c.message_id
WHERE c.created_at >= coalesce(%(start)s::timestamptz, '-infinity')
  AND c.created_at < coalesce(%(end)s::timestamptz, 'infinity')
  AND (%(ids)s::bigint[] IS NULL OR m.project_id = ANY(%(ids)s::bigint[]))
GROUP BY 1, 2, 3, 4
"""  # noqa: S608


# Who agrees with whom

Pairs = dict[tuple[str, str], int]  # (one's category, the other's) -> messages


def local_and_llm(*, since: date, project_ids: Iterable[int]) -> Pairs:
    """What the LLM was asked about: (the answer before, the LLM's), the newest COMPARED of them."""
    return _pairs(
        """
        WITH judged AS (
            SELECT c.message_id, c.id, c.category
            FROM chat_messages_classification c JOIN chat_messages_message m ON m.id = c.message_id
            WHERE c.created_at >= %(start)s AND c.classifier LIKE 'llm:%%'
              AND m.project_id = ANY(%(ids)s)
            ORDER BY c.created_at DESC LIMIT %(limit)s
        )
        SELECT machine.category, judged.category, count(*)
        FROM judged CROSS JOIN LATERAL (
            SELECT category FROM chat_messages_classification
            WHERE message_id = judged.message_id AND id < judged.id
              AND classifier NOT LIKE 'llm:%%' AND classifier <> %(person)s
            ORDER BY id DESC LIMIT 1
        ) machine GROUP BY 1, 2
        """,
        since,
        project_ids,
    )


def machine_and_person(*, since: date, project_ids: Iterable[int]) -> Pairs:
    """What people set by hand: (the machine's last answer, the person's), the newest COMPARED of them."""
    return _pairs(
        """
        WITH judged AS (
            SELECT * FROM (
                SELECT DISTINCT ON (c.message_id) c.message_id, c.id, c.category
                FROM chat_messages_classification c
                JOIN chat_messages_message m ON m.id = c.message_id
                WHERE c.created_at >= %(start)s AND c.classifier = %(person)s
                  AND m.project_id = ANY(%(ids)s)
                ORDER BY c.message_id, c.id DESC
            ) last ORDER BY id DESC LIMIT %(limit)s
        )
        SELECT machine.category, judged.category, count(*)
        FROM judged CROSS JOIN LATERAL (
            SELECT category FROM chat_messages_classification
            WHERE message_id = judged.message_id AND classifier <> %(person)s
            ORDER BY id DESC LIMIT 1
        ) machine GROUP BY 1, 2
        """,
        since,
        project_ids,
    )


def _pairs(sql: str, since: date, project_ids: Iterable[int]) -> Pairs:
    parameters: dict[str, Any] = {
        "start": midnight(since),
        "ids": list(project_ids),
        "limit": COMPARED,
        "person": PERSON,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {(one, other): count for one, other, count in cursor.fetchall()}


# What the messages are


def provisional(*, since: date, project_ids: Iterable[int]) -> tuple[int, int]:
    """How many messages were sent, and how many of them still stand on an answer nobody is sure of."""
    counted = (
        Message.shown()
        .filter(project__in=list(project_ids), sent_at__gte=midnight(since))
        .aggregate(all=Count("pk"), provisional=Count("pk", filter=Q(is_provisional=True)))
    )
    return counted["all"], counted["provisional"]


def languages(*, since: date, project_ids: Iterable[int]) -> dict[str, int]:
    """How many of the newest READ messages are in each language; files without words are in none."""
    texts = (
        Message.shown()
        .filter(project__in=list(project_ids), sent_at__gte=midnight(since))
        .exclude(text="")
        .order_by("-sent_at", "-id")
        .values_list("text", flat=True)[:READ]
    )
    counted = {"uk": 0, "en": 0}
    for text in texts:
        counted[language_of(text)] += 1
    return counted
