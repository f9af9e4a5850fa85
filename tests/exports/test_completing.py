"""What belongs to a task besides, and an error there that nobody expected."""

import pytest

from apps.exports.deliver import COMPLETE_ATTEMPTS
from tasktracker.lib.workflow import TryLater


@pytest.fixture
def try_it(make_export, run):
    """Its delivery is tried so often."""

    def try_it(times: int):
        export = make_export()
        for _attempt in range(times):
            run(export, later=1000)
        return export

    return try_it


@pytest.mark.parametrize(
    "error", [KeyError("issue"), AttributeError("headers"), TryLater("away")], ids=repr
)
def test_a_task_stands_without_what_cannot_be_added(fake, try_it, error):
    fake.does("complete", before=error)

    export = try_it(COMPLETE_ATTEMPTS)

    assert (export.status, export.external_id) == ("created", "FAKE-1")
    assert fake.calls.count("complete") == COMPLETE_ATTEMPTS
    assert fake.issues == [export.uuid]


def test_a_mistake_of_ours_after_the_task_was_made_is_no_failure_of_the_tracker(
    fake, try_it, tracker
):
    fake.does("complete", before=KeyError("issue"))

    try_it(COMPLETE_ATTEMPTS)

    tracker.refresh_from_db()
    assert (tracker.failures_in_a_row, tracker.circuit) == (0, "closed")


def test_what_could_not_be_added_at_first_is_added(fake, make_export, run):
    fake.does("complete", before=KeyError("issue"))
    export = run(make_export())
    fake.does("complete")

    run(export, later=60)

    assert (export.status, fake.completed) == ("created", [export.uuid])
