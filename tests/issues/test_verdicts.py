"""What people said of two reports is what a simulation is measured by."""

from apps.issues.decisions import merge, undo_merge
from apps.issues.triage import file
from apps.issues.verdicts import agreement, verdicts_of
from tests.issues.conftest import TEXTS


def test_an_undone_merge_is_no_merge(make_report, project, user):
    one, two = make_report(TEXTS[1]), make_report(TEXTS[6])
    file([one, two])
    issue = two.evidence.issue
    merge(issue, into=one.evidence.issue, by=user)
    issue.refresh_from_db()
    undo_merge(issue, by=user)

    assert not [verdict for verdict in verdicts_of(project) if verdict.is_same]


def test_without_verdicts_there_is_no_precision():
    assert agreement([], {}).precision is None
    assert agreement([], {}).recall is None
