"""Statuses by compare-and-set, leases by the database's clock, retries in the row."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from apps.issues.models import Issue
from apps.messages.models import Message
from tasktracker.lib.workflow import (
    MAX_ATTEMPTS,
    MOST_ATTEMPTS,
    REDISPATCH_AFTER,
    GiveUp,
    LostRace,
    NotNow,
    TryLater,
    WrongTransition,
    backoff,
    each,
    status_changed,
    work_on,
)

RECEIVED, NOISE, FAILED = Message.Status.RECEIVED, Message.Status.NOISE, Message.Status.FAILED


@pytest.fixture
def announcements():
    heard = []

    def hear(sender, status, ids, is_new, **kwargs):
        heard.append((sender, status, ids, is_new))

    status_changed.connect(hear)
    yield heard
    status_changed.disconnect(hear)


def test_a_move_changes_the_row_and_the_instance(make_message):
    message = make_message()

    message.move_to(NOISE, category="info")

    stored = Message.objects.get()
    assert (stored.status, stored.category) == (NOISE, "info")
    assert (message.status, message.category) == (NOISE, "info")


def test_the_second_of_two_movers_loses_the_race(make_message):
    first = make_message()
    second = Message.objects.get(pk=first.pk)
    first.move_to(NOISE)

    with pytest.raises(LostRace):
        second.move_to(FAILED)


def test_a_move_that_the_model_does_not_know_is_refused(make_message):
    with pytest.raises(WrongTransition):
        make_message().move_to(Message.Status.FILED)


def test_a_move_is_announced_after_the_commit(
    make_message, announcements, django_capture_on_commit_callbacks
):
    message = make_message()

    with django_capture_on_commit_callbacks(execute=True):
        message.move_to(NOISE)
        assert announcements == []

    assert announcements == [(Message, NOISE, [message.pk], False)]


def test_move_many_leaves_rows_with_another_status_alone(make_message):
    here, elsewhere = make_message(), make_message(status=FAILED)

    assert Message.move_many([here.pk, elsewhere.pk], RECEIVED, NOISE) == [here.pk]


def test_a_claimed_row_is_not_claimed_again(make_message):
    message = make_message()

    assert Message.claim([message.pk], RECEIVED) == [message]
    assert Message.claim([message.pk], RECEIVED) == []


def test_a_lease_that_ran_out_frees_the_row(make_message):
    message = make_message(leased_until=timezone.now() - timedelta(seconds=1))

    assert Message.claim([message.pk], RECEIVED) == [message]


def test_attempts_are_counted_up_to_what_the_column_holds(make_message):
    message = make_message(attempts=MOST_ATTEMPTS)

    Message.claim([message.pk], RECEIVED)

    message.refresh_from_db()
    assert message.attempts == MOST_ATTEMPTS


def test_a_renewed_lease_lasts_longer(make_message):
    message = make_message()
    (claimed,) = Message.claim([message.pk], RECEIVED, lease=timedelta(seconds=1))

    claimed.renew(lease=timedelta(seconds=60))

    message.refresh_from_db()
    assert message.leased_until == message.due_at == claimed.leased_until
    assert message.leased_until > timezone.now() + timedelta(seconds=50)


def test_a_lease_that_somebody_else_has_is_not_renewed(make_message):
    message = make_message()
    (late,) = Message.claim([message.pk], RECEIVED, lease=timedelta(seconds=-1))
    (other,) = Message.claim([message.pk], RECEIVED)

    with pytest.raises(LostRace):
        late.renew()

    message.refresh_from_db()
    assert message.leased_until == other.leased_until


def test_due_rows_are_handed_out_once_per_pause(make_message):
    message = make_message()
    Message.objects.update(due_at=Now() - timedelta(seconds=1))

    assert Message.take_due(RECEIVED) == [message.pk]
    assert Message.take_due(RECEIVED) == []
    message.refresh_from_db()
    assert message.due_at > timezone.now() + REDISPATCH_AFTER / 2


def test_a_row_at_work_is_not_due(make_message):
    make_message(
        due_at=timezone.now() - timedelta(seconds=1),
        leased_until=timezone.now() + timedelta(seconds=60),
    )

    assert Message.take_due(RECEIVED) == []


def test_try_later_frees_the_row_with_its_reason(make_message):
    def busy(messages):
        raise TryLater("busy", delay=timedelta(minutes=5))

    message = make_message()
    work_on(Message, [message.pk], RECEIVED, busy)

    message.refresh_from_db()
    assert (message.status, message.last_error) == (RECEIVED, "busy")
    assert message.due_at > timezone.now() + timedelta(minutes=4)


def test_what_was_not_tried_is_no_attempt(make_message):
    def closed(messages):
        raise NotNow("closed", delay=timedelta(minutes=5))

    message = make_message(attempts=3)
    work_on(Message, [message.pk], RECEIVED, closed)

    message.refresh_from_db()
    assert (message.attempts, message.last_error) == (3, "closed")


def test_give_up_fails_the_row_with_its_reason(make_message):
    def never(messages):
        raise GiveUp("cannot ever work")

    message = make_message()
    work_on(Message, [message.pk], RECEIVED, never)

    message.refresh_from_db()
    assert (message.status, message.last_error) == (FAILED, "cannot ever work")


def test_what_is_given_up_still_says_how_often_it_was_tried(make_message):
    def never(messages):
        raise GiveUp("cannot ever work")

    message = make_message()
    work_on(Message, [message.pk], RECEIVED, never)

    message.refresh_from_db()
    assert message.attempts == 1


def test_an_unexpected_error_is_tried_again(make_message):
    def broken(messages):
        raise ZeroDivisionError("oops")

    message = make_message()
    work_on(Message, [message.pk], RECEIVED, broken)

    message.refresh_from_db()
    assert (message.status, message.last_error) == (RECEIVED, "ZeroDivisionError: oops")


def test_unexpected_errors_end_after_the_last_attempt(make_message):
    def broken(messages):
        raise ZeroDivisionError("oops")

    message = make_message(attempts=MAX_ATTEMPTS - 1)
    work_on(Message, [message.pk], RECEIVED, broken)

    message.refresh_from_db()
    assert message.status == FAILED


def test_one_bad_row_does_not_fail_its_chunk(make_message):
    good, bad = make_message("good"), make_message("bad")

    def verb(messages):
        for message in messages:
            if message.text == "bad":
                raise ValueError("bad")
            message.move_to(NOISE)

    work_on(Message, [good.pk, bad.pk], RECEIVED, verb)

    good.refresh_from_db()
    bad.refresh_from_db()
    assert (good.status, bad.status) == (NOISE, RECEIVED)
    assert bad.last_error == "ValueError: bad"


@pytest.mark.parametrize("texts", [["bad"], ["good", "bad"]])
def test_a_move_that_was_rolled_back_counts_as_a_failure(make_message, texts):
    def verb(messages):
        for message in messages:
            with transaction.atomic():
                message.move_to(NOISE)
                if message.text == "bad":
                    raise ValueError("bad")

    messages = [make_message(text, attempts=MAX_ATTEMPTS - 2) for text in texts]
    ids = [message.pk for message in messages]
    work_on(Message, ids, RECEIVED, verb)

    bad = Message.objects.get(text="bad")
    assert (bad.status, bad.last_error) == (RECEIVED, "ValueError: bad")

    Message.objects.update(leased_until=None)  # the pause is over
    work_on(Message, ids, RECEIVED, verb)

    bad.refresh_from_db()
    assert (bad.status, bad.last_error) == (FAILED, "ValueError: bad")


def test_a_row_without_a_failed_status_stays_and_says_why(make_issue):
    def broken(issues):
        raise ZeroDivisionError("oops")

    issue = make_issue(status=Issue.Status.APPROVED, attempts=MAX_ATTEMPTS)
    work_on(Issue, [issue.pk], Issue.Status.APPROVED, broken)

    issue.refresh_from_db()
    assert (issue.status, issue.last_error) == (Issue.Status.APPROVED, "ZeroDivisionError: oops")
    assert issue.due_at > timezone.now() + timedelta(minutes=14)


def test_each_runs_a_verb_row_by_row(make_message):
    messages = [make_message(), make_message("fails"), make_message()]

    def verb(message):
        if message.text == "fails":
            raise GiveUp("no")
        message.move_to(NOISE)

    work_on(Message, [message.pk for message in messages], RECEIVED, each(verb))

    statuses = list(Message.objects.order_by("pk").values_list("status", flat=True))
    assert statuses == [NOISE, FAILED, NOISE]


@pytest.mark.parametrize("attempt", [0, 1, 5, 1000])
def test_the_pause_between_attempts_has_a_floor_and_a_ceiling(attempt):
    assert timedelta(seconds=1) <= backoff(attempt) <= timedelta(minutes=15)


def test_a_second_copy_of_a_task_does_not_shorten_the_pause(make_message):
    calls = []

    def busy(messages):
        calls.append(messages)
        raise TryLater("busy")

    message = make_message()
    for _ in range(3):
        work_on(Message, [message.pk], RECEIVED, busy)

    assert len(calls) == 1


def test_a_chunk_is_announced_once_per_status(
    make_message, announcements, django_capture_on_commit_callbacks
):
    messages = [make_message(), make_message()]

    def verb(claimed):
        for message in claimed:
            with django_capture_on_commit_callbacks(execute=True):
                message.move_to(NOISE)

    work_on(Message, [message.pk for message in messages], RECEIVED, verb)

    assert announcements == [(Message, NOISE, [message.pk for message in messages], False)]


def test_a_databases_error_is_kept_without_the_row_that_it_quotes(make_message):
    def broken(messages):
        raise IntegrityError("DETAIL: Failing row contains (secret words)")

    message = make_message()
    work_on(Message, [message.pk], RECEIVED, broken)

    message.refresh_from_db()
    assert message.last_error == "IntegrityError"
