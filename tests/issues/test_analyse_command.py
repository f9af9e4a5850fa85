"""`manage.py analyse`: which days of which projects, and what it prints."""

import json
from datetime import UTC, date, datetime
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from apps.issues.models import DayAnalysis
from apps.sources.models import Project


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("analyse", *arguments, stdout=out)
    return out.getvalue()


def test_without_arguments_it_is_yesterday_of_every_active_project(project, other_project):
    Project.objects.filter(pk=other_project.pk).update(is_active=False)
    with time_machine.travel(datetime(2026, 3, 2, 22, 10, tzinfo=UTC), tick=False):
        printed = run()

    (made,) = DayAnalysis.objects.all()
    assert (made.project, made.day) == (project, date(2026, 3, 2))
    assert "Smachno" in printed


def test_several_days_end_at_the_one_that_is_named(project, make_issue):
    printed = run("--project", "smachno", "--date", "2026-03-02", "--days", "3", "--json")

    found = json.loads(printed.splitlines()[-1])["analyses"]
    assert [each["day"] for each in found] == ["2026-02-28", "2026-03-01", "2026-03-02"]
    assert found[0]["figures"]["messages"]["total"] == 0


@pytest.mark.parametrize(
    "arguments", [["--project", "none"], ["--date", "soon"], ["--days", "0"], ["--days", "9999"]]
)
def test_what_makes_no_sense_is_said(project, arguments):
    with pytest.raises(CommandError):
        run(*arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--date", "soon"], "is no day: write it as YYYY-MM-DD"),
        (["--date", "1999-01-01"], "is no day"),
        (["--date", "2030-01-01"], "has not begun"),
        (["--date", "2026-03-04"], "has not begun"),
        (["--days", "0"], "a whole number from 1 to 366"),
        (["--days", "many"], "a whole number from 1 to 366"),
    ],
)
def test_bad_input_is_told_in_words_and_nothing_is_analysed(project, arguments, words):
    with (
        time_machine.travel(datetime(2026, 3, 2, 22, 10, tzinfo=UTC), tick=False),
        pytest.raises(CommandError, match=words),
    ):
        run(*arguments)

    assert not DayAnalysis.objects.exists()


def test_a_day_that_is_not_over_can_be_looked_at(project):
    with time_machine.travel(datetime(2026, 3, 2, 22, 10, tzinfo=UTC), tick=False):
        run("--date", "2026-03-03")

    assert DayAnalysis.objects.get().day == date(2026, 3, 3)
