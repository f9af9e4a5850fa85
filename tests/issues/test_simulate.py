"""What other thresholds would have done is what they do when the same messages are filed by them."""

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.issues import filed, search
from apps.issues.comparison import thresholds_of
from apps.issues.conversation import detach, follow_up
from apps.issues.decisions import merge, split
from apps.issues.dedup.levels import Thresholds
from apps.issues.filed import history_of
from apps.issues.models import Evidence, Filing, Issue, Match
from apps.issues.simulate import Simulator, _Run
from apps.issues.triage import attach, file
from apps.issues.verdicts import agreement, verdicts_of
from apps.issues.what_if import what_if
from apps.messages.models import Message, vectors_of
from apps.sources.models import GlossaryTerm, Project
from tasktracker.lib import embeddings

TEXTS = [
    "Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити замовлення",
    "Додайте, будь ласка, можливість змінити аватар у профілі",
    "Production is down, 502 on all pages, nobody can pay for an order",
    "Експорт звіту у PDF падає з помилкою 500 після оновлення 2.4.1",
    "знову 502 на проді, оплата замовлень не працює ні в кого",
    "Export of the report to PDF fails with error 500 since 2.4.1",
    "Імпорт звіту з CSV падає з помилкою 500 після оновлення 2.4.1",
    "Прошу додати зміну аватара в налаштуваннях профілю",
    "Прод лежить, 502 на всіх сторінках, клієнти не можуть нічого оплатити",
    "Please let people change their avatar in the profile settings",
    "Пуші про нове замовлення приходять двічі на Android",
    "На iOS пуш про нове замовлення не приходить зовсім",
    "Експорт звіту у PDF не працює, помилка 500",
    "Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити замовлення",
]
STRICT = Thresholds(merge=0.999, suggest=0.3)
LOOSE = Thresholds(merge=0.15, suggest=0.02)


@pytest.fixture
def make_report(make_message):
    def make(text=TEXTS[0], **changes):
        values = {"status": "actionable", "category": "bug", "priority": "high", "confidence": 0.95}
        return make_message(text, **{**values, **changes})

    return make


@pytest.fixture
def make_echo(make_message):
    """A filed "+1" that answers the report, or its edit."""

    def make(report, edits=None):
        form = {} if edits is None else {"external_id": edits.external_id, "edit": edits.edit + 1}
        if edits is not None:
            Message.objects.filter(pk=edits.pk).update(is_superseded=True)
        echo = make_message(
            "+1, у мене теж", category="info", status="follow_up", reply_to=report, **form
        )
        follow_up(echo)
        return echo

    return make


@pytest.fixture
def person(db):
    return User.objects.create_user("olena")


def set_thresholds(project, thresholds):
    project.merge_threshold, project.suggest_threshold = thresholds.merge, thresholds.suggest
    project.save()


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


def simulate(project, thresholds, **options):
    return Simulator(history_of(project, days=60, **options)).run(thresholds)


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


@pytest.mark.parametrize("is_edited", [False, True], ids=["", "edited"])
def test_what_is_said_to_be_about_no_issue_is_not_filed_again(
    make_report, make_echo, project, person, is_edited
):
    report = make_report()
    file([report])
    echo = make_echo(report)
    if is_edited:
        echo = make_echo(report, edits=echo)
    detach(echo, by=person)

    told = what_if(project, LOOSE, days=60)

    assert (told.chosen.reports, told.chosen.following) == (1, 0)
    assert not told.false


@pytest.mark.parametrize("is_edited", [False, True], ids=["", "edited"])
def test_a_follow_up_that_was_split_out_follows_nothing(
    make_report, make_echo, project, person, is_edited
):
    report = make_report()
    file([report])
    echo = make_echo(report)
    split(echo, by=person)
    if is_edited:
        make_echo(report, edits=echo)

    told = what_if(project, STRICT, days=60)

    assert told.chosen.issues == 2
    assert not told.false


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


def test_quotes_are_as_people_wrote_them(make_report, project):
    GlossaryTerm.objects.create(project=project, name="сайт", aliases="прод*")
    file([make_report(TEXTS[0]), make_report(TEXTS[8])])
    set_thresholds(project, STRICT)

    told = what_if(project, LOOSE, days=60)

    assert [pair.text for pair in told.gained] == [TEXTS[8]]


def test_a_closed_issue_takes_no_reports(make_report, project):
    first = make_report(TEXTS[0])
    file([first])
    Issue.objects.update(status="done", status_changed_at=timezone.now() - timedelta(days=1))
    again = make_report(TEXTS[0])
    file([again])

    told = simulate(project, LOOSE)

    assert told.placed[again.pk].is_opened


def test_nothing_is_written(make_report, project):
    file([make_report(text) for text in TEXTS])
    before = Issue.objects.count(), Evidence.objects.count(), Match.objects.count()

    what_if(project, LOOSE, days=60)

    assert before == (Issue.objects.count(), Evidence.objects.count(), Match.objects.count())


def test_gained_and_lost_merges_are_quoted(make_report, project):
    file([make_report(text) for text in TEXTS])
    set_thresholds(project, STRICT)

    more = what_if(project, LOOSE, days=60)
    set_thresholds(project, LOOSE)
    less = what_if(project, STRICT, days=60)

    assert more.gained_count > 0
    assert not more.lost
    assert more.gained_count == less.lost_count
    assert more.gained[0].text in TEXTS
    assert more.gained[0].other_text in TEXTS
    assert more.gained[0].text != ""


