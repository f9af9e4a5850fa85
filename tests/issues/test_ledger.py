"""Every filed message leaves a row with what its decision saw."""

from apps.issues.dedup.levels import calibration
from apps.issues.models import Evidence, Filing
from apps.issues.triage import file
from tasktracker.lib import embeddings
from tests.issues.conftest import OUTAGE

AVATAR = "Додайте, будь ласка, можливість змінити аватар у профілі"


def test_a_first_report_is_written_as_opened(make_report, project):
    report = make_report()

    file([report])

    filing = Filing.objects.get()
    assert (filing.message, filing.outcome, filing.level) == (report, "opened", "opened")
    assert filing.issue == report.evidence.issue
    assert filing.compared == []
    assert filing.saw["candidates"] == []


def test_a_filing_names_what_decided(make_report, project):
    file([make_report()])

    filing = Filing.objects.get()
    known = calibration()
    assert filing.embedding_model == embeddings.model_name()
    assert filing.judge == known.version
    assert filing.merge_threshold == known.judged.merge
    assert filing.suggest_threshold == known.judged.suggest
    assert filing.text_hash == filing.message.text_hash
    assert filing.limits["window_hours"] == project.duplicate_window_hours


def test_a_filing_names_the_thresholds_of_the_project(make_report, project):
    project.merge_threshold, project.suggest_threshold = 0.97, 0.6
    project.save()

    file([make_report()])

    filing = Filing.objects.get()
    assert (filing.merge_threshold, filing.suggest_threshold) == (0.97, 0.6)


def test_an_attached_report_is_written_with_its_level_and_score(make_report):
    first, second = make_report(), make_report()

    file([first, second])

    filing = Filing.objects.get(message=second)
    assert (filing.outcome, filing.level, filing.score) == ("attached", "exact", 1.0)
    assert filing.issue == first.evidence.issue


def test_what_was_compared_is_kept_best_first(make_report):
    other, first, second = make_report(AVATAR), make_report(), make_report()

    file([other, first, second])

    filing = Filing.objects.get(message=second)
    assert filing.compared[0]["issue"] == first.evidence.issue_id
    assert filing.compared[0]["level"] == "exact"
    assert {tuple(pair) for pair in filing.saw["candidates"]} == {
        (other.pk, other.evidence.issue_id),
        (first.pk, first.evidence.issue_id),
    }


def test_only_the_best_are_kept_in_detail(make_report):
    reports = [make_report(f"{AVATAR} {number}00{number}") for number in range(35)]

    file(reports)

    filing = Filing.objects.get(message=reports[-1])
    assert len(filing.compared) <= 30
    assert len(filing.saw["candidates"]) == 34


def test_a_repeated_alert_is_written_without_a_comparison(make_report):
    first = make_report("[FIRING] HighLatency api", alert_key="latency")
    second = make_report("[FIRING] HighLatency api again", alert_key="latency")

    file([first, second])

    filing = Filing.objects.get(message=second)
    assert (filing.outcome, filing.level, filing.saw) == ("attached", Evidence.Level.EXACT, {})


def test_an_edit_is_written_too(make_report):
    first = make_report()
    file([first])
    edit = make_report(f"{OUTAGE}!!", external_id=first.external_id, edit=5)

    file([edit])

    assert Filing.objects.get(message=edit).level == Evidence.Level.EDIT
