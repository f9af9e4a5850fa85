"""`simulate_duplicates` tells people and programs what other thresholds would have done."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.issues.comparison import thresholds_of
from apps.issues.triage import file
from tests.issues.conftest import LOOSE, TEXTS, simulate


def run(*arguments):
    output = StringIO()
    call_command("simulate_duplicates", *map(str, arguments), stdout=output)
    return output.getvalue()


def test_the_command_tells_and_speaks_to_programs(make_report, project):
    file([make_report(text) for text in TEXTS])

    thresholds = ("--merge", LOOSE.merge, "--suggest", LOOSE.suggest)
    told = run(project.slug, *thresholds, "--json", "--no-curve")

    figures = json.loads(told.splitlines()[-1])
    assert figures["chosen"]["issues"] == simulate(project, LOOSE).issues
    assert figures["today"]["merge"] == thresholds_of(project).merge
    assert figures["curve"] == []
    assert "issues" in told


def test_the_command_says_that_there_is_nothing(project):
    assert "No report" in run(project.slug)


@pytest.mark.parametrize(
    "arguments", [["nowhere"], ["smachno", "--merge", "0.2", "--suggest", "0.5"]]
)
def test_the_command_refuses(project, arguments):
    with pytest.raises(CommandError):
        run(*arguments)
