"""Other thresholds are told by what they would have merged, missed and mixed up."""

from datetime import timedelta

import pytest

from apps.issues.comparison import thresholds_of
from apps.issues.conversation import detach, follow_up
from apps.issues.decisions import merge, split
from apps.issues.dedup.levels import Thresholds
from apps.issues.models import Evidence, Issue, Match
from apps.issues.triage import file
from apps.issues.what_if import what_if
from apps.messages.models import Message
from apps.sources.models import GlossaryTerm, Project
from tests.issues.conftest import LOOSE, STRICT, TEXTS, set_thresholds


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


@pytest.mark.parametrize(
    ("take_out", "edited", "thresholds", "left"),
    [
        (detach, "never", LOOSE, 1),
        (detach, "before", LOOSE, 1),
        (split, "never", STRICT, 2),
        (split, "after", STRICT, 2),
    ],
)
def test_a_follow_up_that_a_person_took_out_follows_nothing(
    make_report, make_echo, project, user, take_out, edited, thresholds, left
):
    report = make_report()
    file([report])
    echo = make_echo(report)
    if edited == "before":
        echo = make_echo(report, edits=echo)
    take_out(echo, by=user)
    if edited == "after":
        make_echo(report, edits=echo)

    told = what_if(project, thresholds, days=60)

    assert (told.chosen.reports, told.chosen.issues, told.chosen.following) == (left, left, 0)
    assert not told.false


def test_quotes_are_as_people_wrote_them(make_report, project):
    GlossaryTerm.objects.create(project=project, name="сайт", aliases="прод*")
    file([make_report(TEXTS[0]), make_report(TEXTS[8])])
    set_thresholds(project, STRICT)

    told = what_if(project, LOOSE, days=60)

    assert [pair.text for pair in told.gained] == [TEXTS[8]]


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


def test_what_people_merged_counts_as_missed_or_right(make_report, project, user):
    one, two = make_report(TEXTS[1]), make_report(TEXTS[6])
    file([one, two])
    merge(two.evidence.issue, into=one.evidence.issue, by=user)

    strict = what_if(project, STRICT, days=60)
    everything = what_if(project, Thresholds(merge=0.0, suggest=0.0), days=60)

    assert [(pair.text, pair.other_text) for pair in strict.missed] == [(two.text, one.text)]
    assert strict.chosen.agreement.recall == 0.0
    assert everything.chosen.agreement.recall == 1.0
    assert everything.chosen.agreement.precision == 1.0


def test_texts_from_before_the_history_are_quoted_too(make_report, project, user):
    old, other = make_report(TEXTS[4]), make_report(TEXTS[1])
    later = other.sent_at + timedelta(days=60)
    ours, theirs = make_report(TEXTS[4], sent_at=later), make_report(TEXTS[6], sent_at=later)
    file([old, other, ours, theirs])
    for message, issue in ((ours, old), (theirs, other)):
        merge(message.evidence.issue, into=issue.evidence.issue, by=user)
    issue = Issue.objects.get(evidence__message=other)
    merge(issue, into=old.evidence.issue, by=user)

    told = what_if(project, STRICT, days=5)

    quoted = {(pair.text, pair.other_text) for pair in told.missed}
    assert (other.text, old.text) in quoted
    assert not any("" in texts for texts in quoted)


def test_what_people_told_apart_counts_as_a_false_merge(make_report, project, user):
    one, two = make_report(TEXTS[0]), make_report(TEXTS[0])
    file([one, two])
    split(two, by=user)

    told = what_if(project, STRICT, days=60)

    assert len(told.false) == 1
    assert {told.false[0].message, told.false[0].other} == {one.pk, two.pk}
    assert told.chosen.agreement.precision == 0.0


def test_only_the_newest_are_filed_again(make_report, project):
    reports = [make_report(text) for text in TEXTS]
    file(reports)

    told = what_if(project, LOOSE, days=60, limit=5)

    assert told.is_cut
    assert told.chosen.reports == 5


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


def test_projects_without_reports_have_an_empty_history(db):
    project = Project.objects.create(name="New", slug="new")

    told = what_if(project, LOOSE, days=30)

    assert (told.chosen.reports, told.since) == (0, None)
