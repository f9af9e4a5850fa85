"""A task is told what came after it was made: in one note, once, and never in a flood."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.exports.erase import erase
from apps.exports.models import ExportUpdate, TaskExport, Tracker
from apps.exports.tasks import look_for_news
from apps.exports.trackers.base import Doubtful, Gone, Limited
from apps.exports.update import tell as tell_one
from apps.exports.update import want
from apps.issues.models import Evidence, Issue
from apps.issues.triage import attach
from apps.sources.models import Author, Erasure
from tasktracker.lib.workflow import GiveUp, LostRace, TryLater
from tests.exports.conftest import pass_time
from tests.exports.fake_tracker import Fake
from tests.exports.telling import notes, tell

APPROVED = Issue.Status.APPROVED
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def in_memory(fake: type[Fake]) -> None:
    """The tracker in memory, in every test here."""


def test_a_task_without_news_is_told_nothing(made):
    export = made()

    want([export.issue_id])
    look_for_news()

    assert not ExportUpdate.objects.exists()


def test_what_comes_later_is_one_note_that_is_edited(made, report):
    export = made()
    report(export, "+1", "і в мене")
    tell()
    report(export, "досі лежить")
    tell()

    ((first, second),) = notes()
    assert first.startswith("FAKE-1: 2 ")
    assert "+1" in first
    assert "Прод лежить" not in second
    assert [second.count(text) for text in ("+1", "і в мене", "досі лежить")] == [1, 1, 1]
    assert Fake.calls.count("create") == 1


def test_a_later_screenshot_is_told(made, make_message, hear):
    export = made()
    shot = make_message("", kind="photo", files=["502.png"])
    hear(attach, shot, export.issue, level=Evidence.Level.RUN)
    tell()

    ((note,),) = notes()
    assert note.startswith("FAKE-1: 1 ")
    assert "502.png" in note


def test_twenty_in_a_minute_are_one_edit(made, report):
    export = made()
    report(export, "+1")
    tell(later=timedelta(seconds=6))
    report(export, *(f"+{n}" for n in range(2, 22)))

    tell(later=timedelta(seconds=50))
    assert len(notes()[0]) == 1
    tell(later=timedelta(seconds=10))

    (texts,) = notes()
    assert len(texts) == 2
    assert "21 " in texts[1]


def test_nothing_is_told_twice(made, report):
    export = made()
    report(export, "+1")
    tell()

    want([export.issue_id])
    look_for_news()
    tell()
    Issue.objects.get(pk=export.issue_id).edit({"priority": "low"})
    tell()

    assert len(notes()[0]) == 1


def test_what_comes_while_the_note_is_written_is_told_after_it(made, report):
    export = made()
    report(export, "перше")

    def report_more() -> None:
        Fake.before.clear()
        report(export, "друге")

    Fake.before["note"] = report_more

    tell()
    tell()

    (texts,) = notes()
    assert ["друге" in text for text in texts] == [False, True]


def test_what_came_while_the_task_was_made_is_told(make_export, make_issue, report, run, hear):
    export = make_export(make_issue(status=APPROVED))
    Fake.before["create"] = lambda: report(export, "саме зараз")

    hear(run, export)
    tell()

    assert "саме зараз" in notes()[0][0]


@pytest.mark.parametrize(
    "off", [{"tells_news": False}, {"is_active": False}, {"kind": "json"}], ids=str
)
def test_a_tracker_that_is_not_to_be_told_is_not(made, report, off):
    export = made()
    report(export, "+1")
    Tracker.objects.update(**off)

    tell()
    report(export, "+2")
    tell()

    assert Fake.notes == {}


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (Doubtful("nobody answered"), 20),
        (TryLater("unreachable"), 40),
        (Limited("too often", delay=timedelta(seconds=90)), 100),
    ],
)
def test_a_note_that_was_not_written_or_may_have_been_is_written_again(made, report, error, again):
    report(made(), "+1")
    Fake.does("note", after=error)
    tell()
    update = ExportUpdate.objects.get()
    assert (update.status, update.last_error) == ("waiting", str(error))
    assert (update.called_at is not None) == isinstance(error, Doubtful)
    Fake.does("note")

    tell(later=timedelta(seconds=again))

    update.refresh_from_db()
    assert (update.status, update.called_at, update.note_id) == (
        "told",
        None,
        f"note {update.uuid}",
    )
    assert list(Fake.notes) == [update.uuid]


def test_nobody_writes_while_the_last_call_may_still_be_at_work(made, report):
    report(made(), "+1")
    ExportUpdate.objects.update(called_at=timezone.now() + MINUTE / 2)

    tell(later=timedelta(seconds=20))

    assert Fake.notes == {}
    assert "Waiting for what became" in ExportUpdate.objects.get().last_error


def test_what_the_tracker_refuses_fails_until_there_is_more(made, report, tracker):
    export = made()
    report(export, "+1")
    Fake.does("note", before=GiveUp("no right to comment"))
    tell()
    update = ExportUpdate.objects.get()
    assert (update.status, update.last_error) == ("failed", "no right to comment")
    Fake.does("note")

    report(export, "+2")
    tell()

    assert [text.startswith("FAKE-1: 2 ") for text in notes()[0]] == [True]


def test_a_note_that_somebody_deleted_is_written_anew_under_another_id(made, report):
    export = made()
    report(export, "+1")
    tell()

    def refuse_once() -> None:
        Fake.before.clear()
        raise Gone("no such comment")

    Fake.before["note"] = refuse_once
    report(export, "+2")
    tell()

    update = ExportUpdate.objects.get()
    assert (update.status, update.note_id) == ("told", f"note {update.uuid}")
    assert [[text[:10] for text in texts] for texts in notes()] == [["FAKE-1: 1 "], ["FAKE-1: 2 "]]


def test_a_row_that_others_work_on_by_now_is_left_to_them(made, report):
    report(made(), "+1")
    number = ExportUpdate.objects.get().pk
    (late,) = ExportUpdate.claim([number], "waiting", lease=-MINUTE)
    ExportUpdate.claim([number], "waiting")

    with pytest.raises(LostRace):
        tell_one(late)

    assert Fake.notes == {}


def test_a_task_that_was_made_anew_has_a_note_of_its_own(made, report):
    export = made()
    report(export, "+1")
    tell()
    export.uuid = "0b0cbf52-7d0c-4bb5-8a2e-6a8f0ffb2d6c"
    export.save(update_fields=["uuid"])

    report(export, "+2")
    tell()

    assert [len(texts) for texts in notes()] == [1, 1]


@pytest.fixture
def forget(source) -> Callable[[TaskExport], Erasure]:
    def forget(export: TaskExport) -> Erasure:
        erasure = Erasure.objects.create(
            author=Author.known(source.pk, "7"),
            status=Erasure.Status.EXPORTS,
            issues=[export.issue_id],
        )
        erase(erasure)
        return erasure

    return forget


def test_a_person_who_is_forgotten_leaves_the_note(made, report, forget):
    export = made()
    report(export, "мене звуть Марія", "друге")
    tell()
    Evidence.objects.filter(issue=export.issue, message__text__startswith="мене").delete()
    ExportUpdate.objects.update(leased_until=timezone.now() + MINUTE)
    with pytest.raises(TryLater, match="being sent"):
        forget(export)
    pass_time(2 * MINUTE)

    erasure = forget(export)

    assert ["Марія" in notes()[0][-1], "друге" in notes()[0][-1]] == [False, True]
    assert erasure.left == 1  # the task itself, which this tracker cannot write anew
