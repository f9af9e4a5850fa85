"""What waits for a person or an hour, and what becomes of it when the project or the issue has changed since."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models.functions import Now

from apps.exports.deliver import open_exports
from apps.exports.models import ELSEWHERE, NOT_WANTED, ExportPolicy, TaskExport
from apps.exports.moving import CannotMove, release
from apps.exports.tasks import deliver_exports, look_for_news
from apps.issues import decisions
from apps.issues.models import Issue
from tests.exports.standing_in import live


@pytest.fixture
def held(export: TaskExport, spare: Any) -> tuple[TaskExport, TaskExport]:
    """Two of one issue, from a time when each tracker was to get one; the policy names the second's."""
    ExportPolicy.objects.update(tracker=spare, fallback=None)
    TaskExport.objects.update(held="by_hand")
    export.refresh_from_db()
    return export, TaskExport.objects.create(issue=export.issue, tracker=spare, held="by_hand")


def deliver_due() -> None:
    """As the sweep finds them: together."""
    due = TaskExport.objects.filter(due_at__lte=Now()).order_by("pk")
    deliver_exports(list(due.values_list("pk", flat=True)))


def test_letting_one_go_gives_up_the_others_where_an_issue_has_one_task(held):
    first, second = held

    release(first)

    second.refresh_from_db()
    assert (second.status, second.last_error) == ("failed", ELSEWHERE)


def test_what_another_tracker_has_is_not_let_go_as_well(held, run):
    first, second = held
    TaskExport.objects.filter(pk=second.pk).update(held="")
    run(second)

    with pytest.raises(CannotMove, match="is in Spare"):
        release(first)

    assert live(first.issue) == ["Spare"]


@pytest.fixture
def deleted(held, run) -> TaskExport:
    """The other one, whose task was deleted in a tracker that has a bin."""
    _first, second = held
    TaskExport.objects.filter(pk=second.pk).update(held="")
    run(second)
    TaskExport.objects.filter(pk=second.pk).update(is_gone=True)
    return second


def test_beside_a_task_that_may_come_back_from_a_bin_nothing_is_let_go(held, deleted):
    with pytest.raises(CannotMove, match="was deleted in Spare: move it from there"):
        release(held[0])


def test_beside_a_task_that_may_come_back_from_a_bin_no_hour_opens(held, deleted):
    TaskExport.objects.filter(pk=held[0].pk).update(held="too_many", due_at=Now())

    deliver_due()

    held[0].refresh_from_db()
    assert (held[0].status, held[0].last_error) == ("failed", ELSEWHERE)


def test_each_is_let_go_where_every_tracker_gets_one(held, run):
    ExportPolicy.objects.update(tracker=None)

    for export in held:
        release(export)
        run(export)

    assert live(held[0].issue) == ["Fake", "Spare"]


def test_when_the_hour_opens_only_the_tracker_that_the_policy_names_gets_a_task(held):
    TaskExport.objects.update(held="too_many", due_at=Now())

    deliver_due()

    assert live(Issue.objects.get()) == ["Spare"]
    assert held[0].issue.exports.get(tracker=held[0].tracker).last_error == ELSEWHERE


def test_when_the_hour_opens_after_somebody_sent_another_one_goes_nowhere(held, run):
    TaskExport.objects.filter(pk=held[0].pk).update(held="too_many", due_at=Now())
    TaskExport.objects.filter(pk=held[1].pk).update(held="")

    deliver_due()
    run(held[1])

    assert live(Issue.objects.get()) == ["Spare"]


@pytest.fixture
def by_hand(make_export: Callable[..., TaskExport]) -> TaskExport:
    """Waits for a person, by the project's policy."""
    export = make_export(held="by_hand")
    ExportPolicy.objects.create(
        project=export.issue.project, tracker=export.tracker, when=ExportPolicy.When.BY_HAND
    )
    return export


@pytest.mark.parametrize("held", ["by_hand", "too_many"])
def test_what_is_held_of_an_issue_that_is_rejected_is_given_up(make_export, hear, held):
    export = make_export(held=held)

    hear(decisions.reject, export.issue, by=None)

    export.refresh_from_db()
    assert (export.told_status, export.last_error) == ("Not wanted", NOT_WANTED)
    assert "Nobody wants it" in export.error


def test_what_is_held_of_an_issue_that_is_merged_is_given_up(make_export, make_issue, hear):
    export = make_export(held="by_hand")

    hear(decisions.merge, export.issue, into=make_issue(), by=None)

    export.refresh_from_db()
    assert export.told_status == "Not wanted"


def test_what_is_wanted_again_is_held_again_as_the_policy_says(by_hand, hear):
    issue = by_hand.issue
    hear(decisions.reject, issue, by=None)

    hear(decisions.reopen, issue, by=None)
    hear(decisions.approve, issue, by=None)
    open_exports([issue])

    by_hand.refresh_from_db()
    assert (by_hand.status, by_hand.held) == ("pending", "by_hand")


def test_what_is_held_stays_so_while_people_work_on_the_issue(by_hand, hear):
    hear(decisions.start, by_hand.issue, by=None)

    by_hand.refresh_from_db()
    assert (by_hand.status, by_hand.held) == ("pending", "by_hand")


def test_what_nobody_was_told_about_is_given_up_all_the_same(by_hand):
    decisions.reject(by_hand.issue, by=None)

    look_for_news()

    by_hand.refresh_from_db()
    assert by_hand.last_error == NOT_WANTED
