"""A report joins the open issue that it is about, or opens one."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.issues.models import Change, Evidence, Issue, Match
from apps.issues.suggestions import suggestions_for
from apps.issues.triage import file
from apps.messages.models import Message
from tasktracker.lib import embeddings
from tests.issues.conftest import OUTAGE, issue_of

AVATAR = "Додайте, будь ласка, можливість змінити аватар у профілі"


def test_a_first_report_opens_an_issue(make_report):
    report = make_report()

    file([report])

    issue = Issue.objects.get()
    assert (issue.status, issue.category, issue.priority) == ("new", "bug", "high")
    assert issue.title
    assert issue.evidence.get().level == Evidence.Level.OPENED
    assert issue.changes.get().kind == Change.Kind.OPENED
    report.refresh_from_db()
    assert report.status == "filed"


def test_the_same_text_again_is_evidence_of_the_same_issue(make_report):
    first, second = make_report(), make_report(OUTAGE.upper())

    file([first, second])

    assert issue_of(first) == issue_of(second)
    assert Evidence.objects.get(message=second).level == Evidence.Level.EXACT


def test_a_report_in_the_other_language_joins_the_issue(make_report):
    ukrainian = make_report("Прод лежить, 502 на всіх сторінках, ніхто не може оплатити замовлення")
    english = make_report("Production is down, 502 on all pages, nobody can pay for an order")

    file([ukrainian, english])

    matches = Match.objects.filter(message=english)
    assert issue_of(english) == issue_of(ukrainian) or matches.exists()


def test_another_problem_opens_another_issue(make_report):
    first, second = make_report(), make_report(AVATAR, category="feature")

    file([first, second])

    assert issue_of(first) != issue_of(second)


BY_A_TESTER = (
    OUTAGE,
    "Courier app crashes when I open the map on android 14",
    "Не можу завантажити аватар",
    "Webhooks to Slack stopped",
    "The courier cannot close a delivery",
    "Експорт у CSV губить останній рядок",
    "Search by phone number finds nothing",
    "лист підтвердження не приходить",
    "Wrong currency in the invoice",
    "кнопка зберегти не натискається на айпаді",
)


@pytest.mark.parametrize("author", ["7", None])
def test_different_problems_one_minute_apart_are_different_issues(make_report, author):
    """As a tester tells what was found in an hour, or as many people write at the same time."""
    reports = [
        make_report(text, author_id=author or str(number))
        for number, text in enumerate(BY_A_TESTER)
    ]

    file(reports)

    assert Issue.objects.count() == len(reports)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (
            "бек на проді лежить, 500 на всіх сторінках",
            "бек на стейджі лежить, 500 на всіх сторінках",
        ),
        ("бек на проді лежить, 500 на сторінках", "бек на пре-проді лежить, 500 на сторінках"),
        ("App crashes on login on iOS", "App crashes on login on Android"),
        ("iOS 4.2: кошик не відкривається", "iOS 4.3: кошик не відкривається"),
        ("Import of CSV loses the last row", "Export of CSV loses the last row"),
    ],
)
def test_the_same_words_about_something_else_are_only_suggested(make_report, first, second):
    one, two = make_report(first), make_report(second, author_id="8")

    file([one, two])

    assert issue_of(one) != issue_of(two)
    assert Match.objects.get(message=two).issue == issue_of(one)


def test_an_issue_of_which_one_report_agrees_takes_the_next(make_report):
    reports = [
        make_report("App crashes on login on iOS"),
        make_report("App crashes on login", author_id="9"),
    ]
    file(reports)
    again = make_report("App crashes on login on Android", author_id="8")

    file([again])

    assert issue_of(again) == issue_of(reports[0])


def test_projects_do_not_see_each_other(make_report, other_project):
    first, second = make_report(), make_report(project=other_project)

    file([first, second])

    assert issue_of(first).project != issue_of(second).project


@pytest.mark.parametrize("status", ["done", "rejected", "duplicate"])
def test_a_closed_issue_takes_no_more_evidence(make_report, status):
    first, second = make_report(), make_report()
    file([first])
    Issue.objects.update(status=status)

    file([second])

    assert issue_of(first) != issue_of(second)


def test_what_a_person_closes_while_a_report_of_it_is_filed_may_be_back(make_report, admin_user):
    first, second = make_report(), make_report()
    file([first])

    def close(execute, sql, *rest):
        if "issues_issue" in sql and sql.endswith("FOR UPDATE"):
            Issue.objects.filter(status="new").update(status="rejected", status_changed_at=Now())
        return execute(sql, *rest)

    with connection.execute_wrapper(close):
        file([second])

    assert issue_of(first) != issue_of(second)
    (asked,) = suggestions_for([issue_of(second)])[issue_of(second).pk]
    assert (asked.issue, asked.is_back) == (issue_of(first), True)


def test_an_issue_that_is_too_old_takes_no_more_evidence(make_report, project):
    first = make_report()
    second = make_report(sent_at=first.sent_at + timedelta(days=project.open_issue_days + 1))

    file([first, second])

    assert issue_of(first) != issue_of(second)


def test_a_more_urgent_report_raises_the_priority(make_report):
    file([make_report(priority="medium"), make_report(priority="critical")])

    issue = Issue.objects.get()
    assert issue.priority == "critical"
    assert issue.changes.filter(kind=Change.Kind.EDIT, details__field="priority").exists()


def test_filing_twice_makes_one_issue(make_report):
    report = make_report()
    file([report])
    Message.objects.update(status="actionable")

    file([Message.objects.get()])

    assert Issue.objects.count() == 1


def test_the_edit_of_a_report_stays_with_its_issue(make_report):
    report = make_report()
    file([report])
    edited = make_report(AVATAR, external_id=report.external_id, edit=1_772_442_000)

    file([edited])

    evidence = Issue.objects.get().evidence.get()
    assert evidence.message == edited
    change = evidence.issue.changes.get(kind=Change.Kind.EVIDENCE)
    assert change.details["replaced"] == report.pk


def test_a_second_edit_in_the_same_second_takes_the_place_of_the_first(make_report):
    report = make_report()
    edits = [
        make_report(text, external_id=report.external_id, edit=1_772_442_000)
        for text in (AVATAR, OUTAGE)
    ]

    for revision in (report, *edits):
        file([revision])

    assert Issue.objects.get().evidence.get().message == edits[1]


def test_an_edit_never_joins_an_issue_of_another_project(make_report, other_project):
    report = make_report()
    file([report])
    edited = make_report(
        AVATAR, external_id=report.external_id, edit=1_772_442_000, project=other_project
    )

    file([edited])

    assert issue_of(edited).project == other_project
    assert issue_of(report).project == report.project


def test_a_superseded_report_leaves_the_word_to_its_edit(make_report):
    report = make_report(is_superseded=True)

    file([report])

    report.refresh_from_db()
    assert report.status == "noise"
    assert not Issue.objects.exists()


def test_an_edit_that_is_stored_and_filed_meanwhile_is_the_only_report(make_report):
    report = make_report()
    claimed = Message.objects.get(pk=report.pk)
    edit = make_report(AVATAR, external_id=report.external_id, edit=1)
    Message.objects.filter(pk=report.pk).update(is_superseded=True)
    file([edit])

    file([claimed])

    assert claimed.status == "noise"
    assert [row.message for row in Evidence.objects.all()] == [edit]


def test_a_confident_issue_is_approved_by_the_projects_policy(make_report, project):
    project.auto_approve_above = 0.9
    project.save()

    file([make_report(confidence=0.95)])

    issue = Issue.objects.get()
    assert issue.status == "approved"
    assert "0.95" in issue.changes.get(kind=Change.Kind.STATUS).reason


@pytest.mark.parametrize("changes", [{"confidence": 0.5}, {"is_provisional": True}])
def test_an_unsure_issue_waits_for_a_person(make_report, project, changes):
    project.auto_approve_above = 0.9
    project.save()

    file([make_report(**changes)])

    assert Issue.objects.get().status == "new"


def test_entities_are_kept_on_the_issue(make_report):
    file([make_report("Після оновлення до версії 2.4.1 кафка не стартує, падає з помилкою")])

    entities = Issue.objects.get().entities
    assert [entity["surface"] for entity in entities["versions"]] == ["2.4.1"]


def test_the_same_words_are_found_again_while_the_embedding_server_is_away(
    make_report, monkeypatch
):
    def fail(texts):
        raise embeddings.Unavailable("Ollama gave no vectors: ConnectError")

    monkeypatch.setattr(embeddings, "embed", fail)
    first, second = make_report(), make_report()

    file([first, second])

    assert issue_of(first) == issue_of(second)
