"""Who wins between a tracker and us (docs/decisions/0019-who-wins.md)."""

from dataclasses import replace
from random import Random

import pytest
from django.contrib.auth.models import User

from apps.exports.deliver import open_exports
from apps.exports.models import TaskExport
from apps.exports.sync import take
from apps.issues.decisions import finish
from apps.issues.models import Change, Issue
from tasktracker.lib.workflow import WrongTransition, status_changed
from tests.exports.mirrored import issue_of, state


def told(export, kind):
    return [change.details for change in issue_of(export).changes.filter(kind=kind)]


@pytest.mark.parametrize(
    ("here", "there", "now"),
    [
        ("duplicate", "in_progress", "duplicate"),
        ("approved", "in_progress", "in_progress"),
        ("approved", "done", "done"),
        ("approved", "rejected", "rejected"),
        ("in_progress", "rejected", "rejected"),
        ("done", "in_progress", "in_progress"),
        ("done", "rejected", "rejected"),
        # A person here rejected it: closing it there is no reason to call it done.
        ("rejected", "done", "rejected"),
        ("rejected", "in_progress", "in_progress"),
        # What is new or merged here is for people here to decide.
        ("new", "done", "new"),
        ("duplicate", "done", "duplicate"),
    ],
)
def test_the_status_there_becomes_the_status_here(mirrored, here, there, now):
    export = mirrored(here)

    take(export, state(export, there, after=1))

    assert issue_of(export).status == now


@pytest.mark.parametrize("status", ["approved", "in_progress", "done"])
def test_what_was_cancelled_there_and_is_opened_again_is_open_here(mirrored, status):
    export = mirrored()
    take(export, state(export, "rejected", after=1))

    take(export, state(export, status, after=2))

    assert issue_of(export).status == status


def test_a_change_is_one_line_of_the_history_with_the_name_of_the_tracker(mirrored):
    export = mirrored("in_progress", said="in_progress")

    take(export, state(export, "rejected", after=1))

    (line,) = told(export, Change.Kind.STATUS)[1:]  # the first state has made one as well
    assert line == {"before": "in_progress", "after": "rejected", "by_tracker": "Fake"}


def test_a_status_that_cannot_be_is_shown_and_not_tried_again(mirrored):
    export = mirrored("new")

    take(export, state(export, "done", after=1))

    export.refresh_from_db()
    assert export.refused_status == "Done"
    assert not take(export, state(export, "done", after=2))


def test_closing_the_task_of_a_duplicate_is_nothing_to_decide(mirrored):
    export = mirrored("duplicate")

    take(export, state(export, "rejected", after=1))

    export.refresh_from_db()
    assert (export.refused_status, export.status_there) == ("", "Rejected")


def test_what_a_person_does_here_stays_while_nothing_changes_there(mirrored):
    export = mirrored()
    finish(issue_of(export), by=None)

    assert not take(export, state(export, "approved", after=1))

    assert issue_of(export).status == "done"


def test_what_was_done_before_the_tracker_spoke_is_not_undone(make_export, make_issue, telling):
    export = make_export(make_issue(status="done"), status="created", external_id="T-1")

    take(export, state(export, "approved"))

    assert issue_of(export).status == "done"


def test_whatever_comes_in_whatever_order_and_how_often_the_newest_counts(mirrored):
    export = mirrored()
    chance = Random(7)
    words = ["approved", "in_progress", "done", "rejected"]
    said = [state(export, chance.choice(words), after=minute) for minute in range(1, 7)]

    for last in ("done", "rejected", "in_progress"):
        said.append(state(export, last, after=len(said) + 1))
        for change in chance.sample(said, len(said)) + said:
            take(export, change)
        assert issue_of(export).status == last

    assert not any(take(export, change) for change in said)


def test_a_title_there_becomes_the_title_here(mirrored):
    export = mirrored()

    take(export, state(export, after=1, title="Прод лежить у Львові"))

    assert issue_of(export).title == "Прод лежить у Львові"
    assert told(export, Change.Kind.EDIT)[0]["by_tracker"] == "Fake"


def test_a_title_that_a_person_set_here_stays_and_the_other_is_shown(mirrored):
    export = mirrored()
    person = User.objects.create(username="olena")
    issue_of(export).correct({"title": "Впав прод"}, by=person)

    take(export, state(export, after=1, title="Прод лежить у Львові"))

    export.refresh_from_db()
    assert issue_of(export).title == "Впав прод"
    assert export.title_there == "Прод лежить у Львові"
    assert "Прод" not in str(export.remote["title"])


