"""What other thresholds would have done is what they do when the same messages are filed by them."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.issues import search
from apps.issues.comparison import thresholds_of
from apps.issues.dedup.levels import Thresholds
from apps.issues.filed import history_of
from apps.issues.models import Evidence, Issue, Match
from apps.issues.simulate import Simulator, _Run
from apps.issues.triage import attach, file
from apps.messages.models import Message, vectors_of
from tasktracker.lib import embeddings
from tests.issues.conftest import LOOSE, STRICT, TEXTS, set_thresholds, simulate


def filed_groups(project):
    """The texts of each issue as they lie in the database."""
    issues: dict[int, set[Any]] = {}
    for row in Evidence.objects.filter(issue__project=project).select_related("message"):
        issues.setdefault(row.issue_id, set()).add((row.message.text, row.message.sent_at))
    return sorted(sorted(group) for group in issues.values())


def simulated_groups(project, grouping):
    messages = Message.objects.filter(project=project).in_bulk()
    groups: dict[int, set[Any]] = {}
    for number, group in grouping.group_of.items():
        message = messages[number]
        groups.setdefault(group, set()).add((message.text, message.sent_at))
    return sorted(sorted(group) for group in groups.values())


def in_fresh_project(project, other, make_report):
    """The same messages, filed in the same order in a project of the same settings."""
    for name in ("merge_threshold", "suggest_threshold"):
        setattr(other, name, getattr(project, name))
    other.save()
    rows = Message.objects.filter(project=project).order_by("filings__pk")
    for message in rows:
        values = {"sent_at": message.sent_at, "alert_key": message.alert_key, "project": other}
        file([make_report(message.text, **values)])


@pytest.mark.parametrize("thresholds", [STRICT, LOOSE], ids=["strict", "loose"])
def test_a_simulation_is_what_a_later_real_run_does(
    make_report, project, other_project, thresholds
):
    file([make_report(text) for text in TEXTS])
    told = simulate(project, thresholds)

    set_thresholds(project, thresholds)
    in_fresh_project(project, other_project, make_report)

    assert simulated_groups(project, told) == filed_groups(other_project)
    assert told.issues == Issue.objects.filter(project=other_project).count()
    real = Match.objects.filter(message__project=other_project)
    assert told.suggestions == real.filter(outcome="suggested").count()
    assert told.merged == real.filter(outcome="attached").count()


def test_thresholds_matter(make_report, project):
    file([make_report(text) for text in TEXTS])

    assert simulate(project, LOOSE).issues < simulate(project, STRICT).issues


def test_todays_thresholds_give_todays_issues(make_report, project):
    file([make_report(text) for text in TEXTS])

    told = simulate(project, thresholds_of(project))

    assert simulated_groups(project, told) == filed_groups(project)


def test_windows_and_alerts_are_those_of_the_search(make_report, project, other_project):
    days = [0, 0, 1, 1, 2, 3, 20, 45, 45, 50, 51, 52, 80, 81]
    first = make_report("перший")
    reports = [
        make_report(text, sent_at=first.sent_at + timedelta(days=day, minutes=number))
        for number, (text, day) in enumerate(zip(TEXTS, days, strict=True))
    ]
    alerts = [
        make_report(f"[FIRING] HighLatency {name}", alert_key=name) for name in ("api", "db", "api")
    ]
    first.delete()
    file([*reports, *alerts])
    told = Simulator(history_of(project, days=200)).run(LOOSE)

    set_thresholds(project, LOOSE)
    in_fresh_project(project, other_project, make_report)

    assert simulated_groups(project, told) == filed_groups(other_project)


def test_the_same_reports_are_looked_at_as_by_the_search(make_report, project, monkeypatch):
    for module in ("apps.issues.nearest", "apps.issues.simulate"):
        monkeypatch.setattr(f"{module}.NEAREST", 3)
    for module in ("apps.issues.search", "apps.issues.simulate"):
        monkeypatch.setattr(f"{module}.RECENT", 4)
    first = make_report(TEXTS[0])
    later = [
        make_report(text, sent_at=first.sent_at + timedelta(hours=7 * number))
        for number, text in enumerate(TEXTS, 1)
    ]
    file([first, *later])
    history = history_of(project, days=60)
    run = _Run(Simulator(history), thresholds_of(project))
    for place in range(len(history.messages) - 1):
        run.file(place)
    last = Message.objects.get(pk=history.messages[-1].number)
    Evidence.objects.filter(message=last).delete()

    simulated = run._candidates(len(history.messages) - 1)
    vector = vectors_of([last.pk], embeddings.model_name())[last.pk]
    searched = search.candidates(last, project, vector)

    assert [one.report.number for one in simulated] == [one.report.number for one in searched]


def test_a_second_simulation_knows_the_first_but_says_the_same(make_report, project):
    file([make_report(text) for text in TEXTS])
    history = history_of(project, days=60)
    simulator = Simulator(history)
    for merge_at in (0.9, 0.2, 0.6, 0.05):
        thresholds = Thresholds(merge=merge_at, suggest=0.03)

        known, fresh = simulator.run(thresholds), Simulator(history).run(thresholds)

        assert known.group_of == fresh.group_of
        assert known.suggestions == fresh.suggestions


def test_what_only_differs_in_direction_is_not_merged_after_a_stricter_simulation(
    make_report, project
):
    text = "{} of the monthly report fails with a 500 error on the Reports page"
    file([make_report(text.format("Export")), make_report(text.format("Import"))])
    simulator = Simulator(history_of(project, days=60))
    simulator.run(Thresholds(merge=0.98, suggest=0.01))

    told = simulator.run(Thresholds(merge=0.3, suggest=0.01))

    assert (told.issues, told.suggestions) == (2, 1)


def test_one_comparison_of_each_report_is_remembered(make_report, project):
    file([make_report(text) for text in TEXTS])
    history = history_of(project, days=60)
    simulator = Simulator(history)

    for merge_at in (0.9, 0.2, 0.05):
        simulator.run(Thresholds(merge=merge_at, suggest=0.03))

    assert len(simulator._known) == len(history.reports)


def test_earlier_reports_stay_as_they_lie(make_report, project):
    early = make_report(TEXTS[0])
    late = make_report(TEXTS[0], sent_at=early.sent_at + timedelta(days=10))
    file([early, late])

    told = Simulator(history_of(project, days=5)).run(STRICT)

    assert list(told.placed) == [late.pk]
    assert told.group_of == {early.pk: early.pk, late.pk: early.pk}
    assert (told.issues, told.merged) == (0, 1)


def test_follow_ups_stay_with_their_report(make_report, make_message, project):
    first, other = make_report(TEXTS[0]), make_report(TEXTS[1])
    file([first, other])
    reply = make_message("+1, у мене теж")
    level = Evidence.Level.REPLY
    attach(reply, first.evidence.issue, level=level, like=first.pk)

    told = simulate(project, STRICT)

    assert told.group_of[reply.pk] == first.pk
    assert told.following == 1


def test_nothing_is_like_a_follow_up(make_report, make_message, project):
    first = make_report(TEXTS[0])
    file([first])
    reply = make_message(TEXTS[1])
    level = Evidence.Level.REPLY
    attach(reply, first.evidence.issue, level=level, like=first.pk)
    again = make_report(TEXTS[1])
    file([again])

    assert simulate(project, STRICT).placed[again.pk].is_opened
    assert simulated_groups(project, simulate(project, STRICT)) == filed_groups(project)


def test_an_edit_takes_the_place_of_what_it_edits(make_report, project):
    first = make_report(TEXTS[0])
    file([first])
    edit = make_report(TEXTS[3], external_id=first.external_id, edit=5)
    file([edit])
    again = make_report(TEXTS[0])
    file([again])

    told = simulate(project, STRICT)

    assert told.group_of[edit.pk] == first.pk
    assert told.placed[again.pk].is_opened


def test_a_report_that_came_very_late_joins_no_younger_issue(make_report, project):
    first = make_report(TEXTS[0])
    file([first])
    early = make_report(TEXTS[0], sent_at=first.sent_at - timedelta(days=10))
    file([early])

    told = simulate(project, thresholds_of(project))

    assert told.placed[early.pk].is_opened
    assert simulated_groups(project, told) == filed_groups(project)


def test_a_closed_issue_takes_no_reports(make_report, project):
    first = make_report(TEXTS[0])
    file([first])
    Issue.objects.update(status="done", status_changed_at=timezone.now() - timedelta(days=1))
    again = make_report(TEXTS[0])
    file([again])

    told = simulate(project, LOOSE)

    assert told.placed[again.pk].is_opened


def test_of_other_projects_nothing_counts(make_report, project, other_project):
    file([make_report(), make_report(project=other_project)])

    assert simulate(project, LOOSE).issues == 1
