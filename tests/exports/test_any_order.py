"""People, outages and lost answers in any order: in the end an issue has one open task, and nothing waits.

WALKS=300 goes 300 different ways.
"""

import os
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

import pytest
from django.db.models.functions import Now

from apps.exports.failover import fall_back
from apps.exports.models import ExportPolicy, StandIn, TaskExport, Tracker
from apps.exports.moving import CannotMove, export_again, move, release
from apps.exports.send import CannotSend, send
from apps.exports.tasks import open_exports, settle_stand_ins
from apps.exports.trackers import TRACKERS
from apps.exports.trackers.base import Doubtful
from apps.issues import decisions
from apps.issues.models import Issue
from tasktracker.lib.plugins import PlugIn
from tasktracker.lib.workflow import GiveUp, LostRace, TryLater, WrongTransition
from tests.exports.conftest import break_off, pass_time
from tests.exports.fake_tracker import Fake, Spare
from tests.exports.standing_in import settle_all

WALKS = int(os.environ.get("WALKS", "10"))
STEPS = 60
VERBS = ("create", "find", "close", "complete", "link")


class Third(Fake):
    issues: ClassVar[list[UUID]] = []
    completed: ClassVar[list[UUID]] = []
    closed: ClassVar[list[UUID]] = []
    links: ClassVar[list[tuple[UUID, str]]] = []
    calls: ClassVar[list[str]] = []
    before: ClassVar[dict[str, Callable[[], Any]]] = {}
    after: ClassVar[dict[str, Callable[[], Any]]] = {}


KINDS: tuple[type[Fake], ...] = (Fake, Spare, Third)


class Walk:
    """One issue, three trackers, and whatever may happen to them."""

    def __init__(self, issue: Issue, trackers: list[Tracker], run: Any, seed: int) -> None:
        self.issue, self.trackers, self.run = issue, trackers, run
        self.random = random.Random(seed)
        if self.random.random() < 0.5:
            self.begin_held()

    def begin_held(self) -> None:
        """Approved when each tracker was to get one, and a person or an hour held them all."""
        tracker = ExportPolicy.objects.values_list("tracker", flat=True).get()
        ExportPolicy.objects.update(tracker=None, when=ExportPolicy.When.BY_HAND)
        Issue.objects.update(due_at=Now())
        open_exports([self.issue.pk])
        held = self.random.choice(["by_hand", "too_many"])
        TaskExport.objects.update(held=held, due_at=Now() if held == "too_many" else None)
        ExportPolicy.objects.update(tracker=tracker)

    def step(self) -> None:
        verbs = [self.trouble, self.person, self.decide, *[self.work] * 4]
        self.random.choice(verbs)()

    def trouble(self) -> None:
        plugin, verb = self.random.choice(KINDS), self.random.choice(VERBS)
        error: Exception = self.random.choice(
            [TryLater("away"), Doubtful("lost"), GiveUp("no right")]
        )
        if self.random.random() < 0.4:
            plugin.before.clear()
            plugin.after.clear()
        elif isinstance(error, Doubtful):
            plugin.does(verb, after=error)
        else:
            plugin.does(verb, before=error)
        if self.random.random() < 0.3:
            break_off(self.random.choice(self.trackers))
            fall_back()

    def work(self) -> None:
        """Of what waits, one row."""
        pass_time(timedelta(seconds=60))
        StandIn.objects.update(leased_until=None)
        waiting = [*self.issue.exports.order_by("pk"), *StandIn.objects.order_by("pk")]
        row = self.random.choice(waiting)
        if isinstance(row, StandIn):
            settle_stand_ins([row.pk])
        else:
            self.run(row)

    def person(self) -> None:
        self.issue.refresh_from_db()
        tracker = self.random.choice(self.trackers)
        export = self.random.choice(list(self.issue.exports.all()))
        try:
            self.random.choice(
                [
                    lambda: move(self.issue, tracker, leaving=export),
                    lambda: send(self.issue, tracker, by=None),
                    lambda: export_again(export),
                    lambda: release(export),
                    lambda: ExportPolicy.objects.update(
                        on_recovery=self.random.choice(ExportPolicy.OnRecovery.values)
                    ),
                    lambda: ExportPolicy.objects.update(
                        when=self.random.choice(ExportPolicy.When.values)
                    ),
                ]
            )()
        except (CannotMove, CannotSend, WrongTransition, LostRace):
            pass

    def decide(self) -> None:
        self.issue.refresh_from_db()
        if self.issue.status == Issue.Status.APPROVED:
            decisions.reject(self.issue, by=None)
            return
        if self.issue.status == Issue.Status.REJECTED:
            decisions.reopen(self.issue, by=None)
        decisions.approve(self.issue, by=None)
        open_exports([self.issue.pk])

    def calm_down(self) -> None:
        """Everybody is well, and there is time."""
        for plugin in KINDS:
            plugin.before.clear()
            plugin.after.clear()
        for tracker in self.trackers:
            tracker.note_answer()
        for _round in range(12):
            settle_all()
            for export in self.issue.exports.all():
                with suppress(CannotMove, LostRace):
                    release(export)
                self.run(export, later=60)


@pytest.mark.parametrize("seed", range(WALKS))
def test_in_the_end_there_is_one_open_task_and_nothing_waits(
    export, third, tracker, spare, run, monkeypatch, seed
):
    monkeypatch.setitem(TRACKERS, "third", PlugIn("Third", f"{__name__}.Third"))
    Tracker.objects.filter(pk=third.pk).update(kind="third")
    third.refresh_from_db()
    Third.forget()
    walk = Walk(export.issue, [tracker, spare, third], run, seed)

    for _step in range(STEPS):
        walk.step()
    walk.calm_down()

    left_open = {key for plugin in KINDS for key in set(plugin.issues) - set(plugin.closed)}
    made = export.issue.exports.filter(status="created", is_live=True)
    assert len(left_open) <= 1
    assert set(made.values_list("uuid", flat=True)) <= left_open
    assert not export.issue.exports.filter(status="pending").exists()
    assert not StandIn.objects.filter(status="standing").exists()