@pytest.mark.parametrize("title", ["in the prod", "in the…"])
def test_our_own_words_are_known_again_also_without_orders_and_cut(mirrored, title):
    export = mirrored()
    Issue.objects.update(title="Fixes #12 in the prod")

    take(export, state(export, after=1, title=title))

    assert issue_of(export).title == "Fixes #12 in the prod"


def test_the_first_title_is_what_we_wrote(make_export, telling):
    export = make_export(status="created")

    take(export, state(export, title="[Smachno] Прод лежить"))

    assert issue_of(export).title == "Прод лежить"


def test_a_new_assignee_is_shown_and_in_the_history(mirrored):
    export = mirrored()

    take(export, state(export, after=1, assignee="Тарас"))

    export.refresh_from_db()
    assert export.assignee_there == "Тарас"
    (line,) = told(export, Change.Kind.EXPORT)
    assert (line["before"], line["assignee"]) == ("", "Тарас")


def test_what_is_deleted_there_is_gone_and_not_made_again(mirrored, tracker):
    export = mirrored()

    take(export, replace(state(export, after=1), is_gone=True))
    open_exports([issue_of(export)])

    export = TaskExport.objects.get()
    assert (export.is_gone, export.status, issue_of(export).status) == (True, "created", "approved")
    assert told(export, Change.Kind.EXPORT)[0]["gone"] is True


def test_an_answer_brings_back_what_was_gone_however_old_it_is(mirrored):
    export = mirrored()
    take(export, replace(state(export, after=1), is_gone=True))

    export.refresh_from_db()
    assert not take(export, state(export))
    assert take(export, state(export), is_answer=True)

    export.refresh_from_db()
    assert not export.is_gone


def test_an_answer_from_before_the_deletion_brings_nothing_back(mirrored):
    asked = mirrored()
    take(asked, replace(state(asked, after=1), is_gone=True))

    assert not take(asked, state(asked), is_answer=True)

    asked.refresh_from_db()
    assert asked.is_gone


def test_what_is_gone_can_be_exported_again_with_another_id(mirrored, run, telling):
    export = mirrored()
    take(export, replace(state(export, after=1), is_gone=True))
    export.refresh_from_db()
    before = export.uuid

    export.retry()
    run(export)

    assert export.status == "created"
    assert (export.uuid != before, export.is_gone, telling.issues) == (True, False, [export.uuid])
    assert export.former == [{"uuid": str(before), "id": "T-1", "has_note": False}]


def test_what_is_there_is_not_exported_again(mirrored):
    with pytest.raises(WrongTransition):
        mirrored().retry()


def test_an_issue_that_was_moved_there_has_its_new_name(mirrored):
    export = mirrored()

    take(export, replace(state(export, after=1), id="OPS-7", url="https://fake.example/OPS-7"))

    export.refresh_from_db()
    assert (export.external_id, export.web_url) == ("OPS-7", "https://fake.example/OPS-7")


def test_nothing_that_is_applied_goes_out_again(
    mirrored, telling, django_capture_on_commit_callbacks
):
    export = mirrored()
    heard = []
    status_changed.connect(
        hear := lambda sender, ids, status, **_: heard.append((sender, status)), weak=False
    )
    changes = [
        state(export, "in_progress", after=1, assignee="Тарас"),
        state(export, "in_progress", after=2, title="Прод лежить у Львові", assignee="Тарас"),
        state(export, "done", after=3, title="Прод лежить у Львові"),
    ]
    with django_capture_on_commit_callbacks(execute=True):
        first = [take(export, change) for change in changes]
        again = [take(export, change) for change in changes * 2]
    status_changed.disconnect(hear)

    assert (first, any(again)) == ([True] * 3, False)
    assert telling.calls == []
    assert {sender for sender, status in heard} == {Issue, TaskExport}
    assert not TaskExport.objects.exclude(status="created").exists()


def test_a_task_that_is_another_trackers_by_now_says_nothing_of_the_issue(mirrored):
    export = mirrored()
    TaskExport.objects.filter(pk=export.pk).update(is_live=False)

    take(export, state(export, "rejected", after=1))

    export.refresh_from_db()
    assert issue_of(export).status == "approved"
    assert export.remote["status_name"] == "Rejected"


def test_a_task_whose_tracker_has_moved_is_linked_to_where_it_is(mirrored):
    export = mirrored(external_url="https://old.example/T-1")

    take(export, state(export, url="https://new.example/T-1", after=1))

    export.refresh_from_db()
    assert (export.external_id, export.external_url) == ("T-1", "https://new.example/T-1")
