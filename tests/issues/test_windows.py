"""How old a report may be to count: by words, by meaning, and after the end of an issue."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.issues.models import Evidence, Issue
from apps.issues.search import candidates
from apps.issues.triage import file
from apps.messages.context import embed_missing
from apps.messages.models import Message

OUTAGE = "Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити замовлення"
SECOND = timedelta(seconds=1)


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def make_report(make_message, now):
    def make(text=OUTAGE, *, ago=timedelta(0), **changes):
        values = {
            "status": "actionable",
            "category": "bug",
            "priority": "high",
            "confidence": 0.9,
            "sent_at": now - ago,
        }
        return make_message(text, **{**values, **changes})

    return make


@pytest.fixture
def looked_at(project, make_report):
    """Whether a report of today is compared with an earlier one, by words alone or by meaning too."""

    def look(earlier, *, by_meaning=False, text="Оплата не проходить, усі сторінки віддають 502"):
        report = make_report(text)
        vector = embed_missing([report])[report.pk] if by_meaning else None
        found = candidates(report, project, vector)
        return earlier.pk in {candidate.report.number for candidate in found}

    return look


@pytest.mark.parametrize(
    ("beyond", "expected"), [(-SECOND, True), (timedelta(0), True), (SECOND, False)]
)
def test_words_are_compared_inside_their_window(looked_at, make_report, project, beyond, expected):
    earlier = make_report(ago=timedelta(hours=project.duplicate_window_hours) + beyond)
    file([earlier])
    Message.objects.get(pk=earlier.pk).embeddings.all().delete()

    assert looked_at(earlier) is expected


def test_each_project_has_its_own_window(looked_at, make_report, project):
    project.duplicate_window_hours = 48
    project.save()
    earlier = make_report(ago=timedelta(hours=47))
    file([earlier])

    assert looked_at(earlier)


@pytest.mark.parametrize(
    ("beyond", "expected"), [(-SECOND, True), (timedelta(0), True), (SECOND, False)]
)
def test_meaning_is_compared_inside_its_window(looked_at, make_report, project, beyond, expected):
    earlier = make_report(ago=timedelta(days=project.open_issue_days) + beyond)
    file([earlier])

    assert looked_at(earlier, by_meaning=True) is expected


@pytest.mark.parametrize("status", [Issue.Status.DONE, Issue.Status.REJECTED])
@pytest.mark.parametrize(
    ("beyond", "expected"), [(timedelta(minutes=-1), True), (timedelta(minutes=1), False)]
)
def test_a_closed_issue_is_suggested_inside_its_window(
    make_report, project, now, status, beyond, expected
):
    earlier, report = make_report(ago=timedelta(days=20)), make_report()
    file([earlier])
    closed_at = now - timedelta(days=project.closed_issue_days) - beyond
    Issue.objects.update(status=status, status_changed_at=closed_at)

    file([report])

    assert Issue.objects.count() == 2
    assert report.matches.filter(outcome="suggested").exists() is expected


def test_a_project_may_never_ask_whether_it_is_back(make_report, project, now):
    project.closed_issue_days = 0
    project.save()
    earlier, report = make_report(ago=timedelta(days=1)), make_report()
    file([earlier])
    Issue.objects.update(status=Issue.Status.DONE, status_changed_at=now)

    file([report])

    assert not report.matches.exists()


def test_a_report_that_came_late_joins_no_issue_of_a_later_time(make_report, project):
    later = make_report()
    late = make_report(ago=timedelta(hours=project.duplicate_window_hours) + SECOND)
    file([later])

    file([late])

    assert Evidence.objects.get(message=late).level == Evidence.Level.OPENED
    assert late.matches.get().outcome == "suggested"


def test_a_report_that_came_a_little_late_joins_and_dates_the_issue(make_report):
    first, late = make_report(), make_report(ago=timedelta(minutes=3))
    file([first])

    file([late])

    assert Issue.objects.get().reported_at == late.sent_at


def test_a_late_report_joins_an_issue_that_had_begun_by_then(make_report):
    old = make_report(ago=timedelta(days=9))
    new, late = make_report(), make_report(ago=timedelta(days=8))
    file([old, new])

    file([late])

    assert Issue.objects.count() == 1
