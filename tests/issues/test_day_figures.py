"""The figures of a day are those of the project's own day."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from apps.issues.analysis import analyse
from apps.issues.models import Change, Evidence
from tests.issues.conftest import DAY, MORNING

pytestmark = pytest.mark.usefixtures("night_after")


def figures(project):
    return analyse(project, DAY).figures


def test_messages_are_counted_by_the_projects_own_day(project, make_message):
    make_message(sent_at=MORNING, category="bug")
    make_message(sent_at=datetime(2026, 3, 1, 22, 30, tzinfo=UTC), category="info")
    make_message(sent_at=datetime(2026, 3, 2, 22, 30, tzinfo=UTC))
    make_message(sent_at=MORNING - timedelta(days=2))

    found = figures(project)["messages"]

    assert (found["total"], found["by_category"]) == (2, {"bug": 1, "info": 1})
    assert found["usual"] == pytest.approx(0.1)


def test_new_issues_are_those_that_were_reported_on_the_day(project, make_issue):
    new = make_issue(reported_at=MORNING)
    make_issue(reported_at=MORNING - timedelta(days=1))
    make_issue(reported_at=MORNING, origin="analysis")

    assert [row["id"] for row in figures(project)["new"]] == [new.pk]


def test_an_issue_grows_by_the_reports_after_the_first(project, make_issue, make_message):
    old = make_issue(reported_at=MORNING - timedelta(days=3))
    fresh = make_issue(reported_at=MORNING, message=make_message(sent_at=MORNING))
    for issue, ago in ((old, 0), (old, 0), (old, 3)):
        message = make_message(sent_at=MORNING - timedelta(days=ago))
        Evidence.objects.create(issue=issue, message=message, level="fuzzy")

    (row,) = figures(project)["growing"]

    assert (row["id"], row["reports"], row["total"]) == (old.pk, 2, 3)
    assert fresh.pk != row["id"]


@pytest.mark.parametrize(
    ("due", "is_late"),
    [
        ("2026-03-01", True),
        ("2026-03-02", True),
        ("2026-03-03", False),
        ("2026-03-02T18:00+02:00", True),
        ("soon", False),
    ],
)
def test_an_open_issue_is_overdue_after_its_date(project, make_issue, due, is_late):
    make_issue(
        reported_at=MORNING - timedelta(days=5),
        entities={"deadlines": [{"surface": "x", "normal": due}]},
    )

    assert bool(figures(project)["overdue"]) is is_late


def test_the_last_of_several_dates_counts_and_what_is_done_is_not_late(project, make_issue):
    late = {"surface": "x", "normal": "2026-03-01"}
    make_issue(
        reported_at=MORNING,
        entities={"deadlines": [late, {"surface": "y", "normal": "2026-03-09"}]},
    )
    make_issue(reported_at=MORNING, entities={"deadlines": [late]}, status="done")

    assert figures(project)["overdue"] == []


def test_an_urgent_issue_that_nobody_touches_is_silent(project, make_issue, django_user_model):
    user = django_user_model.objects.create_user("olena")
    silent = make_issue(priority="critical", reported_at=MORNING)
    touched = make_issue(priority="critical", reported_at=MORNING)
    touched.record(Change.Kind.EDIT, by=user, field="title")
    make_issue(priority="high", reported_at=MORNING)
    make_issue(priority="low", reported_at=MORNING - timedelta(days=9))

    (row,) = figures(project)["silent"]

    assert (row["id"], row["hours"]) == (silent.pk, 15)


def test_a_critical_message_that_nobody_was_sure_of_is_told(project, make_message, make_issue):
    lost = make_message(sent_at=MORNING, priority="critical", is_provisional=True)
    filed = make_message(sent_at=MORNING, priority="critical", is_provisional=True)
    make_issue(message=filed, reported_at=MORNING)
    make_message(sent_at=MORNING, priority="critical")

    assert [row["id"] for row in figures(project)["unreviewed"]] == [lost.pk]


def test_what_was_done_and_exported_on_the_day_is_counted(project, make_issue, make_export):
    with time_machine.travel(MORNING, tick=False):
        done = make_issue(status="done", reported_at=MORNING - timedelta(days=2))
        change = done.record(Change.Kind.STATUS, before="approved", after="done")
        exported = done.record(Change.Kind.EXPORT, tracker="JSON", id="1")
        Change.objects.filter(pk__in=[change.pk, exported.pk]).update(created_at=MORNING)
    make_export(status="failed")
    for unwanted in ("elsewhere", "not_wanted"):
        make_export(status="failed", last_error=unwanted)

    found = figures(project)

    assert [row["id"] for row in found["done"]] == [done.pk]
    assert (found["exported"], found["exports_failed"]) == (1, 1)


def test_other_projects_do_not_count(project, other_project, make_issue, make_message):
    make_message(project=other_project, sent_at=MORNING)
    make_issue(project=other_project, reported_at=MORNING)

    found = figures(project)

    assert (found["messages"]["total"], found["new"], found["open"]) == (0, [], 0)
