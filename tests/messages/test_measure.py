"""Figures about the classifiers: the same whether a day is closed or still counted, and true."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from apps.messages import measure
from apps.messages.models import AnswersOfDay, Classification, Message

TODAY = date(2026, 3, 10)
YESTERDAY, BEFORE = TODAY - timedelta(days=1), TODAY - timedelta(days=2)


@pytest.fixture(autouse=True)
def _clock():
    with time_machine.travel(datetime(2026, 3, 10, 12, 0, tzinfo=UTC), tick=False):
        yield


@pytest.fixture
def answer(make_message):
    """A classification at noon of a day."""

    def make(day: date = TODAY, *, message: Message | None = None, **changes: Any):
        values: dict[str, Any] = {
            "classifier": "local",
            "version": "1",
            "category": "bug",
            "priority": "high",
            "confidence": 0.85,
            "latency_ms": 30.0,
            "created_at": measure.midnight(day) + timedelta(hours=12),
        }
        return Classification.objects.create(
            message=message or make_message(), **{**values, **changes}
        )

    return make


def summed(rows: list[measure.Row]) -> measure.Totals:
    totals = measure.Totals()
    for row in rows:
        totals.add(row.totals)
    return totals


def figures(rows: list[measure.Row]) -> list[tuple[Any, ...]]:
    return sorted(
        (
            *row[:4],
            row.totals.answers,
            row.totals.tokens,
            row.totals.latencies.tolist(),
            row.totals.confidences.tolist(),
        )
        for row in rows
    )


def test_answers_are_added_up_by_day_classifier_and_category(answer, project):
    answer(tokens=120, input_tokens=100, cost_usd=0.5, classifier="llm:qwen3:14b")
    answer(tokens=60, input_tokens=50, cost_usd=0.25, classifier="llm:qwen3:14b")
    answer()

    llm, local = sorted(measure.answers(), key=lambda row: row.classifier)

    assert llm[:4] == (project.pk, TODAY, "llm:qwen3:14b", "bug")
    assert (llm.totals.answers, llm.totals.tokens, llm.totals.input_tokens) == (2, 180, 150)
    assert llm.totals.cost_usd == pytest.approx(0.75)
    assert (local.classifier, local.totals.answers) == ("local", 1)


def test_a_closed_day_tells_the_same_as_its_rows(answer):
    for day in (BEFORE, YESTERDAY, TODAY):
        answer(day, confidence=0.15, latency_ms=3.0)
        answer(day, confidence=1.0, latency_ms=90_000.0)
        answer(day, category="info", is_cached=True, tokens=7)
    counted = figures(measure.answers())

    measure.close_days()

    assert AnswersOfDay.objects.dates("day", "day").count() == 2  # today goes on
    assert figures(measure.answers()) == counted


def test_closing_twice_adds_nothing(answer):
    answer(YESTERDAY)
    measure.close_days()

    assert measure.close_days() == 0
    assert summed(measure.answers()).answers == 1


def test_yesterday_is_left_open_just_after_midnight(answer):
    answer(YESTERDAY)
    with time_machine.travel(measure.midnight(TODAY) + timedelta(minutes=30), tick=False):
        assert measure.close_days() == 0


def test_deleted_messages_stay_counted_on_closed_days(answer):
    answer(YESTERDAY)
    measure.close_days()

    Message.objects.all().delete()

    assert summed(measure.answers()).answers == 1


def test_a_window_and_a_project_narrow_both_closed_and_open_days(answer, other_project):
    for day in (BEFORE, YESTERDAY, TODAY):
        answer(day)
    measure.close_days()

    assert summed(measure.answers(since=YESTERDAY)).answers == 2
    assert measure.answers(project_ids=[other_project.pk]) == []


def test_a_day_begins_at_the_teams_midnight(answer):
    answer(created_at=datetime(2026, 3, 9, 22, 30, tzinfo=UTC))  # 00:30 in Kyiv

    assert [row.day for row in measure.answers()] == [TODAY]


def test_times_are_read_off_the_bins(answer):
    for milliseconds in (30.0, 30.0, 30.0, 4000.0):
        answer(latency_ms=milliseconds)
    totals = summed(measure.answers())

    half, most = totals.latency(0.5), totals.latency(0.95)
    assert half is not None
    assert most is not None
    assert 20 < half < 50
    assert 2000 < most <= 5000


def test_nothing_answered_has_no_time():
    assert measure.Totals().latency(0.5) is None


def test_answers_from_the_cache_are_counted_apart_and_not_timed(answer):
    answer(is_cached=True, latency_ms=1.0)
    totals = summed(measure.answers())

    assert (totals.answers, totals.cached, totals.latencies.sum()) == (1, 1, 0)


def test_the_llm_is_compared_with_the_answer_before_it(answer, project, make_message):
    agreed, differed = make_message(), make_message()
    for message, llm in ((agreed, "bug"), (differed, "question")):
        answer(message=message, category="bug")
        answer(message=message, category=llm, classifier="llm:qwen3:14b")
        answer(message=message, category="info", classifier="person")
    answer()  # the LLM was not asked

    pairs = measure.local_and_llm(since=BEFORE, project_ids=[project.pk])

    assert pairs == {("bug", "bug"): 1, ("bug", "question"): 1}


def test_people_are_compared_with_the_machines_last_answer(answer, project, make_message):
    message = make_message()
    answer(message=message, category="bug")
    answer(message=message, category="feature", classifier="llm:qwen3:14b")
    answer(message=message, category="info", classifier="person")
    answer(message=message, category="question", classifier="person")  # changed their mind

    pairs = measure.machine_and_person(since=BEFORE, project_ids=[project.pk])

    assert pairs == {("feature", "question"): 1}


def test_only_the_newest_judgements_of_people_are_compared(
    answer, project, make_message, monkeypatch
):
    monkeypatch.setattr(measure, "COMPARED", 1)
    for category in ("question", "feature"):
        message = make_message()
        answer(message=message)
        answer(message=message, category=category, classifier="person")

    pairs = measure.machine_and_person(since=BEFORE, project_ids=[project.pk])

    assert pairs == {("bug", "feature"): 1}


def test_comparisons_know_no_other_project(answer, other_project, make_message):
    message = make_message()
    answer(message=message)
    answer(message=message, classifier="llm:x")
    answer(message=message, classifier="person")

    assert measure.local_and_llm(since=BEFORE, project_ids=[other_project.pk]) == {}
    assert measure.machine_and_person(since=BEFORE, project_ids=[other_project.pk]) == {}


def test_languages_of_the_newest_messages(make_message, project):
    make_message("Прод лежить")
    make_message("The build is red")
    make_message("")

    assert measure.languages(since=date(2026, 3, 1), project_ids=[project.pk]) == {
        "uk": 1,
        "en": 1,
    }


def test_provisional_answers_are_a_share_of_what_was_sent(make_message, project):
    make_message(is_provisional=True)
    make_message()

    assert measure.provisional(since=date(2026, 3, 1), project_ids=[project.pk]) == (2, 1)
