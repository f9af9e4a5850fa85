"""Advice follows from the figures of a day, the most urgent first."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import translation

from apps.issues.analysis import analyse
from apps.issues.day_words import advice
from apps.issues.models import Evidence
from tests.issues.conftest import DAY, MORNING, NEXT_NIGHT

pytestmark = pytest.mark.usefixtures("night_after")


def says(project):
    with translation.override("en"):
        return [sentence for sentence, _issue in advice(analyse(project, DAY).figures)]


def test_the_most_urgent_advice_comes_first(project, make_issue, make_message):
    make_issue(priority="critical", reported_at=MORNING, title="Прод лежить")
    make_message(sent_at=MORNING, priority="critical", is_provisional=True)
    make_issue(
        reported_at=MORNING,
        priority="low",
        entities={"deadlines": [{"surface": "x", "normal": "2026-03-01"}]},
    )
    grown = make_issue(priority="low", reported_at=MORNING - timedelta(days=1))
    for _ in range(4):
        message = make_message(sent_at=MORNING)
        Evidence.objects.create(issue=grown, message=message, level="fuzzy")

    first, second, third, fourth = says(project)

    assert "nobody has touched it for 15 hours" in first
    assert "“Прод лежить”" in first
    assert second.startswith("Check 1 message")
    assert "was due" in third
    assert fourth.startswith(f"Raise the priority of #{grown.pk}")


@pytest.mark.parametrize(
    ("hours", "words"), [(47, "47 hours."), (48, "2 days."), (9182, "382 days.")]
)
def test_a_long_silence_is_told_in_days(project, make_issue, hours, words):
    with time_machine.travel(NEXT_NIGHT - timedelta(hours=hours, minutes=10), tick=False):
        make_issue(priority="critical", reported_at=NEXT_NIGHT - timedelta(hours=hours, minutes=10))

    said = says(project)[0]

    assert said.endswith(f"nobody has touched it for {words}")


def test_a_date_that_ends_with_a_full_stop_ends_the_sentence(project, make_issue):
    make_issue(
        reported_at=MORNING,
        entities={"deadlines": [{"surface": "x", "normal": "2025-11-18"}]},
    )

    with translation.override("uk"):
        ((said, _issue),) = advice(analyse(project, DAY).figures)

    assert said.endswith("18 листопада 2025 р.")


def test_a_quiet_day_asks_for_nothing(project):
    assert says(project) == []
    assert "Smachno" in analyse(project, DAY).text


def test_a_title_is_only_words_in_the_text(project, make_issue):
    make_issue("@all see https://evil.example <b>now</b>\nfixes #1", reported_at=MORNING)

    text = analyse(project, DAY).text

    assert not [part for part in ("@", "http", "<b>", "fixes") if part in text]
