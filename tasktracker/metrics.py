"""GET /metrics: what Prometheus reads. No chat text, no names of people; a project by its slug.

Workers are many processes, so the figures come from the database at each scrape. Answers of days that
are over are added up once and remembered here; of the rest only waiting rows and today's are counted.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Count, F, Min, QuerySet
from django.db.models.functions import Extract, Now
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from apps.exports.models import ExportUpdate, TaskExport, WebhookDelivery
from apps.issues.models import Issue, Opinion
from apps.messages import measure
from apps.messages.answers import PERSON
from apps.messages.models import Correction, Message, ModelVersion
from apps.sources.models import DeadLetter, Project
from tasktracker import health
from tasktracker.celery import QUEUES, depth
from tasktracker.lib import circuits, llm, vector_cache
from tasktracker.lib.workflow import WorkItem
from tasktracker.tracker_metrics import tracker_figures

LOOPBACK = frozenset({"127.0.0.1", "::1"})
LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP", "HTTP_FORWARDED")


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of this moment."""
    if not _may_read(request):
        refused = HttpResponse("A token is needed: docs/monitoring.md\n", "text/plain", status=401)
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return HttpResponse(encode(_registry()), content_type=content_type)


def _may_read(request: HttpRequest) -> bool:
    """Who brings the token; without one, a program on this machine that came without a proxy."""
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "")
        return constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}")
    name, _port = split_domain_port(request.META.get("HTTP_HOST", ""))
    return (
        request.META.get("REMOTE_ADDR") in LOOPBACK
        and name in LOCAL_NAMES
        and not any(header in request.META for header in FORWARDED)
    )


@lru_cache(maxsize=1)
def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    for made in (ProcessCollector, PlatformCollector, GCCollector):
        made(registry=registry)
    registry.register(Figures())
    return registry


class Figures(Collector):
    """Everything that the database, the broker and the health page know."""

    def collect(self) -> Iterator[Metric]:
        started = time.monotonic()
        yield from _parts()
        yield from _queues()
        yield from _breakers()
        yield _vectors()
        try:
            # A list: half of a family must not go out when the database goes away.
            counted = [*_answers(), *_work(), *_model()]
        except DatabaseError:
            counted = []
        yield from counted
        yield _gauge(
            "database_readable", "Whether the figures of the database are here", bool(counted)
        )
        yield _gauge("scrape_seconds", "Time this answer took", time.monotonic() - started)

    def describe(self) -> Iterable[Metric]:
        return []  # the names are known without asking the database


# The parts of the system


def _parts() -> Iterator[Metric]:
    checks = health.recent_report().checks
    up = GaugeMetricFamily("tasktracker_up", "Whether a part works", labels=["part"])
    for name, facts in checks.items():
        up.add_metric([name], float(facts["ok"]))
    yield up
    ages = GaugeMetricFamily(
        "tasktracker_heartbeat_age_seconds", "Since the last beat of a process", labels=["process"]
    )
    beats = {name: checks[name] for name in ("ingester", "collector")}
    beats |= {f"queue:{name}": facts for name, facts in checks["workers"].get("queues", {}).items()}
    for name, facts in beats.items():
        if facts.get("age_seconds") is not None:
            ages.add_metric([name], facts["age_seconds"])
    yield ages
    if "pending" in checks["jetstream"]:
        yield _gauge(
            "stream_pending", "Envelopes that are not stored yet", checks["jetstream"]["pending"]
        )


def _queues() -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "tasktracker_queue_tasks", "Tasks that wait in the broker", labels=["queue"]
    )
    for queue in QUEUES:
        waiting = depth(queue)
        if waiting is not None:
            family.add_metric([queue], waiting)
    yield family


def _breakers() -> Iterator[Metric]:
    family = GaugeMetricFamily(
        "tasktracker_llm_circuit_open",
        "1 while a model rests after failures, 0.5 while one question probes it",
        labels=["model"],
    )
    for state in circuits.states(model.name for model in llm.chain(cloud=True)):
        family.add_metric([state.model], {"open": 1.0, "half-open": 0.5}.get(state.state, 0.0))
    yield family


def _vectors() -> Metric:
    family = CounterMetricFamily(
        "tasktracker_vectors", "Vectors of texts, by where they came from", labels=["source"]
    )
    for source, number in vector_cache.counts().items():
        family.add_metric([source], number)
    return family


# The classifiers

Key = tuple[int, str, str]  # project, classifier, category


@lru_cache(maxsize=1)
def closed_sums(day: date) -> dict[Key, measure.Totals]:
    """Everything up to and with this day; it never changes again."""
    return _summed(measure.closed(day))


def _summed(rows: Iterable[measure.Row]) -> dict[Key, measure.Totals]:
    sums: dict[Key, measure.Totals] = defaultdict(measure.Totals)
    for row in rows:
        sums[row.project_id, row.classifier, row.category].add(row.totals)
    return dict(sums)


def _answers() -> Iterator[Metric]:
    day = measure.last_closed_day()
    parts = [closed_sums(day)] if day else []
    parts.append(_summed(measure.live(day)))
    slugs = dict(Project.objects.values_list("pk", "slug"))
    answers = CounterMetricFamily(
        "tasktracker_classifications",
        "Answers of classifiers and people",
        labels=["project", "classifier", "category"],
    )
    counted: dict[tuple[str, str, str], int] = defaultdict(int)
    by_classifier: dict[str, measure.Totals] = defaultdict(measure.Totals)
    for part in parts:
        for (project, classifier, category), totals in part.items():
            if project in slugs:  # else it was deleted after its days were remembered
                counted[slugs[project], classifier, category] += totals.answers
                by_classifier[classifier].add(totals)
    for labels, count in counted.items():
        answers.add_metric(labels, count)
    yield answers
    yield from _sums_of(by_classifier)


