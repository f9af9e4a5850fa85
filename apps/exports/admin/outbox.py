"""The outbox at a glance: what waits for each tracker, and whether the tracker may be called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.db.models import Count, F, Min, Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.exports.models import CallCount, ExportPolicy, ExportUpdate, TaskExport, Tracker
from apps.exports.trackers import TRACKERS
from apps.sources.admin.display import badge
from apps.sources.models import Project
from tasktracker.lib.retell import retell
from tasktracker.lib.text import shorten

CIRCUIT_COLOURS = {"closed": "success", "half_open": "warning", "open": "danger"}
MOST = 1000  # tasks that are counted one by one
ALARMS = frozenset({"failed_rows", "untold_rows"})
NEWS = "news__status__exact"  # in the address of the list of exports
#: What a person may order, as it is stored.
ORDERS = {
    Tracker.Forced.OPEN: gettext_lazy("Leave the tracker alone"),
    Tracker.Forced.CLOSED: gettext_lazy("Call it in any case"),
    "": gettext_lazy("Let failures decide"),
}


@dataclass(frozen=True)
class Figure:
    title: Any
    value: int | str
    link: str
    alarm: bool = False


@dataclass(frozen=True)
class Line:
    """One tracker in the outbox."""

    tracker: Tracker
    kind: Any
    figures: Sequence[Figure]
    oldest: datetime | None  # of what is pending
    circuit: SafeString
    sentence: str  # what the circuit means now
    calls: int
    error: str
    orders: Sequence[tuple[str, Any]]  # the others that a person may give
    fallback: Tracker | None


def lines(request: HttpRequest) -> list[Line]:
    """One per tracker of the user's projects."""
    trackers = Tracker.objects.select_related("project").defer("config", "credentials")
    if not request.user.is_superuser:
        trackers = trackers.filter(project__in=Project.visible_to(request.user))
    rows = list(trackers)
    figures = _figures(rows)
    calls = CallCount.recent(row.account for row in rows if row.account)
    policies = ExportPolicy.objects.filter(tracker__in=rows).select_related("fallback")
    fallbacks = {policy.tracker_id: policy.fallback for policy in policies}
    return [
        Line(
            tracker=row,
            kind=TRACKERS[row.kind].label if row.kind in TRACKERS else row.kind,
            figures=_shown(row, figures.get(row.pk, {})),
            oldest=figures.get(row.pk, {}).get("oldest"),
            circuit=_circuit(row),
            sentence=_sentence(row),
            calls=calls.get(row.account, 0),
            error=shorten(retell(row.last_error), 500),
            orders=[(order, words) for order, words in ORDERS.items() if order != row.forced],
            fallback=fallbacks.get(row.pk),
        )
        for row in rows
    ]


def _figures(trackers: Sequence[Tracker]) -> dict[int, dict[str, Any]]:
    """By tracker. What is settled grows for ever and is not counted to its end."""
    exports = TaskExport.objects.filter(tracker__in=trackers).order_by()
    pending = exports.filter(status=TaskExport.Status.PENDING).values("tracker")
    failed = exports.filter(status=TaskExport.Status.FAILED, is_failure=True).values("tracker")
    made = exports.filter(status=TaskExport.Status.CREATED, is_live=True)
    news = ExportUpdate.objects.filter(export__tracker__in=trackers).order_by()
    waiting, untold = ExportUpdate.Status.WAITING, ExportUpdate.Status.FAILED
    found: dict[int, dict[str, Any]] = {
        tracker.pk: {"created_rows": _capped(made.filter(tracker=tracker))} for tracker in trackers
    }
    counted = (
        pending.annotate(
            pending_rows=Count("pk", filter=Q(held="")),
            due_rows=Count("pk", filter=Q(held="", due_at__lte=Now())),
            held_rows=Count("pk", filter=~Q(held="")),
            oldest=Min("created_at", filter=Q(held="")),
        ),
        failed.annotate(failed_rows=Count("pk")),
        news.filter(status__in=[waiting, untold])
        .values(tracker=F("export__tracker"))
        .annotate(
            news_rows=Count("pk", filter=Q(status=waiting)),
            untold_rows=Count("pk", filter=Q(status=untold)),
        ),
    )
    for row in chain(*counted):
        found[row["tracker"]] |= row
    return found


def _capped(rows: QuerySet[TaskExport]) -> int | str:
    number = rows[: MOST + 1].count()
    return number if number <= MOST else f"{MOST}+"


def _shown(tracker: Tracker, row: dict[str, Any]) -> list[Figure]:
    pending, created = TaskExport.Status.PENDING, TaskExport.Status.CREATED
    waiting = {"status__exact": pending, "held__in": ""}
    held = {"status__exact": pending, "held__in": ",".join(TaskExport.Held.values)}
    due = {**waiting, "due_at__lte": timezone.now().isoformat()}
    made = {"status__exact": created, "is_live__exact": 1}
    return [
        Figure(title, row.get(name, 0), _list(tracker, **filters), alarm=name in ALARMS)
        for title, name, filters in (
            (_("Pending"), "pending_rows", waiting),
            (_("Due now"), "due_rows", due),
            (_("Held"), "held_rows", held),
            (_("Failed"), "failed_rows", {"is_failure__exact": 1}),
            (_("Created"), "created_rows", made),
            (_("News to tell"), "news_rows", {NEWS: ExportUpdate.Status.WAITING}),
            (_("News not told"), "untold_rows", {NEWS: ExportUpdate.Status.FAILED}),
        )
    ]


def _list(tracker: Tracker, **filters: Any) -> str:
    address = reverse("admin:exports_taskexport_changelist")
    return f"{address}?{urlencode({'tracker__id__exact': tracker.pk, **filters})}"


def _circuit(tracker: Tracker) -> SafeString:
    if not tracker.is_active:
        return badge(_("Switched off"))
    return badge(tracker.circuit.label, CIRCUIT_COLOURS[tracker.circuit])


def _sentence(tracker: Tracker) -> str:
    now = timezone.now()
    if not tracker.is_active:
        return _("Nothing is sent there, and what waits for it fails.")
    if tracker.forced:
        return tracker.get_forced_display()
    if tracker.limited_until and tracker.limited_until > now:
        words = _("It asked us to wait until %(time)s.")
        return words % {"time": _clock(tracker.limited_until)}
    if tracker.closed_until is None:
        return ""
    words = _("%(n)d failures in a row; somebody tries it at %(time)s.")
    return words % {"n": tracker.failures_in_a_row, "time": _clock(tracker.closed_until)}


def _clock(moment: datetime) -> str:
    return timezone.localtime(moment).strftime("%H:%M:%S")