def test_what_people_merged_counts_as_missed_or_right(make_report, project, person):
    one, two = make_report(TEXTS[1]), make_report(TEXTS[6])
    file([one, two])
    merge(two.evidence.issue, into=one.evidence.issue, by=person)

    strict = what_if(project, STRICT, days=60)
    everything = what_if(project, Thresholds(merge=0.0, suggest=0.0), days=60)

    assert [(pair.text, pair.other_text) for pair in strict.missed] == [(two.text, one.text)]
    assert strict.chosen.agreement.recall == 0.0
    assert everything.chosen.agreement.recall == 1.0
    assert everything.chosen.agreement.precision == 1.0


def test_texts_from_before_the_history_are_quoted_too(make_report, project, person):
    old, other = make_report(TEXTS[4]), make_report(TEXTS[1])
    later = other.sent_at + timedelta(days=60)
    ours, theirs = make_report(TEXTS[4], sent_at=later), make_report(TEXTS[6], sent_at=later)
    file([old, other, ours, theirs])
    for message, issue in ((ours, old), (theirs, other)):
        merge(message.evidence.issue, into=issue.evidence.issue, by=person)
    issue = Issue.objects.get(evidence__message=other)
    merge(issue, into=old.evidence.issue, by=person)

    told = what_if(project, STRICT, days=5)

    quoted = {(pair.text, pair.other_text) for pair in told.missed}
    assert (other.text, old.text) in quoted
    assert not any("" in texts for texts in quoted)


def test_what_people_told_apart_counts_as_a_false_merge(make_report, project, person):
    one, two = make_report(TEXTS[0]), make_report(TEXTS[0])
    file([one, two])
    split(two, by=person)

    told = what_if(project, STRICT, days=60)

    assert len(told.false) == 1
    assert {told.false[0].message, told.false[0].other} == {one.pk, two.pk}
    assert told.chosen.agreement.precision == 0.0


def test_an_undone_merge_is_no_merge(make_report, project, person):
    from apps.issues.decisions import undo_merge

    one, two = make_report(TEXTS[1]), make_report(TEXTS[6])
    file([one, two])
    issue = two.evidence.issue
    merge(issue, into=one.evidence.issue, by=person)
    issue.refresh_from_db()
    undo_merge(issue, by=person)

    assert not [verdict for verdict in verdicts_of(project) if verdict.is_same]


def test_of_other_projects_nothing_counts(make_report, project, other_project):
    file([make_report(), make_report(project=other_project)])

    assert simulate(project, LOOSE).issues == 1


def test_without_verdicts_there_is_no_precision():
    assert agreement([], {}).precision is None
    assert agreement([], {}).recall is None


def test_only_the_newest_are_filed_again(make_report, project):
    reports = [make_report(text) for text in TEXTS]
    file(reports)

    told = what_if(project, LOOSE, days=60, limit=5)

    assert told.is_cut
    assert told.chosen.reports == 5


def test_no_more_is_read_than_is_simulated(make_report, project, monkeypatch):
    reports = [make_report(text) for text in TEXTS]
    file(list(reversed(reports)))
    monkeypatch.setattr(filed, "MOST_BEFORE", 3)
    read = []

    def note(message, *arguments):
        read.append(message.pk)
        return search.report_of(message, *arguments)

    monkeypatch.setattr(filed, "report_of", note)

    history = history_of(project, days=60, limit=2)

    newest = list(Filing.objects.order_by("-pk").values_list("message", flat=True)[:5])
    assert [one.number for one in history.messages] == newest[::-1]
    assert (history.start, history.is_cut) == (3, True)
    assert sorted(read) == sorted(newest)


def test_the_limit_counts_only_what_was_sent_in_these_days(make_report, project):
    early = make_report(TEXTS[1])
    late = [
        make_report(TEXTS[0], sent_at=early.sent_at + timedelta(days=10, hours=hours))
        for hours in (0, 1)
    ]
    file([*late, early])  # what was sent first is filed last

    history = history_of(project, days=5, limit=2)

    assert [one.number for one in history.reports] == [one.pk for one in late]
    assert [one.number for one in history.messages[: history.start]] == [early.pk]
    assert not history.is_cut


def test_the_curve_holds_the_chosen_and_todays_threshold(make_report, project):
    file([make_report(text) for text in TEXTS])

    told = what_if(project, Thresholds(merge=0.42, suggest=0.1), days=60)

    merges = [row.merge for row in told.curve]
    assert merges == sorted(merges)
    assert {0.42, thresholds_of(project).merge} <= set(merges)
    issues = [row.issues for row in told.curve]
    assert issues[0] <= issues[-1]


def test_a_curve_without_time_keeps_what_was_asked_for(make_report, project):
    file([make_report(text) for text in TEXTS])
    today = thresholds_of(project).suggest

    told = what_if(project, Thresholds(merge=0.42, suggest=today), days=60, patience=0.0)

    assert told.is_curve_cut
    assert [row.merge for row in told.curve] == [0.42, thresholds_of(project).merge]


def run(*arguments):
    output = StringIO()
    call_command("simulate_duplicates", *map(str, arguments), stdout=output)
    return output.getvalue()


def test_the_command_tells_and_speaks_to_programs(make_report, project):
    file([make_report(text) for text in TEXTS])

    told = run(project.slug, "--merge", 0.15, "--suggest", 0.02, "--json", "--no-curve")

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


def test_projects_without_reports_have_an_empty_history(db):
    project = Project.objects.create(name="New", slug="new")

    told = what_if(project, LOOSE, days=30)

    assert (told.chosen.reports, told.since) == (0, None)
