"""What a new report is compared with besides its nearest neighbours."""

from datetime import timedelta

import numpy as np
import pytest

from apps.issues.relations import keep_apart
from apps.issues.search import RECENT, candidates

pytestmark = pytest.mark.django_db


def report(make_message, make_issue, text, **changes):
    message = make_message(text, **changes)
    return make_issue(message=message)


def found_in(message, project):
    return {candidate.issue_id for candidate in candidates(message, project, None)}


def test_the_same_words_are_found_behind_any_number_of_newer_reports(
    fill, make_message, make_issue, project
):
    same = report(make_message, make_issue, "Не відкривається кошик")
    fill(RECENT + 5)

    assert same.pk in found_in(make_message("не відкривається кошик!"), project)


def test_issues_that_were_told_apart_are_no_candidates(make_message, make_issue, project):
    old = report(make_message, make_issue, "Не відкривається кошик")
    message = make_message("Кошик не відкривається")
    keep_apart(make_issue(message=message), old, by=None)

    assert old.pk not in found_in(message, project)


def test_a_report_outside_of_the_windows_is_no_candidate(make_message, make_issue, project):
    old = report(make_message, make_issue, "Не відкривається кошик")
    later = old.evidence.get().message.sent_at + timedelta(days=project.open_issue_days + 1)

    assert old.pk not in found_in(make_message("Не відкривається кошик", sent_at=later), project)


def test_a_candidate_brings_its_vector(fill, make_message, project):
    vectors, _ = fill(1)

    (candidate,) = candidates(make_message("нове"), project, vectors[0])

    assert candidate.report.vector is not None
    assert np.allclose(candidate.report.vector, vectors[0], atol=1e-6)
    assert candidate.similarity == pytest.approx(1.0, abs=1e-3)
