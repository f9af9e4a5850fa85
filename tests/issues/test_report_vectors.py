"""The copies of vectors that the search reads follow their reports."""

import pytest

from apps.issues.models import Evidence, ReportVector
from apps.messages.models import Embedding, Message

pytestmark = pytest.mark.django_db


def rows():
    return list(ReportVector.objects.values_list("issue_id", "is_open", "level"))


def test_a_merged_report_goes_with_its_issue(fill):
    _, (one, two) = fill(2)

    Evidence.objects.filter(issue=one).update(issue=two, level="person")

    assert sorted(rows()) == [(two.pk, True, "opened"), (two.pk, True, "person")]


def test_an_edit_brings_its_own_vector(fill, make_message):
    fill(1)
    edit = make_message("правка")
    Embedding.objects.create(message=edit, model="m", vector=[1.0, 0.0])

    Evidence.objects.update(message=edit)

    assert ReportVector.objects.get().model == "m"


def test_a_vector_that_is_made_later_is_copied(make_issue, make_message):
    message = make_message()
    issue = make_issue(message=message)
    Embedding.objects.create(message=message, model="m", vector=[1.0, 0.0])

    assert rows() == [(issue.pk, True, "opened")]


def test_nothing_is_left_of_a_deleted_message(fill):
    fill(2)

    Message.objects.first().delete()

    assert ReportVector.objects.count() == 1


def test_a_vector_of_an_older_model_goes_with_it(fill):
    fill(1)

    Embedding.objects.all().delete()

    assert not ReportVector.objects.exists()
