from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.issues.models import Issue
from apps.issues.summarize import summarize_day
from apps.messages.models import Message
from tests.api.conftest import NOON


def test_stats_count_own_tasks_and_messages(api, say, project, other_project, make_issue):
    for status in ("new", "approved", "in_progress", "done", "rejected"):
        make_issue(status=status)
    make_issue(category="feature", priority="low")
    make_issue(project=other_project)
    say(project)

    stats = api.get("/api/stats").json()

    assert stats["total_tasks"] == 6
    assert (stats["open_tasks"], stats["completed_tasks"]) == (4, 1)
    assert (stats["pending_tasks"], stats["in_progress_tasks"]) == (2, 1)
    assert stats["categories"] == {"bug": 5, "feature": 1}
    assert stats["priorities"] == {"high": 5, "low": 1}
    assert stats["by_category"] == {"bug": 5, "feature": 1, "question": 0, "info": 0}
    assert (stats["total_messages"], stats["messages_by_status"]["received"]) == (1, 1)


def test_stats_of_one_of_several_projects(api, member, project, other_project, make_issue):
    other_project.members.add(member)
    make_issue()
    make_issue(project=other_project)

    assert api.get("/api/stats").json()["total_tasks"] == 2
    assert api.get("/api/stats?project=bank").json()["total_tasks"] == 1


@time_machine.travel(NOON, tick=False)
def test_activity_counts_per_hour_and_source(api, say, project, other_project):
    hour = timedelta(hours=1)
    for minutes in (0, 10):
        say(project, sent_at=NOON - 2 * hour + timedelta(minutes=minutes), source="telegram")
    say(project, sent_at=NOON - 2 * hour, source="mail")
    say(project, sent_at=NOON - timedelta(days=8))
    say(other_project, sent_at=NOON - hour)

    activity = api.get("/api/activity").json()

    at = "2025-10-05T10:00:00+03:00"
    assert activity["data"] == [
        {"timestamp": at, "source": "mail", "count": 1},
        {"timestamp": at, "source": "telegram", "count": 2},
    ]
    assert activity["total_messages"] == 3
    assert activity["period"]["type"] == "week"


def test_activity_of_a_month_counts_months_from_zero(api, say, project):
    say(project, sent_at=datetime(2025, 9, 30, 21, 0, tzinfo=UTC))  # October in Kyiv
    say(project, sent_at=datetime(2025, 10, 31, 22, 0, tzinfo=UTC))  # November in Kyiv

    activity = api.get("/api/activity?period=month&month=9&year=2025").json()

    assert activity["total_messages"] == 1
    assert activity["period"]["start"] == "2025-10-01T00:00:00+03:00"
    assert activity["period"]["end"] == "2025-11-01T00:00:00+02:00"


@pytest.mark.parametrize(
    "query", ["period=day", "month=12", "month=-1", "year=0", "year=10000", "period=month&month=x"]
)
def test_activity_of_no_period_is_refused(api, project, query):
    assert api.get(f"/api/activity?{query}").status_code == 400


def test_day_is_summed_up_in_one_task(api, say, project, member, make_issue):
    project.language = "en"
    project.save()
    for category in ("bug", "bug", "info"):
        Message.objects.filter(pk=say(project).pk).update(category=category)
    reported = make_issue("The cart is empty", reported_at=NOON)

    response = api.post("/api/analyze-day?target_date=2025-10-05")

    task = Issue.objects.get(origin="analysis")
    assert response.json() == {
        "success": True,
        "message": "The day is summed up.",
        "messages_processed": 3,
        "tasks_created": 1,
        "date": "2025-10-05",
        "summary_task_id": task.pk,
    }
    assert (task.category, task.status, task.title) == ("info", "new", "Summary of Oct. 5, 2025")
    assert task.description == (
        f"3 messages\n- Bug: 2\n- Info: 1\n\nIssues:\n- #{reported.pk} [Bug] The cart is empty"
    )


def test_same_day_again_brings_the_summary_up_to_date(say, project, member):
    say(project)
    first = summarize_day(project, date(2025, 10, 5), by=member)
    say(project)
    second = summarize_day(project, date(2025, 10, 5), by=member)

    assert (first.is_new, second.is_new) == (True, False)
    assert first.issue == second.issue
    assert Issue.objects.count() == 1
    assert "2" in Issue.objects.get().description.splitlines()[0]


def test_day_without_messages_makes_no_task(api, say, project):
    say(project, sent_at=NOON + timedelta(days=1))

    answer = api.post("/api/analyze-day", {"target_date": "2025-10-05"}, format="json").json()

    assert (answer["messages_processed"], answer["tasks_created"]) == (0, 0)
    assert (answer["date"], answer["summary_task_id"]) == (None, None)
    assert not Issue.objects.exists()


def test_today_in_the_zone_of_the_project_is_summed_up_when_no_day_is_named(api, say, project):
    with time_machine.travel(datetime(2025, 10, 5, 22, 0, tzinfo=UTC), tick=False):
        say(project, sent_at=timezone.now())

        assert api.post("/api/analyze-day").json()["date"] == "2025-10-06"


@pytest.mark.parametrize("day", ["2025-13-01", "yesterday", "0001-01-01", "9999-12-31", ""])
def test_day_that_is_none_is_refused(api, project, day):
    assert api.post(f"/api/analyze-day?target_date={day}").status_code == 400
    assert api.post("/api/analyze-day", {"target_date": day}, format="json").status_code == 400