def _sums_of(by_classifier: dict[str, measure.Totals]) -> Iterator[Metric]:
    labels = ["classifier"]
    cached = CounterMetricFamily(
        "tasktracker_classifications_cached", "Answers taken from the cache", labels=labels
    )
    tokens = CounterMetricFamily(
        "tasktracker_llm_tokens", "Tokens read and written", labels=[*labels, "kind"]
    )
    cost = CounterMetricFamily("tasktracker_llm_cost_usd", "Estimated cost", labels=labels)
    seconds = HistogramMetricFamily(
        "tasktracker_classification_seconds", "Time for an answer, without cached", labels=labels
    )
    confidence = HistogramMetricFamily(
        "tasktracker_classification_confidence", "Confidence; the sum is of bins", labels=labels
    )
    for name, totals in by_classifier.items():
        if name == PERSON:
            continue
        seconds.add_metric([name], _seconds(totals), totals.latency_ms / 1000)
        middles = (np.arange(measure.CONFIDENCE_BINS) + 0.5) / measure.CONFIDENCE_BINS
        confidence.add_metric(
            [name], _confidences(totals), float((middles * totals.confidences).sum())
        )
        if totals.tokens or totals.cached:
            cached.add_metric([name], totals.cached)
            tokens.add_metric([name, "input"], totals.input_tokens)
            tokens.add_metric([name, "output"], max(0, totals.tokens - totals.input_tokens))
            cost.add_metric([name], totals.cost_usd)
    yield from (cached, tokens, cost, seconds, confidence)


def _seconds(totals: measure.Totals) -> list[tuple[str, float]]:
    return _buckets([edge / 1000 for edge in measure.LATENCY_EDGES], totals.latencies)


def _confidences(totals: measure.Totals) -> list[tuple[str, float]]:
    bins = measure.CONFIDENCE_BINS
    nothing_above_one = np.append(totals.confidences, 0)
    return _buckets([(number + 1) / bins for number in range(bins)], nothing_above_one)


def _buckets(edges: Sequence[float], counts: measure.Counts) -> list[tuple[str, float]]:
    names = [*map(str, edges), "+Inf"]
    return list(zip(names, np.cumsum(counts).astype(float).tolist(), strict=True))


# The rows


def _work() -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "tasktracker_waiting", "Rows whose next step is due", labels=["kind", "status"]
    )
    oldest = GaugeMetricFamily(
        "tasktracker_waiting_oldest_seconds",
        "Since the oldest of them got there",
        labels=["kind", "status"],
    )
    models: list[tuple[str, type[WorkItem]]] = [
        ("message", Message),
        ("issue", Issue),
        ("export", TaskExport),
        ("call", WebhookDelivery),
        ("news", ExportUpdate),
    ]
    for kind, model in models:
        for status, (count, age) in _waiting(model).items():
            waiting.add_metric([kind, status], count)
            oldest.add_metric([kind, status], age)
    yield waiting
    yield oldest
    yield _by("issues", "Issues", "status", Issue.objects.all())
    yield _by(
        "opinions", "Pairs that a language model was asked about", "status", Opinion.objects.all()
    )
    yield from tracker_figures()
    failed = Message.objects.filter(status=Message.Status.FAILED).count()
    yield _gauge("messages_failed", "Messages that no classifier could read", failed)
    letters = DeadLetter.objects.filter(replayed_at=None).count()
    yield _gauge("dead_letters", "Envelopes that could not be read", letters)
    corrections = CounterMetricFamily(
        "tasktracker_corrections", "What people set right", labels=["field"]
    )
    for field, count in _counts("field", Correction.objects.all()):
        corrections.add_metric([field], count)
    yield corrections


def _waiting(model: type[WorkItem]) -> dict[str, tuple[int, float]]:
    """Count and greatest age by waiting status, zeros where nothing waits."""
    found: dict[str, tuple[int, float]] = {str(status): (0, 0.0) for status in model.WAITING}
    at_work: QuerySet[Any] = model._default_manager.all()
    if issubclass(model, TaskExport):
        at_work = at_work.filter(held="")  # what a policy holds back is late by intention
    rows = (
        at_work.filter(status__in=model.WAITING, due_at__isnull=False)
        .order_by()
        .values_list("status")
        .annotate(rows=Count("pk"), age=Extract(Now() - Min(F("status_changed_at")), "epoch"))
    )
    for status, count, age in rows:
        found[status] = (count, max(0.0, float(age or 0.0)))
    return found


def _model() -> Iterator[Metric]:
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE)
    version, embedding_model = active.values_list("version", "embedding_model").first() or (
        "shipped",
        "",
    )
    info = InfoMetricFamily("tasktracker_model", "Weights of the local classifier")
    info.add_metric([], {"version": version, "embedding_model": embedding_model})
    yield info


def _by(name: str, words: str, field: str, rows: QuerySet[Any]) -> Metric:
    family = GaugeMetricFamily(f"tasktracker_{name}", f"{words} by {field}", labels=[field])
    for value, count in _counts(field, rows):
        family.add_metric([value], count)
    return family


def _counts(field: str, rows: QuerySet[Any]) -> Iterable[tuple[str, int]]:
    return list(rows.order_by().values_list(field).annotate(rows=Count("pk")))


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tasktracker_{name}", words, value=float(value))
