"""How issues belong together is told to their tasks, once, and told anew of a task that is made again."""

import pytest

from apps.exports.models import TaskExport
from apps.exports.moving import export_again
from apps.exports.trackers.base import Doubtful
from apps.exports.update import want
from apps.issues.decisions import merge, related, take_back, undo_merge
from apps.issues.models import Issue, Relation
from tests.exports.fake_tracker import Fake
from tests.exports.telling import notes, tell

APPROVED = Issue.Status.APPROVED


@pytest.fixture(autouse=True)
def in_memory(fake: type[Fake]) -> None:
    """The tracker in memory, in every test here."""


def test_a_merge_is_told_and_its_undoing_too(made, report, hear):
    one, other = made("Прод лежить"), made("Оплата падає")
    hear(merge, one.issue, into=other.issue, by=None)
    tell()
    ((task, kind, into),) = Fake.relations.values()
    assert (task, kind, into) == ("FAKE-1", "duplicate", "FAKE-2")
    ((text,),) = notes()  # what the other one took over
    assert text.startswith("FAKE-2: 1 ")
    assert "Прод лежить" in text

    hear(undo_merge, Issue.objects.get(pk=one.issue_id), by=None)
    tell()

    assert Fake.relations == {}
    assert "Прод лежить" not in notes()[0][-1]


def test_two_that_are_related_are_told_once(made, hear):
    one, other = made("Прод лежить"), made("Оплата падає")

    hear(related, one.issue, other.issue, by=None)
    tell()
    want([one.issue_id, other.issue_id])
    tell()
    assert list(Fake.relations.values()) == [("FAKE-2", "related", "FAKE-1")]
    assert Fake.calls.count("relate") == 1

    hear(take_back, one.issue, other.issue, by=None, kind=Relation.Kind.RELATED)
    tell()
    assert Fake.relations == {}


def test_a_relation_whose_answer_is_lost_keeps_its_id(made, hear):
    one, other = made("Прод лежить"), made("Оплата падає")
    Fake.does("relate", after=Doubtful("nobody answered"))
    hear(related, one.issue, other.issue, by=None)
    tell()
    Fake.does("relate")

    tell()

    assert Fake.calls.count("relate") == 2
    assert len(Fake.relations) == 1


def test_a_task_that_is_made_later_is_related_then(made, make_export, make_issue, run, hear):
    first = made()
    late = make_export(make_issue("Оплата падає", status=APPROVED))
    hear(related, late.issue, first.issue, by=None)
    tell()
    assert Fake.relations == {}

    hear(run, late)
    tell()

    assert len(Fake.relations) == 1


@pytest.mark.parametrize("which", [0, 1])
def test_a_task_that_is_made_again_is_related_again(made, run, hear, which):
    pair = made("Прод лежить"), made("Оплата падає")
    hear(related, pair[0].issue, pair[1].issue, by=None)
    tell()
    TaskExport.objects.filter(pk=pair[which].pk).update(is_gone=True)

    hear(export_again, pair[which])
    hear(run, pair[which])
    tell()

    numbers = ["FAKE-1", "FAKE-2"]
    numbers[which] = "FAKE-3"
    assert list(Fake.relations.values())[-1] == (numbers[1], "related", numbers[0])


def test_a_task_that_was_moved_there_keeps_its_relations(made, hear):
    one, other = made("Прод лежить"), made("Оплата падає")
    hear(related, one.issue, other.issue, by=None)
    tell()
    TaskExport.objects.filter(pk=one.pk).update(external_id="OPS-1")

    want([one.issue_id])
    tell()

    assert Fake.calls.count("relate") == 1
