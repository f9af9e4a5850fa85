"""What was announced to nobody is found, and what was refused is not repeated."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.exports.models import ExportUpdate
from apps.exports.tasks import look_for_news
from apps.issues.models import Evidence
from apps.issues.triage import attach
from tasktracker.lib.workflow import GiveUp
from tests.exports.fake_tracker import Fake
from tests.exports.telling import notes, tell


@pytest.fixture(autouse=True)
def in_memory(fake: type[Fake]) -> None:
    """The tracker in memory, in every test here."""


def test_what_was_announced_to_nobody_is_found(made, make_message):
    export = made()
    attach(make_message("+1"), export.issue, level=Evidence.Level.FUZZY)

    look_for_news()
    tell()

    assert len(notes()) == 1


def test_what_the_tracker_refuses_is_not_told_again_without_more(made, report):
    export = made()
    report(export, "+1")
    Fake.does("note", before=GiveUp("no right to comment"))
    tell()
    Fake.does("note")

    look_for_news()
    tell()

    assert ExportUpdate.objects.get().status == "failed"
    assert notes() == []


def test_what_was_announced_to_nobody_after_a_note_is_found(made, report, make_message):
    export = made()
    report(export, "+1")
    tell()
    attach(make_message("+2"), export.issue, level=Evidence.Level.FUZZY)

    look_for_news()
    tell()

    assert [text.startswith("FAKE-1: 2 ") for text in notes()[0]] == [False, True]


def test_news_of_many_tasks_are_looked_for_at_once(made, make_message):
    def queries() -> int:
        ExportUpdate.objects.all().delete()
        with CaptureQueriesContext(connection) as seen:
            look_for_news()
        return len(seen)

    exports = [made(f"Прод лежить {number}") for number in range(3)]
    attach(make_message("+1"), exports[0].issue, level=Evidence.Level.FUZZY)
    of_one = queries()
    for export in exports[1:]:
        attach(make_message("+1"), export.issue, level=Evidence.Level.FUZZY)

    assert queries() == of_one
    assert ExportUpdate.objects.count() == 3
