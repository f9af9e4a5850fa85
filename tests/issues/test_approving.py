"""What only an archive reports is not approved by itself; a live report brings the policy back."""

import pytest

from apps.issues.decisions import reject, reopen
from apps.issues.models import Evidence, Issue, Match
from apps.issues.opinions import ask_next
from apps.issues.triage import file
from tests.issues.conftest import DIFFERENT, ask, issue_of, let_it_say, read


@pytest.fixture(autouse=True)
def _approving(project):
    project.auto_approve_above = 0.8
    project.save()


@pytest.fixture
def make_archived(make_report):
    """A report of an archive that is filed."""

    def make(**changes):
        report = make_report(is_history=True, **changes)
        file([report])
        return report

    return make


def test_what_only_an_archive_reports_waits_for_a_person(make_archived):
    make_archived()
    make_archived()

    issue = Issue.objects.get()
    assert (issue.status, issue.evidence.count()) == ("new", 2)


def test_a_project_can_ask_for_it(make_archived, project):
    project.approves_history = True
    project.save()

    make_archived()

    assert Issue.objects.get().status == "approved"


def test_a_live_report_of_it_brings_the_policy_back(make_archived, make_report):
    archived = make_archived()

    file([make_report()])

    assert issue_of(archived).status == "approved"


def test_a_live_word_about_it_does_the_same(make_archived, say):
    archived = make_archived()

    read(say("Марта", "у мене теж", to=archived))

    issue = issue_of(archived)
    assert (issue.status, issue.evidence.count()) == ("approved", 2)


def test_a_live_edit_of_it_does_the_same(make_archived, make_report):
    archived = make_archived()

    file([make_report(external_id=archived.external_id, edit=1)])

    evidence = Evidence.objects.get()
    assert (evidence.issue.status, evidence.message.edit) == ("approved", 1)


@pytest.mark.parametrize("changes", [{"confidence": 0.5}, {"is_provisional": True}])
def test_the_policy_that_is_back_decides_as_usual(make_archived, make_report, changes):
    archived = make_archived(**changes)

    file([make_report()])

    assert issue_of(archived).status == "new"


def test_a_likely_duplicate_still_waits_for_a_person(make_archived, make_report, make_issue):
    archived = make_archived()
    Match.objects.create(
        message=archived, issue=make_issue(), level="judged", score=0.5, threshold=0.8,
        outcome=Match.Outcome.SUGGESTED,
    )  # fmt: skip

    file([make_report()])

    assert issue_of(archived).status == "new"


def test_only_the_first_live_report_brings_it_back(make_archived, make_report, project):
    archived = make_archived(confidence=0.5)
    file([make_report()])
    project.auto_approve_above = 0.4
    project.save()

    file([make_report()])

    assert issue_of(archived).status == "new"


def test_what_a_person_has_decided_stays(make_archived, make_report, admin_user):
    issue = issue_of(make_archived())
    reject(issue, by=admin_user)
    reopen(issue, by=admin_user)

    report = make_report()
    file([report])

    assert issue_of(report) == issue
    assert issue_of(report).status == "new"


# With a model that compares


def test_a_models_different_leaves_what_an_archive_reports_alone(server, make_pair):
    _older, newer = make_pair(score=0.3)
    archive(newer)
    let_it_say(server, DIFFERENT)
    ask(newer)

    newer.refresh_from_db()
    assert newer.status == "new"


def test_a_live_issue_that_a_model_merges_into_it_brings_the_policy_back(server, make_pair):
    older, newer = make_pair(score=0.3, confidence=0.95)
    archive(older)
    ask(newer)

    older.refresh_from_db()
    assert (older.status, older.evidence.count()) == ("approved", 2)


def test_the_policy_waits_while_a_model_is_asked(server, make_pair, make_report):
    _older, newer = make_pair(score=0.3)
    archive(newer)
    opening = newer.evidence.get().message
    ask_next(newer, opening, newer.project)

    file([make_report(opening.text, alert_key="")])

    newer.refresh_from_db()
    assert (newer.status, newer.evidence.count()) == ("new", 2)


def archive(issue):
    for evidence in issue.evidence.select_related("message"):
        evidence.message.is_history = True
        evidence.message.save()
