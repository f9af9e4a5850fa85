"""What /metrics says of the trackers: tasks, calls, circuits, and how long a message takes to its task."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import accumulate

import numpy as np
from django.db.models import Count, Exists, F, Min, OuterRef
from django.db.models.functions import Extract, Now
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric

from apps.exports.models import AnswerTimes, CallCount, ExportUpdate, TaskExport, Tracker
from apps.exports.models.calls import EDGES
from apps.issues.models import Change, Evidence

HOUR = timedelta(hours=1)
QUANTILES = (0.5, 0.95, 1.0)
#: A name is a person's words, so a tracker is told by its number.
LABELS = ["project", "kind", "tracker"]
_OPEN = {Tracker.Circuit.OPEN: 1.0, Tracker.Circuit.HALF_OPEN: 0.5}


def tracker_figures() -> Iterator[Metric]:
    trackers = list(
        Tracker.objects.filter(is_active=True)
        .select_related("project")
        .defer("config", "credentials")
    )
    yield from _exports(trackers)
    yield _news(trackers)
    yield _answers()
    yield from _calls(trackers)
    yield from _circuits(trackers)
    yield _seconds()


def _labels(tracker: Tracker) -> list[str]:
    return [tracker.project.slug, tracker.kind, str(tracker.pk)]


def _exports(trackers: list[Tracker]) -> Iterator[Metric]:
    labels = {tracker.pk: _labels(tracker) for tracker in trackers}
    every = GaugeMetricFamily("tasktracker_exports", "Exports by status", labels=["status"])
    of_trackers = GaugeMetricFamily(
        "tasktracker_tracker_exports", "Exports of a tracker", labels=[*LABELS, "status"]
    )
    sums: Counter[str] = Counter()
    rows = TaskExport.objects.order_by().values_list("tracker", "status")
    for tracker, status, number in rows.annotate(rows=Count("pk")):
        sums[status] += number
        if tracker in labels:
            of_trackers.add_metric([*labels[tracker], status], number)
    for status, number in sums.items():
        every.add_metric([status], number)
    yield from (every, of_trackers)


def _news(trackers: list[Tracker]) -> Metric:
    labels = {tracker.pk: _labels(tracker) for tracker in trackers}
    family = GaugeMetricFamily(
        "tasktracker_tracker_news", "What tasks are to be told", labels=[*LABELS, "status"]
    )
    untold = ExportUpdate.objects.exclude(status=ExportUpdate.Status.TOLD)
    rows = untold.filter(export__tracker__in=labels).order_by()
    counts = rows.values_list("export__tracker", "status").annotate(rows=Count("pk"))
    for tracker, status, number in counts:
        family.add_metric([*labels[tracker], status], number)
    return family


def _answers() -> Metric:
    family = HistogramMetricFamily(
        "tasktracker_tracker_answer_seconds", "Time of each call to a tracker", labels=["kind"]
    )
    calls: dict[str, list[int]] = {}
    seconds: dict[str, float] = defaultdict(float)
    for row in AnswerTimes.objects.filter(bucket__lte=len(EDGES)):
        calls.setdefault(row.kind, [0] * (len(EDGES) + 1))[row.bucket] = row.calls
        seconds[row.kind] += row.seconds
    for kind, counts in calls.items():
        buckets = zip([*map(str, EDGES), "+Inf"], accumulate(counts), strict=True)
        family.add_metric([kind], list(buckets), seconds[kind])
    return family


def _calls(trackers: list[Tracker]) -> Iterator[Metric]:
    """Trackers with one key share what the vendor allows, so each shows the calls of all of them."""
    made = GaugeMetricFamily(
        "tasktracker_tracker_calls", "Calls of its account within an hour", labels=LABELS
    )
    allowed = GaugeMetricFamily(
        "tasktracker_tracker_calls_allowed", "Calls of it that an hour may have", labels=LABELS
    )
    recent = CallCount.recent(tracker.account for tracker in trackers if tracker.account)
    for tracker in trackers:
        if tracker.account and tracker.calls_per_hour:
            made.add_metric(_labels(tracker), recent.get(tracker.account, 0))
            allowed.add_metric(_labels(tracker), tracker.calls_per_hour)
    yield from (made, allowed)


def _circuits(trackers: list[Tracker]) -> Iterator[Metric]:
    resting = sum(bool(one.closed_until and one.closed_until > timezone.now()) for one in trackers)
    yield GaugeMetricFamily(
        "tasktracker_trackers_resting", "Trackers that rest after failures", value=resting
    )
    family = GaugeMetricFamily(
        "tasktracker_tracker_circuit_open",
        "1 while a tracker rests after failures or by order, 0.5 while one call tries it",
        labels=LABELS,
    )
    for tracker in trackers:
        family.add_metric(_labels(tracker), _OPEN.get(tracker.circuit, 0.0))
    yield family


def _seconds() -> Metric:
    """Of the last hour's tasks; what a person approves takes as long as people take."""
    family = GaugeMetricFamily(
        "tasktracker_task_seconds",
        "From a stored message to the task that it opened, of the last hour",
        labels=["approved_by", "quantile"],
    )
    by_person = Change.objects.filter(
        issue=OuterRef("issue"), kind=Change.Kind.STATUS, user__isnull=False
    )
    rows = (
        TaskExport.objects.filter(
            status=TaskExport.Status.CREATED,
            status_changed_at__gt=Now() - HOUR,
            issue__evidence__level=Evidence.Level.OPENED,
        )
        .order_by()
        .values("pk", "status_changed_at")
        .annotate(stored_at=Min("issue__evidence__message__created_at"), by=Exists(by_person))
        .values_list("by", Extract(F("status_changed_at") - F("stored_at"), "epoch"))
    )
    seconds: dict[str, list[float]] = {"policy": [], "person": []}
    for is_by_person, took in rows:
        seconds["person" if is_by_person else "policy"].append(max(0.0, float(took)))
    for by, times in seconds.items():
        for quantile in QUANTILES if times else ():
            value = float(np.quantile(times, quantile))
            family.add_metric([by, str(quantile)], value)
    return family
