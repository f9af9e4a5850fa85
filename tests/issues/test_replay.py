"""A decision comes out again as it was, or the difference is told with its cause."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.issues.models import Filing, Issue
from apps.issues.replay import replay
from apps.issues.triage import file
from apps.messages.models import Embedding, Message
from apps.sources.models import GlossaryTerm
from tasktracker.lib import embeddings

OUTAGE_AGAIN = "Прод лежить, 502 на всіх сторінках, клієнти не можуть нічого оплатити"
AVATAR = "Додайте, будь ласка, можливість змінити аватар у профілі"


@pytest.fixture
def reports(make_report):
    """Three filed reports: the last surely repeats the first."""
    reports = [make_report(), make_report(AVATAR), make_report(OUTAGE_AGAIN)]
    file(reports)
    return reports


def run(*arguments):
    output = StringIO()
    call_command("replay", *map(str, arguments), stdout=output)
    return output.getvalue()


def replay_one(message):
    """Anew, in the issue into which it was filed."""
    filing = message.filings.get()
    (replayed,) = replay(filing.issue, message_id=message.pk)
    return replayed


def names(replayed):
    return [cause.name for cause in replayed.causes]


def test_decisions_are_reproduced(reports, project):
    states = [replay_one(report).state for report in reports]

    assert states == ["reproduced"] * 3


def test_later_reports_and_merges_change_nothing(reports, project, make_report):
    file([make_report(), make_report(AVATAR)])
    Issue.objects.update(status="done")

    assert replay_one(reports[2]).state == "reproduced"


def test_nothing_is_written(reports, project):
    before = Filing.objects.count(), Embedding.objects.count()
    Embedding.objects.all().delete()

    replay_one(reports[2])

    assert Filing.objects.count() == before[0]
    assert not Embedding.objects.exists()


def test_all_decisions_of_an_issue_are_read_at_once(
    reports, make_report, django_assert_max_num_queries
):
    issue = reports[0].evidence.issue
    more = [make_report() for _ in range(12)]
    file(more)
    assert issue.evidence.count() > 12

    with django_assert_max_num_queries(12):
        told = replay(issue)

    assert {one.state for one in told} == {"reproduced"}


def test_a_vector_that_is_missing_is_made_only_where_that_is_allowed(reports, monkeypatch):
    issue = reports[2].evidence.issue
    Embedding.objects.all().delete()

    told = replay(issue, message_id=reports[2].pk)
    assert "vector" not in names(told[0])

    monkeypatch.setattr(embeddings, "embed", None)
    told = replay(issue, message_id=reports[2].pk, may_embed=False)
    assert "vector" in names(told[0])


def test_the_issue_is_told_with_all_that_was_filed_into_it(reports):
    issue = Issue.objects.get(filings__message=reports[0])

    told = [one.message for one in replay(issue)]

    assert reports[0] in told
    assert reports[1] not in told


def test_another_threshold_is_told_as_the_cause(reports, project):
    filing = Filing.objects.get(message=reports[2])
    project.merge_threshold = 0.0 if filing.outcome == "opened" else 1.0
    project.suggest_threshold = 0.0
    project.save()

    replayed = replay_one(reports[2])

    assert "threshold" in names(replayed)


def test_the_threshold_alone_explains_a_difference(make_report, project):
    first, second = make_report(), make_report(AVATAR)
    file([first, second])
    project.merge_threshold = project.suggest_threshold = 0.0
    project.save()

    replayed = replay_one(second)

    assert replayed.state == "differs"
    assert replayed.now.issue == first.evidence.issue_id
    assert [(cause.name, cause.is_enough) for cause in replayed.causes] == [("threshold", True)]


def test_another_judge_is_told(reports, project):
    Filing.objects.update(judge="another")

    assert names(replay_one(reports[2])) == ["judge"]


def test_another_embedding_model_is_told(reports, project):
    Filing.objects.update(embedding_model="another")

    assert names(replay_one(reports[2])) == ["embedding_model"]


def test_a_changed_text_is_told(reports, project):
    Message.objects.filter(pk=reports[2].pk).update(text="Зовсім інший текст про звіти у PDF")
    Embedding.objects.filter(message=reports[2]).delete()

    replayed = replay_one(Message.objects.get(pk=reports[2].pk))

    assert "text" in names(replayed)


def test_a_changed_text_of_another_message_is_told(reports, project):
    Message.objects.filter(pk=reports[0].pk).update(text="Зовсім інший текст про звіти у PDF")

    assert "other_texts" in names(replay_one(reports[2]))


def test_a_message_that_is_gone_is_told(reports, project):
    gone = reports[1].pk
    reports[1].delete()

    replayed = replay_one(reports[2])

    assert [(cause.name, cause.before) for cause in replayed.causes] == [("gone", str(gone))]


def test_another_normalisation_is_told(reports, project):
    filing = Filing.objects.get(message=reports[2])
    filing.saw["words"] = "other"
    filing.save()

    assert names(replay_one(reports[2])) == ["words"]


def test_another_glossary_is_told(reports, project):
    GlossaryTerm.objects.create(project=project, name="сайт", aliases="прод")

    assert names(replay_one(reports[2])) == ["words"]


def test_other_windows_are_told_but_explain_nothing(reports, project):
    project.duplicate_window_hours = 1
    project.save()

    replayed = replay_one(reports[2])

    assert (replayed.state, names(replayed)) == ("reproduced", ["limits"])


def test_a_difference_without_a_recorded_cause_is_the_programs(reports, project):
    filing = Filing.objects.get(message=reports[1])
    filing.outcome, filing.level = "attached", "fuzzy"
    filing.save()

    replayed = replay_one(reports[1])

    assert (replayed.state, names(replayed)) == ("differs", ["code"])


def test_a_message_without_a_filing_is_no_difference(make_message, make_issue):
    issue = make_issue(message=make_message())

    assert [one.state for one in replay(issue)] == ["unrecorded"]


def test_the_command_says_reproduced(reports):
    issue = Filing.objects.get(message=reports[0]).issue

    assert "reproduced" in run(issue.pk)


def test_the_command_speaks_to_programs(reports):
    filing = Filing.objects.get(message=reports[1])

    told = json.loads(run(filing.issue_id, "--json").splitlines()[-1])

    assert told["reproduced"] is True
    assert told["messages"][0]["message"] == reports[1].pk
    assert told["messages"][0]["then"] == told["messages"][0]["now"]


def test_the_command_fails_when_something_differs(reports):
    filing = Filing.objects.get(message=reports[1])
    filing.outcome, filing.level = "attached", "fuzzy"
    filing.save()

    with pytest.raises(CommandError):
        run(filing.issue_id)


def test_one_message_can_be_named(reports):
    filing = Filing.objects.get(message=reports[1])

    assert f"#{reports[1].pk} " in run(filing.issue_id, "--message", reports[1].pk)
    with pytest.raises(CommandError):
        run(filing.issue_id, "--message", 999_999)


def test_an_unknown_issue_is_told(db):
    with pytest.raises(CommandError):
        run(999_999)
