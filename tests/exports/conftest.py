"""A tracker in memory, and exports that are its work."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db.models import F

from apps.exports.failover import fall_back
from apps.exports.models import ExportPolicy, ExportUpdate, TaskExport, Tracker
from apps.exports.models.tracker import AWAY_AFTER
from apps.exports.sync import take
from apps.exports.tasks import deliver_exports
from apps.exports.trackers import TRACKERS
from apps.exports.trackers.base import ExternalIssue, IssuePayload, Means, Quote
from apps.exports.trackers.linear.tracker import Linear
from apps.issues.models import Evidence, Issue
from apps.issues.triage import attach
from tasktracker.lib.plugins import PlugIn
from tests.exports.fake_tracker import Fake, Spare
from tests.exports.mirrored import state
from tests.exports.telling_tracker import Telling, in_memory
from tests.stubs.linear.server import KEY, LinearServer, linear_server

MOMENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LINEAR = {"api_key": KEY, "team": "t-core"}


@pytest.fixture
def fake(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Fake]]:
    """The project's tracker is the one in memory."""
    yield from in_memory(Fake, tracker, monkeypatch)


@pytest.fixture
def telling(tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Telling]]:
    """One that also says what became of its issues."""
    yield from in_memory(Telling, tracker, monkeypatch)


@pytest.fixture
def run() -> Callable[..., TaskExport]:
    """Deliver a row as a worker would, `later` on; the row as it is then."""

    def run(export: TaskExport, *, later: float = 0) -> TaskExport:
        if later:
            pass_time(timedelta(seconds=later))
        deliver_exports([export.pk])
        export.refresh_from_db()
        return export

    return run


def pass_time(passed: timedelta) -> None:
    """Move every moment that counts into the past: leases are by the database's clock."""
    for model, names in (
        (TaskExport, ("leased_until", "due_at", "called_at")),
        (ExportUpdate, ("leased_until", "due_at", "called_at", "status_changed_at")),
        (Tracker, ("closed_until", "limited_until")),
    ):
        changes: dict[str, Any] = {name: F(name) - passed for name in names}
        model._default_manager.update(**changes)


@pytest.fixture(scope="module")
def running() -> Iterator[LinearServer]:
    with linear_server() as linear:
        yield linear


@pytest.fixture
def linear(running, settings) -> LinearServer:
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    running.reset()
    return running


@pytest.fixture
def payload() -> IssuePayload:
    return IssuePayload(
        id=7,
        project="smachno",
        title="Прод лежить",
        description="Падає *оплата*",
        category="bug",
        priority="critical",
        confidence=0.97,
        status="approved",
        language="uk",
        reported_at=MOMENT,
        quotes=(Quote("502 @all", "Олена", "Dev chat", MOMENT, "1:1", "https://t.me/c/1/2"),),
        due_on=date(2026, 3, 5),
    )


def linear_plugin(
    linear: LinearServer, waits: list[timedelta] | None = None, **changes: Any
) -> Linear:
    means = Means(
        folder=Path(), api_url=linear.url, wait=(waits if waits is not None else []).append
    )
    return Linear(Linear.Config.model_validate({**LINEAR, **changes}), means)


def break_off(tracker: Tracker) -> None:
    """It has failed for so long that another one may stand in."""
    for _attempt in range(5):
        tracker.note_failure("away")
    Tracker.objects.filter(pk=tracker.pk).update(opened_at=F("opened_at") - AWAY_AFTER * 2)


@pytest.fixture
def spare(fake: type[Fake], tracker: Tracker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tracker]:
    """Another tracker of the project, which stands in for the first by its policy."""
    path = f"{Spare.__module__}.{Spare.__qualname__}"
    monkeypatch.setitem(TRACKERS, "spare", PlugIn("Spare", path))
    spare = Tracker.objects.create(project=tracker.project, kind="spare", name="Spare")
    ExportPolicy.objects.create(
        project=tracker.project,
        tracker=tracker,
        fallback=spare,
        on_recovery=ExportPolicy.OnRecovery.MOVE,
    )
    Spare.forget()
    yield spare
    Spare.forget()


@pytest.fixture
def third(spare: Tracker, settings: Any, tmp_path: Path) -> Tracker:
    settings.EXPORT_DIR = tmp_path
    return Tracker.objects.create(project=spare.project, kind="json", name="Third")


@pytest.fixture
def export(make_export: Callable[..., TaskExport], spare: Tracker) -> TaskExport:
    """Waits for the first tracker."""
    return make_export()


@pytest.fixture
def by(
    export: TaskExport, tracker: Tracker, spare: Tracker, run: Callable[..., TaskExport]
) -> TaskExport:
    """What stands in for it, made while the first tracker was away."""
    break_off(tracker)
    fall_back()
    return run(export.issue.exports.get(tracker=spare))


@pytest.fixture
def make_work(project: Any, make_issue: Callable[..., Issue]) -> Callable[[Any], TaskExport]:
    """An export to a vendor of `deaths`."""

    def make(vendor: Any) -> TaskExport:
        tracker, _ = Tracker.objects.get_or_create(
            project=project, kind=vendor.kind, name=vendor.kind, defaults={"config": vendor.config}
        )
        issue = make_issue(status=Issue.Status.APPROVED)
        return TaskExport.objects.create(issue=issue, tracker=tracker)

    return make


@pytest.fixture
def hear(django_capture_on_commit_callbacks: Any) -> Callable[..., Any]:
    """Do something as if it were committed, and everybody heard of it."""

    def hear(verb: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return verb(*args, **kwargs)

    return hear


@pytest.fixture
def made(make_export, make_issue, make_message, run, hear) -> Callable[..., TaskExport]:
    """An issue with one report, and its task."""

    def made(text: str = "Прод лежить") -> TaskExport:
        message = make_message(text, author="Олена")
        return hear(
            run, make_export(make_issue(text, message=message, status=Issue.Status.APPROVED))
        )

    return made


@pytest.fixture
def report(make_message, hear) -> Callable[..., None]:
    def report(export: TaskExport, *texts: str) -> None:
        for text in texts:
            issue = Issue.objects.get(pk=export.issue_id)
            hear(attach, make_message(text), issue, level=Evidence.Level.FUZZY)

    return report


@pytest.fixture
def plugin(linear: LinearServer) -> Linear:
    return linear_plugin(linear)


@pytest.fixture
def two(plugin: Linear, payload: IssuePayload) -> tuple[ExternalIssue, ExternalIssue]:
    return plugin.create(payload, key=uuid4()), plugin.create(payload, key=uuid4())


@pytest.fixture
def mirrored(make_export, make_issue, telling: type[Telling]) -> Callable[..., TaskExport]:
    """An issue that is in the tracker, which has spoken of it once."""

    def make(status: str = "approved", *, said: str = "approved", **changes: Any) -> TaskExport:
        issue = make_issue(status="approved")
        export: TaskExport = make_export(issue, status="created", external_id="T-1", **changes)
        take(export, state(export, said))
        Issue.objects.filter(pk=issue.pk).update(status=status)
        export.refresh_from_db()
        return export

    return make
